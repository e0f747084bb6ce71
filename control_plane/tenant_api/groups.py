"""/api/v1/groups: the groups of a tenant's monitors, with how those are."""

from __future__ import annotations

from functools import partial

from control_plane.errors import NotFound
from control_plane.services.rename_group import dissolve_group, rename_group
from control_plane.store import tags
from control_plane.tenant_api.word_views import WordJson, WordPatch, WordsQuery, word_json
from control_plane.web.call import Call, Reply
from control_plane.web.paging import Page, capped, page_reply
from control_plane.web.routes import Door, Route

ONE = "/api/v1/groups/{group}"


async def list_groups(call: Call) -> Reply:
    query, tenant_id = call.query, call.tenant().tenant_id
    async with call.deps.database.tenant(tenant_id) as conn:
        found, total = await tags.list_groups(
            conn, tenant_id=tenant_id, q=query.q, sort=query.sort, limit=capped(query.limit), offset=query.offset
        )
    return page_reply(call, [word_json(view) for view in found], total=total)


async def get(call: Call, name: str | None = None) -> Reply:
    """The group of the path, or the one given."""
    tenant_id = call.tenant().tenant_id
    async with call.deps.database.tenant(tenant_id) as conn:
        view = await tags.get_group(conn, tenant_id=tenant_id, name=name or call.path["group"])
    if view is None:
        raise NotFound("No monitor is in such a group", code="GROUP_NOT_FOUND")
    return Reply(word_json(view))


async def rename(call: Call) -> Reply:
    caller = call.tenant()
    new = await rename_group(
        call.deps.database,
        tenant_id=caller.tenant_id,
        old=call.path["group"],
        new=call.body.name,
        write_source=caller.write_source,
    )
    return await get(call, new)


async def delete(call: Call) -> Reply:
    caller = call.tenant()
    await dissolve_group(
        call.deps.database, tenant_id=caller.tenant_id, group=call.path["group"], write_source=caller.write_source
    )
    return Reply()


_route = partial(Route, door=Door.TENANT, tag="groups")

ROUTES: tuple[Route, ...] = (
    _route(
        method="GET",
        path="/api/v1/groups",
        handler=list_groups,
        operation="list_groups",
        summary="List groups with the number and states of their monitors",
        scope="monitors:read",
        query=WordsQuery,
        reply=Page[WordJson],
    ),
    _route(
        method="GET",
        path=ONE,
        handler=get,
        operation="get_group",
        summary="Read a group with the number and states of its monitors",
        scope="monitors:read",
        reply=WordJson,
        errors=("GROUP_NOT_FOUND",),
    ),
    _route(
        method="PATCH",
        path=ONE,
        handler=rename,
        operation="rename_group",
        summary="Rename a group",
        scope="monitors:write",
        body=WordPatch,
        reply=WordJson,
        errors=("GROUP_NOT_FOUND", "INVALID_GROUP", "INVALID_NAME"),
        example={"name": "Payments"},
    ),
    _route(
        method="DELETE",
        path=ONE,
        handler=delete,
        operation="delete_group",
        summary="Dissolve a group: its monitors stay, in none",
        scope="monitors:write",
        status=204,
        errors=("GROUP_NOT_FOUND",),
    ),
)
