"""/api/v1: a tenant's people and programs."""

from __future__ import annotations

from control_plane.tenant_api import channels, deliveries, events, keys, me, meta, monitors, regions
from control_plane.web.routes import Route

ROUTES: tuple[Route, ...] = (
    *monitors.ROUTES,
    *channels.ROUTES,
    *deliveries.ROUTES,
    *events.ROUTES,
    *regions.ROUTES,
    *keys.ROUTES,
    *me.ROUTES,
    *meta.ROUTES,
)
