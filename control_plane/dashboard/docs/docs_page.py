"""/docs: the API as people read and try it, made from the OpenAPI document; /docs/errors: every code.

A page for each tag, so that none is heavy. All of it is readable without scripts; docs.js adds what sends requests.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from aiohttp import web

from control_plane.dashboard.docs.docs_views import Chapter, chapters_of
from control_plane.dashboard.rendering import html
from control_plane.dashboard.visit import frame
from control_plane.error_codes import chapters as error_chapters
from control_plane.errors import NotFound
from control_plane.openapi import DOCUMENT
from control_plane.web.call import Call
from control_plane.web.dispatch import PUBLIC_READ
from control_plane.web.routes import Door, Route

_ORIGINS = 8
"""Origins that pages are kept ready for: a reader's Host decides what the curl lines say."""


async def show_docs(call: Call) -> web.StreamResponse:
    return _page(call, "docs.html", {"chapters": _chapters(call)})


async def show_errors(call: Call) -> web.StreamResponse:
    return _page(call, "docs_errors.html", {"chapters": _chapters(call), "errors": error_chapters()})


async def show_chapter(call: Call) -> web.StreamResponse:
    chapters = _chapters(call)
    chapter = next((each for each in chapters if each.slug == call.path["chapter"]), None)
    if chapter is None:
        raise NotFound("There is no such page; /docs lists what there is")
    return _page(call, "docs_chapter.html", {"chapters": chapters, "chapter": chapter})


def _page(call: Call, template: str, context: dict[str, Any]) -> web.Response:
    response = html(template, {"frame": frame(None), "origin": _origin(call), **context})
    response.headers["Cache-Control"] = PUBLIC_READ
    return response


def _origin(call: Call) -> str:
    return call.deps.settings.server.public_url.rstrip("/") or str(call.request.url.origin())


def _chapters(call: Call) -> list[Chapter]:
    return _chapters_of(call.request.app[DOCUMENT](), _origin(call))


@lru_cache(maxsize=_ORIGINS)
def _chapters_of(document: bytes, origin: str) -> list[Chapter]:
    return chapters_of(json.loads(document), origin=origin)


def _route(path: str, handler: Any, operation: str, summary: str) -> Route:
    return Route(
        method="GET",
        path=path,
        handler=handler,
        operation=operation,
        summary=summary,
        tag="Dashboard",
        door=Door.PUBLIC,
        in_openapi=False,
    )


ROUTES: tuple[Route, ...] = (
    _route("/docs", show_docs, "show_docs", "The API, to read and to try"),
    _route("/docs/errors", show_errors, "show_error_reference", "Every error code"),
    _route("/docs/{chapter}", show_chapter, "show_docs_chapter", "The operations of one tag"),
)
