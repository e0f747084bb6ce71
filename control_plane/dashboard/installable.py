"""What makes the dashboard an app of a phone or desktop: its manifest, and the service worker that shows pushes."""

from __future__ import annotations

import msgspec
from aiohttp import web

from control_plane.dashboard.assets import asset, content_of
from control_plane.web.call import Call
from control_plane.web.routes import Door, Route

_WORKER_HEADERS = {
    # A worker of a later version takes over with the next visit (W3C Service Workers, section 4.4 "Update").
    "Cache-Control": "no-cache",
    "Service-Worker-Allowed": "/",
    # Governs what the worker itself fetches: our own door, to renew a subscription.
    "Content-Security-Policy": "default-src 'none'; connect-src 'self'; img-src 'self'",
}
_THEME = "#2f5bd0"
_GROUND = "#121417"


async def worker(_call: Call) -> web.StreamResponse:
    """At the root, because a worker governs only what lies below its own address."""
    body = content_of("sw.js")
    return web.Response(body=body, content_type="text/javascript", charset="utf-8", headers=_WORKER_HEADERS)


async def manifest(_call: Call) -> web.StreamResponse:
    """W3C Web Application Manifest."""
    document = {
        "id": "/app",
        "name": "Farwatch",
        "short_name": "Farwatch",
        "description": "Multi-region uptime monitoring whose verdicts you can trust.",
        "lang": "en",
        "start_url": "/app",
        "scope": "/",
        "display": "standalone",
        "theme_color": _THEME,
        "background_color": _GROUND,
        "icons": [
            {"src": asset("icon-192.png"), "sizes": "192x192", "type": "image/png", "purpose": "any"},
            {"src": asset("icon-512.png"), "sizes": "512x512", "type": "image/png", "purpose": "any"},
            {"src": asset("icon-maskable-512.png"), "sizes": "512x512", "type": "image/png", "purpose": "maskable"},
            {"src": asset("icon.svg"), "sizes": "any", "type": "image/svg+xml", "purpose": "any"},
        ],
        "shortcuts": [{"name": "Incidents and monitors", "url": "/app"}, {"name": "Regions", "url": "/app/regions"}],
    }
    body = msgspec.json.encode(document)
    return web.Response(body=body, content_type="application/manifest+json", headers={"Cache-Control": "no-cache"})


async def favicon(_call: Call) -> web.StreamResponse:
    """Browsers ask for it wherever what they show names no icon: JSON, a badge, a feed. They look at what it is."""
    headers = {"Cache-Control": "public, max-age=86400"}
    return web.Response(body=content_of("icon-192.png"), content_type="image/png", headers=headers)


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/favicon.ico",
        handler=favicon,
        operation="get_favicon",
        summary="The icon that browsers ask for by themselves",
        tag="Dashboard",
        door=Door.PUBLIC,
        in_openapi=False,
    ),
    Route(
        method="GET",
        path="/sw.js",
        handler=worker,
        operation="get_service_worker",
        summary="The service worker that shows pushes",
        tag="Dashboard",
        door=Door.PUBLIC,
        in_openapi=False,
    ),
    Route(
        method="GET",
        path="/app.webmanifest",
        handler=manifest,
        operation="get_manifest",
        summary="What an installed dashboard is called and looks like",
        tag="Dashboard",
        door=Door.PUBLIC,
        in_openapi=False,
    ),
)
