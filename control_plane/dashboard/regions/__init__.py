"""Regions: where monitors are checked from, how those places are, and the private ones that a tenant keeps itself."""

from __future__ import annotations

from control_plane.dashboard.regions import agents_part, list_page, region_page
from control_plane.web.routes import Route

ROUTES: tuple[Route, ...] = (*list_page.ROUTES, *region_page.ROUTES, *agents_part.ROUTES)
