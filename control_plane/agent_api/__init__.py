"""/api/agent/v1: what probe agents say and are told. Who speaks for which region is known from the probe key alone."""

from __future__ import annotations

from control_plane.agent_api import assignments, dispatch, goodbye, hello, observations, results
from control_plane.web.routes import Route

ROUTES: tuple[Route, ...] = (
    *hello.ROUTES,
    *assignments.ROUTES,
    *dispatch.ROUTES,
    *results.ROUTES,
    *observations.ROUTES,
    *goodbye.ROUTES,
)
