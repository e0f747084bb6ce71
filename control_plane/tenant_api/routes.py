"""/api/v1/routes: which notices go to which channels, whatever monitors are bound to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from control_plane.errors import NotFound
from control_plane.services.alerting.change_route import change_route, delete_route
from control_plane.services.alerting.create_route import create_route
from control_plane.services.alerting.preview_routes import Hearing, Question, preview_routes
from control_plane.store import routes
from control_plane.store.routes import RouteRow
from control_plane.web.call import Call, Reply
from control_plane.web.etag import require_match
from control_plane.web.paging import Page, PageQuery, capped, page_reply
from control_plane.web.quiet_hours_view import Severity
from control_plane.web.routes import Door, Route


class MatchJson(Struct, frozen=True, kw_only=True):
    """Any of each list, all of the lists; an empty one does not restrict."""

    severities: Sequence[Severity] = ()
    tags: Sequence[str] = ()
    groups: Sequence[str] = ()
    kinds: Sequence[str] = ()
    monitor_ids: Sequence[UUID] = ()


class RouteJson(Struct, frozen=True, kw_only=True):
    """A route. `events` null is the notices of incidents."""

    id: UUID
    key: str | None
    name: str
    enabled: bool
    match: MatchJson
    events: Sequence[str] | None
    channel_ids: Sequence[UUID]
    write_source: str
    created_at: datetime
    updated_at: datetime


class RoutePatch(Struct, frozen=True, kw_only=True):
    """A JSON merge patch (RFC 7396): absent keeps, null clears to the default. `match` merges, too."""

    name: Annotated[str, Meta(min_length=1, max_length=100)] | UnsetType = UNSET
    enabled: bool | UnsetType | None = UNSET
    match: MatchJson | UnsetType | None = UNSET
    events: list[str] | UnsetType | None = UNSET
    channel_ids: Annotated[list[UUID], Meta(max_length=50)] | UnsetType | None = UNSET
    key: str | UnsetType | None = UNSET


class NewRoute(RoutePatch, frozen=True, kw_only=True):
    """A route to create. Without `match` it is about every incident."""

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    channel_ids: Annotated[list[UUID], Meta(max_length=50)]


class Preview(Struct, frozen=True, kw_only=True):
    """Who would hear of the incident's opening; `silent`: nobody would, for no binding and no route leads anywhere."""

    silent: bool
    channels: Sequence[Hearing]


MATCH_ERRORS = ("NAME_INVALID", "INVALID_MATCH", "INVALID_TAGS", "INVALID_GROUP")
WRITE_ERRORS = (*MATCH_ERRORS, "INVALID_ALERT_CONFIG", "INVALID_KEY", "KEY_TAKEN", "NAME_TAKEN")
EXAMPLE = {
    "name": "Critical to the pager",
    "match": {"severities": ["critical"], "tags": ["prod"]},
    "channel_ids": [],
}


