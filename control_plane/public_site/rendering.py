"""Templates into public pages: server-rendered, readable without scripts, with nothing from elsewhere.

What a template sees are views; every value is escaped, and a name that is not there fails. Style sheets and
scripts lie at their digest, so that a browser may keep them for ever.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined

from control_plane.errors import BadRequest, NotFound, Unavailable
from control_plane.public_site.language import Language, language, preferred_of
from control_plane.web.call import Call, Reply
from control_plane.web.routes import Door, Handler, Route

STYLE = "public.css"
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
}
_INDENT = re.compile(r"\n[ \t\n]*(?=[ \t]*<)|\n[ \t]+")
_MAX_FIELDS = 30
FOR_EVER = "public, max-age=31536000, immutable"


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
    environment.globals["public_asset"] = asset_path
    return environment


@cache
def _assets() -> dict[str, tuple[bytes, str]]:
    """Every file in static/: its path below /static/public/ → content and media type."""
    return {_digested(name, content): (content, _TYPES[name[name.rindex(".") :]]) for name, content in _files().items()}


@cache
def _files() -> dict[str, bytes]:
    found = (item for item in (files(__package__) / "static").iterdir() if item.name.endswith(tuple(_TYPES)))
    return {item.name: item.read_bytes() for item in found}


def _digested(name: str, content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16] + name[name.rindex(".") :]


@cache
def asset_path(name: str) -> str:
    """Where a file of static/ is served. Raises KeyError for one that there is not: a template names it wrongly."""
    return f"/static/public/{_digested(name, _files()[name])}"


def asset_content(name: str) -> bytes:
    """A file of static/, for whoever serves it at an address of its own."""
    return _files()[name]


def style_path() -> str:
    """Where the style sheet of pages for whoever follows a link is served."""
    return asset_path(STYLE)


def rendered(template: str, context: Mapping[str, Any]) -> str:
    """The text of a template, or of a fragment, without the indentation of lines; not for <pre> or textarea."""
    return _INDENT.sub("\n", _environment().get_template(template).render(context))


def page(template: str, *, status: int = 200, words: Language | None = None, **context: Any) -> web.Response:
    """A page of its own, for whoever follows a link: no chrome, no cookie, kept by nobody.

    `words`: what it says is in this language, chosen by what its reader prefers; without, it is in English.
    """
    told = {**context, "words": words or language("en")}
    text = _environment().get_template(template).render(told)
    headers = _HEADERS if words is None else {**_HEADERS, "Vary": "Accept-Language"}
    return web.Response(text=text, status=status, content_type="text/html", charset="utf-8", headers=headers)


def words_for(call: Call) -> Language:
    """The language that the reader of a link likes best."""
    return preferred_of(call.request.headers.get("Accept-Language", ""))


def link_over(call: Call, key: str = "link_over") -> web.Response:
    """One answer for links that are unknown, spent, revoked or too old: none of them tells which."""
    words = words_for(call)
    text = words.say(key)
    return page("said.html", status=404, words=words, title=words.say("gone_title"), text=text, mark="gone")


def calm(answer: Handler) -> Handler:
    """A handler of pages of links: while the database is away it says so in words, and not in an envelope."""

    async def answered(call: Call) -> Reply | web.StreamResponse:
        try:
            return await answer(call)
        except Unavailable:
            return not_now(call)

    return answered


def not_now(call: Call) -> web.Response:
    """The page of what cannot be read or changed at the moment."""
    words = words_for(call)
    title, text = words.say("away_title"), words.say("link_away")
    response = page("said.html", status=503, words=words, title=title, text=text, mark="stop")
    response.headers["Retry-After"] = "5"
    return response


def form_fields(body: bytes) -> dict[str, str]:
    """The fields of an application/x-www-form-urlencoded body, of each the last. Raises BadRequest INVALID_FORM."""
    try:
        fields = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MAX_FIELDS)
    except ValueError:
        raise BadRequest("The form cannot be read", code="INVALID_FORM") from None
    return {name: value.replace("\x00", "").strip() for name, value in fields}


async def serve_asset(call: Call) -> web.StreamResponse:
    found = _assets().get(call.path["name"])
    if found is None:
        raise NotFound("There is no such file")
    content, kind = found
    return web.Response(body=content, content_type=kind, charset="utf-8", headers={"Cache-Control": FOR_EVER})


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/static/public/{name}",
        handler=serve_asset,
        operation="get_public_style",
        summary="A style sheet or script of public pages",
        tag="Public",
        door=Door.PUBLIC,
        in_openapi=False,
    ),
)
