"""/api/v1: a tenant's people and programs."""

from __future__ import annotations

from control_plane.tenant_api import keys, me, meta, regions
from control_plane.web.routes import Route

ROUTES: tuple[Route, ...] = (
    *regions.ROUTES,
    *keys.ROUTES,
    *me.ROUTES,
    *meta.ROUTES,
)
