"""/api/v1: what a tenant's people and programs may do. One file per resource."""

from __future__ import annotations

from control_plane.tenant_api import channels, deliveries
from control_plane.web.routes import Route

ROUTES: tuple[Route, ...] = (
    *channels.ROUTES,
    *deliveries.ROUTES,
)
