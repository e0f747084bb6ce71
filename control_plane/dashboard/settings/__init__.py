"""Settings: what a tenant decides about itself, and what a person decides about their own browsers.

Each file is a page with its forms; frame.py draws the row of tabs above them all.
"""

from __future__ import annotations

from aiohttp import web

from control_plane.dashboard.navigation import SETTINGS, tabs
from control_plane.dashboard.settings import (
    audit_page,
    domains_page,
    feeds_page,
    keys_page,
    push_page,
    tenant_page,
    words_page,
)
from control_plane.dashboard.visit import Visit, page, see_other
from control_plane.web.routes import Route


async def first_tab(visit: Visit) -> web.StreamResponse:
    """Where Settings begins depends on what somebody may open; sessions are open to all."""
    return see_other(tabs("", visit.caller.scopes, SETTINGS)[0].path)


ROUTES: tuple[Route, ...] = (
    page("/app/settings", first_tab, operation="show_settings", summary="Settings"),
    *tenant_page.ROUTES,
    *keys_page.ROUTES,
    *domains_page.ROUTES,
    *words_page.ROUTES,
    *feeds_page.ROUTES,
    *push_page.ROUTES,
    *audit_page.ROUTES,
)
