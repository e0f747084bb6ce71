"""Templates into public pages: server-rendered, without scripts, with nothing from elsewhere.

What a template sees are views; every value is escaped, and a name that is not there fails. The style sheet lies below
its digest, so that a browser may keep it for ever.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined

from control_plane.errors import BadRequest, NotFound
from control_plane.web.call import Call
from control_plane.web.routes import Door, Route

STYLE = "public.css"

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
}
_MAX_FIELDS = 30
_FOR_EVER = "public, max-age=31536000, immutable"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("control_plane.public_site"),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["style"] = style_path
    return environment


@cache
def _style() -> bytes:
    return (files(__package__) / "static" / STYLE).read_bytes()


@cache
def style_path() -> str:
    """Where the style sheet is served."""
    return f"/static/public/{hashlib.sha256(_style()).hexdigest()[:16]}.css"


def page(template: str, *, status: int = 200, **context: Any) -> web.Response:
    """A page of its own, for whoever follows a link: no chrome, no cookie, kept by nobody."""
    text = _environment().get_template(template).render(context)
    return web.Response(text=text, status=status, content_type="text/html", charset="utf-8", headers=_HEADERS)


def link_over(what: str = "This link") -> web.Response:
    """One answer for links that are unknown, spent, revoked or too old: none of them tells which."""
    return page(
        "said.html", status=404, title="Nothing here", text=f"{what} was used before, or is too old.", mark="gone"
    )


def form_fields(body: bytes) -> dict[str, str]:
    """The fields of an application/x-www-form-urlencoded body, of each the last. Raises BadRequest INVALID_FORM."""
    try:
        fields = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MAX_FIELDS)
    except ValueError:
        raise BadRequest("The form cannot be read", code="INVALID_FORM") from None
    return {name: value.replace("\x00", "").strip() for name, value in fields}


async def serve_style(call: Call) -> web.StreamResponse:
    if call.request.path != style_path():
        raise NotFound("There is no such file")
    return web.Response(body=_style(), content_type="text/css", charset="utf-8", headers={"Cache-Control": _FOR_EVER})


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/static/public/{name}",
        handler=serve_style,
        operation="get_public_style",
        summary="The style sheet of public pages",
        tag="Public",
        door=Door.PUBLIC,
        in_openapi=False,
    ),
)
