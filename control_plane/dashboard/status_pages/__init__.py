"""Status pages in the dashboard: the list, the editor beside the page itself, its components, what the public reads."""

from __future__ import annotations

from control_plane.dashboard.status_pages import (
    components_page,
    editor_page,
    list_page,
    preview,
    subscribers_page,
    words_page,
)
from control_plane.web.routes import Route

ROUTES: tuple[Route, ...] = (
    *list_page.ROUTES,
    *editor_page.ROUTES,
    *preview.ROUTES,
    *components_page.ROUTES,
    *words_page.ROUTES,
    *subscribers_page.ROUTES,
)
