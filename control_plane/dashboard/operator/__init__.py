"""The operator's pages at /operator/ui: the fleet, its incidents, tenants, dead letters and the kill switch.

They are the JSON door's services behind a session of a browser. Without it every path is 404; door.py lets in.
"""

from __future__ import annotations

from control_plane.dashboard.operator import (
    announcements_page,
    fleet_page,
    incidents_page,
    letters_page,
    sign_in,
    switch_page,
    tenants_page,
)
from control_plane.web.routes import Route

ROUTES: tuple[Route, ...] = (
    *sign_in.ROUTES,
    *fleet_page.ROUTES,
    *incidents_page.ROUTES,
    *tenants_page.ROUTES,
    *letters_page.ROUTES,
    *announcements_page.ROUTES,
    *switch_page.ROUTES,
)
