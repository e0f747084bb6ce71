"""The frame of the pages below Settings: the row of tabs, and a refused form on its own page again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from control_plane.dashboard.navigation import SETTINGS, tabs
from control_plane.dashboard.rendering import html
from control_plane.dashboard.visit import Visit, frame
from control_plane.errors import (
    BadRequest,
    Conflict,
    FarwatchError,
    Forbidden,
    PreconditionFailed,
    Refused,
    Unavailable,
)

REFUSALS = (BadRequest, Conflict, Forbidden, PreconditionFailed, Refused, Unavailable)
"""What a person can do something about: told above the form they sent, with what they had typed."""

Shown = Callable[..., Awaitable[web.Response]]


def settings_page(visit: Visit, template: str, context: dict[str, Any], *, status: int = 200) -> web.Response:
    """A page of Settings with its tabs."""
    inner = tabs(visit.call.request.path, visit.caller.scopes, SETTINGS)
    return html(template, {"frame": frame(visit), "inner_tabs": inner, "problem": "", **context}, status=status)


def words_of(error: FarwatchError) -> str:
    """The refusal as a sentence."""
    return f"{error.message.rstrip('.')}."


async def again(show: Shown, visit: Visit, error: FarwatchError) -> web.Response:
    """The page as it is now, with the refusal above it."""
    return await show(visit, problem=words_of(error), status=error.status)


def pepper(visit: Visit) -> bytes:
    return visit.deps.settings.security.pepper.encode()
