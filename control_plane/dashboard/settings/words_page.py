"""/app/settings/words: the tags and groups that monitors are sorted by: renamed, merged and taken away at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from aiohttp import web

from control_plane.dashboard.settings.frame import REFUSALS, again, settings_page
from control_plane.dashboard.visit import Visit, form, page, see_other
from control_plane.dashboard.words import count
from control_plane.errors import BadRequest, NotFound
from control_plane.services.monitors.rename_group import dissolve_group, rename_group
from control_plane.services.monitors.rename_tag import remove_tag, rename_tag
from control_plane.store import tags
from control_plane.store.tags import WordView
from control_plane.web.routes import Route

_HERE = "/app/settings/words"
_MOST = 500
_STATES = ("down", "degraded", "unknown", "maintenance", "up", "paused")
Verb = Callable[..., Awaitable[object]]
_RENAME: Mapping[str, Verb] = {"tag": rename_tag, "group": rename_group}
_REMOVE: Mapping[str, Verb] = {"tag": remove_tag, "group": dissolve_group}


async def show_words(visit: Visit) -> web.StreamResponse:
    return await _words(visit)


async def _words(visit: Visit, *, problem: str = "", status: int = 200) -> web.Response:
    wanted = visit.query("q") or None
    async with visit.deps.database.tenant(visit.tenant_id) as conn:
        listed = partial(_list, conn, visit, wanted)
        of_tags, many_tags = await listed(tags.list_tags)
        of_groups, many_groups = await listed(tags.list_groups)
    kinds = [
        {"one": "group", "many": "Groups", "words": [_view(each) for each in of_groups], "left": many_groups - _MOST},
        {"one": "tag", "many": "Tags", "words": [_view(each) for each in of_tags], "left": many_tags - _MOST},
    ]
    context = {"kinds": kinds, "q": wanted or "", "may_change": visit.may("monitors:write"), "problem": problem}
    return settings_page(visit, "settings_words.html", context, status=status)


async def _list(
    conn: object, visit: Visit, wanted: str | None, read: Callable[..., Awaitable[tuple[list[WordView], int]]]
) -> tuple[list[WordView], int]:
    return await read(conn, tenant_id=visit.tenant_id, q=wanted, sort="name", limit=_MOST, offset=0)


async def rename(visit: Visit) -> web.StreamResponse:
    try:
        await _of(visit, _RENAME)(
            visit.deps.database,
            tenant_id=visit.tenant_id,
            old=visit.text("old"),
            new=visit.text("new"),
            write_source=visit.caller.write_source,
        )
    except (*REFUSALS, NotFound) as error:
        return await again(_words, visit, error)
    return see_other(_HERE)


async def remove(visit: Visit) -> web.StreamResponse:
    try:
        await _of(visit, _REMOVE)(
            visit.deps.database,
            tenant_id=visit.tenant_id,
            name=visit.text("old"),
            write_source=visit.caller.write_source,
        )
    except (*REFUSALS, NotFound) as error:
        return await again(_words, visit, error)
    return see_other(_HERE)


def _of(visit: Visit, table: Mapping[str, Verb]) -> Verb:
    found = table.get(visit.text("kind"))
    if found is None:
        raise BadRequest("Say whether it is a tag or a group", code="INVALID_FORM")
    return found


def _view(word: WordView) -> dict[str, Any]:
    worst = next((state for state in _STATES if getattr(word, state)), "unknown")
    shown = [f"{getattr(word, state)} {state}" for state in _STATES if getattr(word, state)]
    return {"name": word.name, "mark": worst, "monitors": count(word.monitors, "monitor"), "states": ", ".join(shown)}


_writes = partial(form, scope="monitors:write")

ROUTES: tuple[Route, ...] = (
    page(_HERE, show_words, operation="show_words", summary="Tags and groups", scope="monitors:read"),
    _writes(f"{_HERE}/rename", rename, operation="rename_word_from_page", summary="Rename a tag or group"),
    _writes(f"{_HERE}/remove", remove, operation="remove_word_from_page", summary="Take a tag or group away"),
)
