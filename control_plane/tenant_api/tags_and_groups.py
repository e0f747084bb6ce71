"""/api/v1/tags and /api/v1/groups: the words that monitors are sorted by, with how those monitors are.

The two are asked for alike, so that one set of handlers serves both; a `_Words` says what is different.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from control_plane.errors import NotFound
from control_plane.services.monitors.rename_group import dissolve_group, rename_group
from control_plane.services.monitors.rename_tag import remove_tag, rename_tag
from control_plane.store import tags
from control_plane.store.tags import WordView
from control_plane.tenant_api.word_views import WordJson, WordPatch, WordsQuery, word_json
from control_plane.web.call import Call, Reply
from control_plane.web.paging import Page, capped, page_reply
from control_plane.web.routes import Door, Route


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    """Tags, or groups. `missing` is what a caller is told of one that no monitor has."""

    one: str
    list: Callable[..., Awaitable[tuple[list[WordView], int]]]
    get: Callable[..., Awaitable[WordView | None]]
    rename: Callable[..., Awaitable[str]]
    remove: Callable[..., Awaitable[None]]
    missing: str
    invalid: str
    example: str
    rename_summary: str
    remove_summary: str

    @property
    def many(self) -> str:
        return f"{self.one}s"

    @property
    def not_found(self) -> str:
        return f"{self.one.upper()}_NOT_FOUND"


_TAGS = _Words(
    one="tag",
    list=tags.list_tags,
    get=tags.get_tag,
    rename=rename_tag,
    remove=remove_tag,
    missing="No monitor has such a tag",
    invalid="INVALID_TAGS",
    example="team:payments",
    rename_summary="Rename a tag on every monitor, and in the maintenance windows that name it",
    remove_summary="Take a tag off every monitor",
)
_GROUPS = _Words(
    one="group",
    list=tags.list_groups,
    get=tags.get_group,
    rename=rename_group,
    remove=dissolve_group,
    missing="No monitor is in such a group",
    invalid="INVALID_GROUP",
    example="Payments",
    rename_summary="Rename a group",
    remove_summary="Dissolve a group: its monitors stay, in none",
)


async def _list(words: _Words, call: Call) -> Reply:
    query, tenant_id = call.query, call.tenant().tenant_id
    async with call.deps.database.tenant(tenant_id) as conn:
        found, total = await words.list(
            conn, tenant_id=tenant_id, q=query.q, sort=query.sort, limit=capped(query.limit), offset=query.offset
        )
    return page_reply(call, [word_json(view) for view in found], total=total)


async def _get(words: _Words, call: Call) -> Reply:
    return await _read(words, call, call.path[words.one])


async def _read(words: _Words, call: Call, name: str) -> Reply:
    tenant_id = call.tenant().tenant_id
    async with call.deps.database.tenant(tenant_id) as conn:
        view = await words.get(conn, tenant_id=tenant_id, name=name)
    if view is None:
        raise NotFound(words.missing, code=words.not_found)
    return Reply(word_json(view))


async def _rename(words: _Words, call: Call) -> Reply:
    caller = call.tenant()
    new = await words.rename(
        call.deps.database,
        tenant_id=caller.tenant_id,
        old=call.path[words.one],
        new=call.body.name,
        write_source=caller.write_source,
    )
    return await _read(words, call, new)


async def _remove(words: _Words, call: Call) -> Reply:
    caller = call.tenant()
    await words.remove(
        call.deps.database, tenant_id=caller.tenant_id, name=call.path[words.one], write_source=caller.write_source
    )
    return Reply()


def _routes(words: _Words) -> tuple[Route, ...]:
    route = partial(Route, door=Door.TENANT, tag=words.many)
    every = f"/api/v1/{words.many}"
    one = f"{every}/{{{words.one}}}"
    return (
        route(
            method="GET",
            path=every,
            handler=partial(_list, words),
            operation=f"list_{words.many}",
            summary=f"List {words.many} with the number and states of their monitors",
            scope="monitors:read",
            query=WordsQuery,
            reply=Page[WordJson],
        ),
        route(
            method="GET",
            path=one,
            handler=partial(_get, words),
            operation=f"get_{words.one}",
            summary=f"Read a {words.one} with the number and states of its monitors",
            scope="monitors:read",
            reply=WordJson,
            errors=(words.not_found,),
        ),
        route(
            method="PATCH",
            path=one,
            handler=partial(_rename, words),
            operation=f"rename_{words.one}",
            summary=words.rename_summary,
            scope="monitors:write",
            body=WordPatch,
            reply=WordJson,
            errors=(words.not_found, words.invalid, "INVALID_NAME"),
            example={"name": words.example},
        ),
        route(
            method="DELETE",
            path=one,
            handler=partial(_remove, words),
            operation=f"delete_{words.one}",
            summary=words.remove_summary,
            scope="monitors:write",
            status=204,
            errors=(words.not_found,),
        ),
    )


ROUTES: tuple[Route, ...] = (*_routes(_TAGS), *_routes(_GROUPS))
