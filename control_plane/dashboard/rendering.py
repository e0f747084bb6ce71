"""Templates into responses. A template sees views only, every value is escaped, and a name that is not there fails."""

from __future__ import annotations

from functools import cache
from typing import Any

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined

from control_plane.dashboard.assets import asset

_CONTENT_SECURITY_POLICY = (
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _CONTENT_SECURITY_POLICY,
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    # Not no-referrer, under which browsers send `Origin: null` with our own forms.
    "Referrer-Policy": "same-origin",
}


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("control_plane.dashboard"),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["asset"] = asset
    return environment


@cache
def is_there(template: str) -> bool:
    """Whether there is a template of this name."""
    return template in _environment().list_templates()


def html(template: str, context: dict[str, Any], *, status: int = 200) -> web.Response:
    """A page, or a fragment of one. Durations and times in `context` are already words."""
    text = _environment().get_template(template).render(context)
    return web.Response(text=text, status=status, content_type="text/html", charset="utf-8", headers=_HEADERS)
