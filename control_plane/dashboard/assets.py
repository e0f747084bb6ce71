"""Style sheet, scripts and icon. All lie below a digest of them all, so that a browser may keep them for ever.

One digest for all instead of one each: scripts import one another by relative name.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files

from aiohttp import web

from control_plane.errors import NotFound
from control_plane.web.call import Call
from control_plane.web.routes import Door, Route

_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".png": "image/png"}
_FOR_EVER = "public, max-age=31536000, immutable"


@cache
def _contents() -> dict[str, bytes]:
    """Name → bytes of every file, read once."""
    directory = files(__package__) / "static"
    found = (item for item in directory.iterdir() if item.name.endswith(tuple(_TYPES)))
    return {item.name: item.read_bytes() for item in sorted(found, key=lambda item: item.name)}


@cache
def digest() -> str:
    """Changes when any file does."""
    whole = hashlib.sha256()
    for name, content in _contents().items():
        whole.update(f"{name} {len(content)}\n".encode() + content)
    return whole.hexdigest()[:16]


def asset(name: str) -> str:
    """The path of a file of ours. Raises KeyError for one that there is not: a template names it wrongly."""
    if name not in _contents():
        raise KeyError(name)
    return f"/static/{digest()}/{name}"


def content_of(name: str) -> bytes:
    """A file of ours, for whoever serves it at another address as well."""
    return _contents()[name]


async def serve(call: Call) -> web.StreamResponse:
    name = call.path["name"]
    content = _contents().get(name)
    if content is None:
        raise NotFound("There is no such file")
    # During a rolling upgrade the page may be of another version than this process: then nobody is to keep this.
    kept = _FOR_EVER if call.path["digest"] == digest() else "no-store"
    kind = _TYPES[name[name.rindex(".") :]]
    charset = None if kind == "image/png" else "utf-8"
    return web.Response(body=content, content_type=kind, charset=charset, headers={"Cache-Control": kept})


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/static/{digest}/{name}",
        handler=serve,
        operation="get_static_file",
        summary="A style sheet, script or icon of the dashboard",
        tag="Dashboard",
        door=Door.PUBLIC,
        in_openapi=False,
    ),
)
