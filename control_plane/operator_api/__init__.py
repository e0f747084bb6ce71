"""/operator: whoever runs the installation. Without the right secret, every path below it is unknown."""

from __future__ import annotations

from control_plane.operator_api import (
    agents,
    announcements,
    audit,
    channels,
    deliveries,
    deny_lists,
    domains,
    fleet,
    incidents,
    jobs,
    kill_switch,
    plans,
    regions,
    sealing,
    tenants,
)
from control_plane.web.routes import Route

ROUTES: tuple[Route, ...] = (
    *tenants.ROUTES,
    *plans.ROUTES,
    *regions.ROUTES,
    *agents.ROUTES,
    *fleet.ROUTES,
    *incidents.ROUTES,
    *channels.ROUTES,
    *kill_switch.ROUTES,
    *deny_lists.ROUTES,
    *domains.ROUTES,
    *announcements.ROUTES,
    *sealing.ROUTES,
    *jobs.ROUTES,
    *deliveries.ROUTES,
    *audit.ROUTES,
)
