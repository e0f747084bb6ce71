"""A page's own colours as a style sheet. Its name says it all, so it needs no page, and may be kept for ever."""

from __future__ import annotations

import re

from aiohttp import web

from control_plane.errors import NotFound
from control_plane.public_site.rendering import FOR_EVER
from control_plane.web.call import Call
from control_plane.web.routes import Door, Route

_COLOUR = "([0-9a-f]{6}|-)"
_NAME = re.compile(f"{_COLOUR}_{_COLOUR}_{_COLOUR}_{_COLOUR}\\.css")
_GROUND, _GROUND_DARK = "fafaf9", "121417"


def colours_css(accent: str, accent_dark: str, ground: str, ground_dark: str) -> str:
    """Rules for these colours, each six hexadecimal digits or "-" for Farwatch's own.

    What stands on the accent is white in the light theme and black in the dark one: an accent that can be read on its
    ground is darker than a light ground, and lighter than a dark one, so these can be read on it.
    """
    rules = []
    if accent != "-" and accent_dark != "-":
        rules.append(f"--accent: light-dark(#{accent}, #{accent_dark}); --on-accent: light-dark(#fff, #000);")
    if ground != "-" or ground_dark != "-":
        light = ground if ground != "-" else _GROUND
        dark = ground_dark if ground_dark != "-" else _GROUND_DARK
        rules.append(f"--ground: light-dark(#{light}, #{dark});")
    return f":root {{ {' '.join(rules)} }}\n"


async def serve_colours(call: Call) -> web.StreamResponse:
    found = _NAME.fullmatch(call.path["name"])
    if found is None:
        raise NotFound("There is no such file")
    headers = {"Cache-Control": FOR_EVER}
    return web.Response(text=colours_css(*found.groups()), content_type="text/css", charset="utf-8", headers=headers)


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/static/colours/{name}",
        handler=serve_colours,
        operation="get_page_colours",
        summary="The colours of a status page",
        tag="Public",
        door=Door.PUBLIC,
        in_openapi=False,
    ),
)
