"""The demo's switchboard: a page on which people break and mend its services, and see what channels were sent."""

from __future__ import annotations

import html
from collections.abc import Awaitable, Callable

from aiohttp import web

from control_plane.cli.demo_sites import WEB, Sites

_STATES = {"up": "well", "down": "down", "slow": "slow", "far": "fails from one region"}
_POLICY = "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'"
_STYLE = """
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif }
body { max-width: 44rem; margin: 2rem auto; padding: 0 1rem }
table { width: 100%; border-collapse: collapse }
td, th, pre { border: 0 solid color-mix(in srgb, currentcolor 20%, transparent) }
td, th { padding: .5rem .25rem; border-width: 0 0 1px; text-align: start }
button { min-height: 2.75rem; padding: 0 .75rem; font: inherit }
form { display: inline }
pre { overflow: auto; max-height: 12rem; padding: .75rem; border-width: 1px }
"""


def routes(sites: Sites) -> list[web.RouteDef]:
    """The page, its style, and the switches."""
    return [
        web.get("/", _page(sites)),
        web.get("/switchboard.css", _style),
        web.post("/switch/{name}/{state}", _switch(sites)),
    ]


def _page(sites: Sites) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def show(_: web.Request) -> web.Response:
        rows = "".join(_row(sites, name) for name in (*WEB, "database"))
        sent = "".join(_message(*one) for one in list(sites.inbox)[:20]) or "<p>Nothing yet.</p>"
        text = (
            '<!doctype html><html lang="en"><meta charset="utf-8"><title>Switchboard of the demo</title>'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            '<link rel="stylesheet" href="/switchboard.css">'
            "<h1>Switchboard of the demo</h1><p>Break a service, and watch Farwatch notice. It follows the timetable "
            "of the demo until you say otherwise.</p><table><tr><th>Service<th>Now<th>Make it</tr>"
            f"{rows}</table><h2>What the channels were sent</h2>{sent}"
        )
        return web.Response(text=text, content_type="text/html", headers={"Content-Security-Policy": _POLICY})

    return show


def _row(sites: Sites, name: str) -> str:
    state = sites.state(name)
    forms = "".join(
        f'<form method="post" action="/switch/{name}/{each}"><button>{_STATES[each]}</button></form> '
        for each in ("up", "down", "slow")
        if each != state
    )
    return f"<tr><td>{name}<td>{_STATES[state]}<td>{forms}</tr>"


def _message(at: object, channel: str, text: str) -> str:
    return f"<h3>{channel}, {at:%H:%M:%S} UTC</h3><pre>{html.escape(text)}</pre>"


async def _style(_: web.Request) -> web.Response:
    return web.Response(text=_STYLE, content_type="text/css")


def _switch(sites: Sites) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def turn(request: web.Request) -> web.Response:
        name, state = request.match_info["name"], request.match_info["state"]
        origin = request.headers.get("Origin")
        if origin is not None and origin != f"http://{request.host}":
            raise web.HTTPForbidden(text="Only this page may turn the switches\n")
        if name not in (*WEB, "database") or state not in _STATES:
            raise web.HTTPNotFound
        sites.said[name] = state
        raise web.HTTPSeeOther("/")

    return turn
