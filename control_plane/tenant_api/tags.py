"""/api/v1/tags: the tags of a tenant's monitors, with how those are."""

from __future__ import annotations

from functools import partial

from control_plane.errors import NotFound
from control_plane.services.rename_tag import remove_tag, rename_tag
from control_plane.store import tags
from control_plane.tenant_api.word_views import WordJson, WordPatch, WordsQuery, word_json
from control_plane.web.call import Call, Reply
from control_plane.web.paging import Page, capped, page_reply
from control_plane.web.routes import Door, Route

ONE = "/api/v1/tags/{tag}"


async def list_tags(call: Call) -> Reply:
    query, tenant_id = call.query, call.tenant().tenant_id
    async with call.deps.database.tenant(tenant_id) as conn:
        found, total = await tags.list_tags(
            conn, tenant_id=tenant_id, q=query.q, sort=query.sort, limit=capped(query.limit), offset=query.offset
        )
    return page_reply(call, [word_json(view) for view in found], total=total)


async def get(call: Call, name: str | None = None) -> Reply:
    """The tag of the path, or the one given."""
    tenant_id = call.tenant().tenant_id
    async with call.deps.database.tenant(tenant_id) as conn:
        view = await tags.get_tag(conn, tenant_id=tenant_id, name=name or call.path["tag"])
    if view is None:
        raise NotFound("No monitor has such a tag", code="TAG_NOT_FOUND")
    return Reply(word_json(view))


async def rename(call: Call) -> Reply:
    caller = call.tenant()
    new = await rename_tag(
        call.deps.database,
        tenant_id=caller.tenant_id,
        old=call.path["tag"],
        new=call.body.name,
        write_source=caller.write_source,
    )
    return await get(call, new)


async def delete(call: Call) -> Reply:
    caller = call.tenant()
    await remove_tag(
        call.deps.database, tenant_id=caller.tenant_id, tag=call.path["tag"], write_source=caller.write_source
    )
    return Reply()


_route = partial(Route, door=Door.TENANT, tag="tags")

ROUTES: tuple[Route, ...] = (
    _route(
        method="GET",
        path="/api/v1/tags",
        handler=list_tags,
        operation="list_tags",
        summary="List tags with the number and states of their monitors",
        scope="monitors:read",
        query=WordsQuery,
        reply=Page[WordJson],
    ),
    _route(
        method="GET",
        path=ONE,
        handler=get,
        operation="get_tag",
        summary="Read a tag with the number and states of its monitors",
        scope="monitors:read",
        reply=WordJson,
        errors=("TAG_NOT_FOUND",),
    ),
    _route(
        method="PATCH",
        path=ONE,
        handler=rename,
        operation="rename_tag",
        summary="Rename a tag on every monitor, and in the maintenance windows that name it",
        scope="monitors:write",
        body=WordPatch,
        reply=WordJson,
        errors=("TAG_NOT_FOUND", "INVALID_TAGS", "INVALID_NAME"),
        example={"name": "team:payments"},
    ),
    _route(
        method="DELETE",
        path=ONE,
        handler=delete,
        operation="delete_tag",
        summary="Take a tag off every monitor",
        scope="monitors:write",
        status=204,
        errors=("TAG_NOT_FOUND",),
    ),
)