def route_json(row: RouteRow) -> RouteJson:
    return RouteJson(
        id=row.id,
        key=row.key,
        name=row.name,
        enabled=row.enabled,
        match=MatchJson(
            severities=row.severities,  # type: ignore[arg-type]  # what was written was one of these
            tags=row.tags,
            groups=row.groups,
            kinds=row.kinds,
            monitor_ids=row.monitor_ids,
        ),
        events=row.events,
        channel_ids=row.channel_ids,
        write_source=row.write_source,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


async def list_routes(call: Call) -> Reply:
    tenant_id, query = call.tenant().tenant_id, call.query
    async with call.deps.database.tenant(tenant_id) as conn:
        rows = await routes.routes(conn, tenant_id=tenant_id, limit=capped(query.limit), offset=query.offset)
        total = await routes.count_routes(conn, tenant_id=tenant_id)
    return page_reply(call, [route_json(row) for row in rows], total=total)


async def get_route(call: Call) -> Reply:
    tenant_id = call.tenant().tenant_id
    async with call.deps.database.tenant(tenant_id) as conn:
        row = await routes.route(conn, tenant_id=tenant_id, route_id=call.uuid("route_id"))
    if row is None:
        raise NotFound("There is no such route", code="ROUTE_NOT_FOUND")
    return Reply(route_json(row), etag=row.revision)


async def post_route(call: Call) -> Reply:
    caller = call.tenant()
    row = await create_route(
        call.deps.database,
        tenant_id=caller.tenant_id,
        route_id=call.deps.new_id(),
        terms=caller.terms,
        body=call.body,
        write_source=caller.write_source,
    )
    return Reply(route_json(row), headers={"Location": f"/api/v1/routes/{row.id}"}, etag=row.revision)


async def patch_route(call: Call) -> Reply:
    caller = call.tenant()
    row = await change_route(
        call.deps.database,
        tenant_id=caller.tenant_id,
        route_id=call.uuid("route_id"),
        body=call.body,
        write_source=caller.write_source,
        check_revision=partial(require_match, call.request),
    )
    return Reply(route_json(row), etag=row.revision)


async def remove_route(call: Call) -> Reply:
    await delete_route(
        call.deps.database,
        tenant_id=call.tenant().tenant_id,
        route_id=call.uuid("route_id"),
        check_revision=partial(require_match, call.request),
    )
    return Reply()


async def post_preview(call: Call) -> Reply:
    tenant_id = call.tenant().tenant_id
    async with call.deps.database.tenant(tenant_id) as conn:
        hearing = await preview_routes(conn, call.body, tenant_id=tenant_id)
    return Reply(Preview(silent=not hearing, channels=hearing))


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/api/v1/routes",
        handler=list_routes,
        operation="list_routes",
        summary="List routes, oldest first",
        tag="routes",
        door=Door.TENANT,
        scope="routes:read",
        query=PageQuery,
        reply=Page[RouteJson],
    ),
    Route(
        method="POST",
        path="/api/v1/routes",
        handler=post_route,
        operation="create_route",
        summary="Create a route",
        description="The channels of an incident are those of its monitors' bindings and of all matching routes.",
        tag="routes",
        door=Door.TENANT,
        scope="routes:write",
        body=dict,
        schema=NewRoute,
        reply=RouteJson,
        status=201,
        errors=("QUOTA_EXCEEDED", *WRITE_ERRORS),
        example=EXAMPLE,
    ),
    Route(
        method="POST",
        path="/api/v1/routes/preview",
        handler=post_preview,
        operation="preview_routes",
        summary="Say who would hear of an incident, and what would withhold it",
        description="By `monitor_id`, or by the tags, group and kind of a monitor; `at` asks about another instant.",
        tag="routes",
        door=Door.TENANT,
        scope="routes:read",
        category="reads",
        body=Question,
        reply=Preview,
        errors=("INVALID_MATCH",),
        example={"severity": "critical", "tags": ["prod"], "kind": "http"},
    ),
    Route(
        method="GET",
        path="/api/v1/routes/{route_id}",
        handler=get_route,
        operation="get_route",
        summary="Read a route",
        tag="routes",
        door=Door.TENANT,
        scope="routes:read",
        reply=RouteJson,
        errors=("ROUTE_NOT_FOUND",),
    ),
    Route(
        method="PATCH",
        path="/api/v1/routes/{route_id}",
        handler=patch_route,
        operation="change_route",
        summary="Change a route by JSON merge patch",
        tag="routes",
        door=Door.TENANT,
        scope="routes:write",
        body=dict,
        schema=RoutePatch,
        reply=RouteJson,
        errors=("ROUTE_NOT_FOUND", "PRECONDITION_FAILED", *WRITE_ERRORS),
        example={"match": {"severities": ["major", "critical"]}},
    ),
    Route(
        method="DELETE",
        path="/api/v1/routes/{route_id}",
        handler=remove_route,
        operation="delete_route",
        summary="Delete a route; its channels stay",
        tag="routes",
        door=Door.TENANT,
        scope="routes:write",
        status=204,
        errors=("ROUTE_NOT_FOUND", "PRECONDITION_FAILED"),
    ),
)
