"""/monitors: create, list, read, change, delete."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from control_plane.errors import BadRequest
from control_plane.services.monitors.create_monitor import create_monitor
from control_plane.services.monitors.delete_monitor import delete_monitor
from control_plane.store import monitor_lists
from control_plane.store.monitor_lists import MonitorFilter
from control_plane.tenant_api import anonymous_monitors
from control_plane.tenant_api.anonymous_monitors import is_of_the_anonymous, with_public
from control_plane.tenant_api.heartbeat_views import parts_of
from control_plane.tenant_api.monitor_views import MonitorBody, MonitorJson, MonitorPatch, monitor_json
from control_plane.tenant_api.one_monitor import CHANGES, PATH, READS, RULES, change, created, read_monitor
from control_plane.web.call import Call, Reply
from control_plane.web.etag import if_match
from control_plane.web.paging import Page, PageQuery, capped, page_reply
from control_plane.web.routes import Door, Route
from shared.ids import MonitorId

LIST_CAP = 200
MAX_TAGS = 20
IsPublic = Annotated[
    bool | UnsetType | None,
    Meta(description="Whether the page of those without an account lists it; only for monitors created without one"),
]
Word = Annotated[str, Meta(min_length=1, max_length=200)]
Sort = Literal["number", "-number", "name", "-name", "updated_at", "-updated_at", "verdict", "-verdict"]


class MonitorsQuery(PageQuery, frozen=True):
    """Filters and order; all that are given must hold. `q` is looked for in name, target and group.

    `verdict` is what the votes prove; `state` is what is shown: paused, else maintenance, else the verdict. `tag` may
    be given several times, or hold several separated by commas: a monitor has them all. `region` is one that it is
    checked from. `incident`: open for monitors with an open incident, none for the others. Sorting by verdict puts the
    worst first.
    """

    q: Word | None = None
    tag: Annotated[tuple[Word, ...], Meta(max_length=MAX_TAGS)] = ()
    enabled: bool | None = None
    kind: Word | None = None
    verdict: Literal["up", "degraded", "down", "unknown"] | None = None
    group: Word | None = None
    state: Literal["up", "degraded", "down", "unknown", "maintenance", "paused"] | None = None
    region: Word | None = None
    key: Word | None = None
    owner: Word | None = None
    number: Annotated[int, Meta(ge=1, le=2**53 - 1)] | None = None
    incident: Literal["open", "none"] | None = None
    sort: Sort = "number"


class NewMonitorBody(MonitorBody, frozen=True, kw_only=True):
    """A new monitor."""

    is_public: IsPublic = UNSET


class OneMonitorPatch(MonitorPatch, frozen=True, kw_only=True):
    """Changes of a monitor."""

    is_public: IsPublic = UNSET


async def create(call: Call) -> Reply:
    caller = call.tenant()
    if caller.anonymous:
        return await anonymous_monitors.create(call)
    monitor_id = MonitorId(call.deps.new_id())
    warnings = await create_monitor(
        call.deps.database,
        call.deps.sealer,
        tenant_id=caller.tenant_id,
        monitor_id=monitor_id,
        body=call.body,
        write_source=caller.write_source,
        ports=call.deps.settings.security.tcp_ports,
    )
    return await created(call, monitor_id, warnings)


async def list_monitors(call: Call) -> Reply:
    query: MonitorsQuery = call.query
    tenant_id = call.tenant().tenant_id
    wanted = _wanted(query)
    async with call.deps.database.tenant(tenant_id) as conn:
        views, total = await monitor_lists.page_of_monitors(
            conn,
            tenant_id=tenant_id,
            wanted=wanted,
            sort=query.sort,
            limit=capped(query.limit, LIST_CAP),
            offset=query.offset,
        )
    beats = await parts_of(call, views)
    items = [monitor_json(view, heartbeats=beats) for view in views]
    return page_reply(call, await with_public(call, items), total=total, cap=LIST_CAP)


def _wanted(query: MonitorsQuery) -> MonitorFilter:
    return MonitorFilter(
        q=query.q,
        tags=_tags(query.tag),
        enabled=query.enabled,
        kind=query.kind,
        verdict=query.verdict,
        group=query.group,
        state=query.state,
        region=query.region,
        key=query.key,
        owner=query.owner,
        number=query.number,
        incident=None if query.incident is None else query.incident == "open",
    )


def _tags(given: tuple[str, ...]) -> tuple[str, ...]:
    tags = tuple(tag.strip() for text in given for tag in text.split(","))
    if not all(tags) or len(tags) > MAX_TAGS:
        message = f"tag: up to {MAX_TAGS} tags, separated by commas or each given as tag=…; none of them empty"
        raise BadRequest(message, code="INVALID_TAG", field="/tag")
    return tags


async def get(call: Call) -> Reply:
    view = await read_monitor(call, call.uuid("monitor_id"))
    shown = await with_public(call, [monitor_json(view, heartbeats=await parts_of(call, [view]))])
    return Reply(shown[0], etag=view.revision)


async def patch(call: Call) -> Reply:
    if is_of_the_anonymous(call):
        await anonymous_monitors.patch(call)
    else:
        await change(call, call.body)
    return await get(call)


async def delete(call: Call) -> Reply:
    await delete_monitor(
        call.deps.database,
        tenant_id=call.tenant().tenant_id,
        monitor_id=MonitorId(call.uuid("monitor_id")),
        accepted=if_match(call.request),
    )
    return Reply()


_EXAMPLE = {"name": "API", "check": "https://example.com/health"}
ROUTES = (
    Route(
        method="POST",
        path="/api/v1/monitors",
        handler=create,
        operation="create_monitor",
        summary="Create a monitor",
        description="`Prefer: wait=N` (N <= 10) waits up to N seconds for the first result.",
        prefer=("wait",),
        tag="monitors",
        door=Door.TENANT,
        scope="monitors:write",
        body=dict,
        schema=NewMonitorBody,
        reply=MonitorJson,
        status=201,
        anonymous=True,
        errors=(*RULES, "QUOTA_EXCEEDED", "NOT_FOR_MANAGE_KEYS", "INVALID_TYPE"),
        example=_EXAMPLE,
        max_body=256 * 1024,
    ),
    Route(
        method="GET",
        path="/api/v1/monitors",
        handler=list_monitors,
        operation="list_monitors",
        summary="List monitors",
        tag="monitors",
        door=Door.TENANT,
        scope="monitors:read",
        query=MonitorsQuery,
        reply=Page[MonitorJson],
    ),
    Route(
        method="GET",
        path=PATH,
        handler=get,
        operation="get_monitor",
        summary="Read a monitor",
        tag="monitors",
        door=Door.TENANT,
        scope="monitors:read",
        reply=MonitorJson,
        errors=READS,
    ),
    Route(
        method="PATCH",
        path=PATH,
        handler=patch,
        operation="change_monitor",
        summary="Change a monitor",
        tag="monitors",
        door=Door.TENANT,
        scope="monitors:write",
        body=dict,
        schema=OneMonitorPatch,
        reply=MonitorJson,
        errors=(
            *(*CHANGES, *RULES),
            *("CHECK_KIND_IMMUTABLE", "CREDENTIAL_RESUPPLY_REQUIRED", "CREDENTIAL_UNAVAILABLE"),
            *("NOT_FOR_MANAGE_KEYS", "TARGET_FIXED", "INVALID_TYPE"),
        ),
        example={"interval": 30},
        max_body=256 * 1024,
    ),
    Route(
        method="DELETE",
        path=PATH,
        handler=delete,
        operation="delete_monitor",
        summary="Delete a monitor",
        tag="monitors",
        door=Door.TENANT,
        scope="monitors:write",
        status=204,
        errors=CHANGES,
    ),
)
