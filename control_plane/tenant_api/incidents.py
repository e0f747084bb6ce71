"""/incidents: list, read, notes, public updates; and the incidents of one monitor."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType, field

from control_plane.domain.judging.incident_rules import Phase, Severity
from control_plane.errors import BadRequest, NotFound
from control_plane.store import incident_changes, incidents_read, monitor_reads
from control_plane.store.incidents_read import IncidentFilter
from control_plane.tenant_api.incident_views import (
    IncidentDetailJson,
    IncidentJson,
    TimelineJson,
    UpdateJson,
    incident_detail_json,
    incident_json,
    line_json,
    update_json,
)
from control_plane.tenant_api.one_monitor import PATH, READS
from control_plane.web.call import Call, Reply
from control_plane.web.paging import Page, PageQuery, capped, page_reply
from control_plane.web.query import Instant
from control_plane.web.routes import Door, Route
from control_plane.web.time_range import bounded

Word = Annotated[str, Meta(min_length=1, max_length=200)]
LIST_CAP = 1000
ONE = "/api/v1/incidents/{incident_id}"
INCIDENT_READS = ("INCIDENT_NOT_FOUND", "INVALID_ID")


class IncidentsQuery(PageQuery, frozen=True):
    """`state` open is triggered or acknowledged. from and to bound when it opened: [from, to).

    `q` is looked for in titles, the cause and the names of monitors.
    """

    state: Literal["open", "triggered", "acknowledged", "resolved"] | None = None
    monitor_id: UUID | None = None
    severity: Severity | None = None
    type: Literal["down", "degraded", "flapping"] | None = None
    origin: Literal["monitor", "person"] | None = None
    phase: Phase | None = None
    q: Word | None = None
    from_: Instant | UnsetType = field(name="from", default=UNSET)
    to: Instant | UnsetType = UNSET


class MonitorIncidentsQuery(PageQuery, frozen=True):
    """`state` open is triggered or acknowledged. from and to bound when it opened: [from, to)."""

    state: Literal["open", "triggered", "acknowledged", "resolved"] | None = None
    from_: Instant | UnsetType = field(name="from", default=UNSET)
    to: Instant | UnsetType = UNSET


async def list_incidents(call: Call) -> Reply:
    query: IncidentsQuery = call.query
    start, end = _bounds(query)
    wanted = IncidentFilter(
        state=query.state,
        monitor_id=query.monitor_id,
        severity=query.severity,
        start=start,
        end=end,
        type=query.type,
        origin=query.origin,
        phase=query.phase,
        q=query.q,
    )
    return await _list(call, wanted)


async def list_of_monitor(call: Call) -> Reply:
    tenant_id, monitor_id = call.tenant().tenant_id, call.uuid("monitor_id")
    async with call.deps.database.tenant(tenant_id) as conn:
        if not await monitor_reads.monitor_exists(conn, tenant_id=tenant_id, monitor_id=monitor_id):
            raise NotFound("There is no such monitor", code="MONITOR_NOT_FOUND")
    start, end = _bounds(call.query)
    return await _list(call, IncidentFilter(state=call.query.state, monitor_id=monitor_id, start=start, end=end))


async def get(call: Call, incident_id: UUID | None = None) -> Reply:
    """The incident of the path, or the one given."""
    tenant_id, incident_id = call.tenant().tenant_id, incident_id or call.uuid("incident_id")
    async with call.deps.database.tenant(tenant_id) as conn:
        view = await incidents_read.get_incident(conn, tenant_id=tenant_id, incident_id=incident_id)
        if view is None:
            raise NotFound("There is no such incident", code="INCIDENT_NOT_FOUND")
        timeline = await incidents_read.timeline(conn, tenant_id=tenant_id, incident_id=incident_id)
    return Reply(incident_detail_json(view, timeline), etag=view.revision)


async def list_notes(call: Call) -> Reply:
    tenant_id, incident_id = call.tenant().tenant_id, call.uuid("incident_id")
    limit, offset = capped(call.query.limit, LIST_CAP), call.query.offset
    async with call.deps.database.tenant(tenant_id) as conn:
        if await incidents_read.get_incident(conn, tenant_id=tenant_id, incident_id=incident_id) is None:
            raise NotFound("There is no such incident", code="INCIDENT_NOT_FOUND")
        rows, total = await incidents_read.list_notes(
            conn, tenant_id=tenant_id, incident_id=incident_id, limit=limit, offset=offset
        )
    return page_reply(call, [line_json(row) for row in rows], total=total, cap=LIST_CAP)


async def list_updates(call: Call) -> Reply:
    tenant_id, incident_id = call.tenant().tenant_id, call.uuid("incident_id")
    limit, offset = capped(call.query.limit, LIST_CAP), call.query.offset
    async with call.deps.database.tenant(tenant_id) as conn:
        if await incidents_read.get_incident(conn, tenant_id=tenant_id, incident_id=incident_id) is None:
            raise NotFound("There is no such incident", code="INCIDENT_NOT_FOUND")
        rows, total = await incident_changes.list_updates(
            conn, tenant_id=tenant_id, incident_id=incident_id, limit=limit, offset=offset
        )
    return page_reply(call, [update_json(row) for row in rows], total=total, cap=LIST_CAP)


def _bounds(query: IncidentsQuery | MonitorIncidentsQuery) -> tuple[datetime | None, datetime | None]:
    start = None if isinstance(query.from_, UnsetType) else bounded(query.from_)
    end = None if isinstance(query.to, UnsetType) else bounded(query.to)
    if start is not None and end is not None and start >= end:
        raise BadRequest("from must be before to", code="BAD_TIME_RANGE", field="/from")
    return start, end


async def _list(call: Call, wanted: IncidentFilter) -> Reply:
    tenant_id, query = call.tenant().tenant_id, call.query
    async with call.deps.database.tenant(tenant_id) as conn:
        views, total = await incidents_read.list_incidents(
            conn, tenant_id=tenant_id, wanted=wanted, limit=capped(query.limit, LIST_CAP), offset=query.offset
        )
    return page_reply(call, [incident_json(view) for view in views], total=total, cap=LIST_CAP)


ROUTES = (
    Route(
        method="GET",
        path="/api/v1/incidents",
        handler=list_incidents,
        operation="list_incidents",
        summary="List incidents, open ones first, then newest first",
        tag="incidents",
        door=Door.TENANT,
        scope="incidents:read",
        query=IncidentsQuery,
        reply=Page[IncidentJson],
        errors=("BAD_TIME_RANGE",),
    ),
    Route(
        method="GET",
        path=f"{PATH}/incidents",
        handler=list_of_monitor,
        operation="list_monitor_incidents",
        summary="The incidents of a monitor",
        tag="incidents",
        door=Door.TENANT,
        scope="incidents:read",
        query=MonitorIncidentsQuery,
        reply=Page[IncidentJson],
        errors=(*READS, "BAD_TIME_RANGE"),
    ),
    Route(
        method="GET",
        path=ONE,
        handler=get,
        operation="get_incident",
        summary="Read an incident with its evidence and timeline",
        tag="incidents",
        door=Door.TENANT,
        scope="incidents:read",
        reply=IncidentDetailJson,
        errors=INCIDENT_READS,
    ),
    Route(
        method="GET",
        path=f"{ONE}/notes",
        handler=list_notes,
        operation="list_incident_notes",
        summary="The notes of an incident, oldest first",
        tag="incidents",
        door=Door.TENANT,
        scope="incidents:read",
        query=PageQuery,
        reply=Page[TimelineJson],
        errors=INCIDENT_READS,
    ),
    Route(
        method="GET",
        path=f"{ONE}/updates",
        handler=list_updates,
        operation="list_incident_updates",
        summary="What the public was told, oldest first",
        tag="incidents",
        door=Door.TENANT,
        scope="incidents:read",
        query=PageQuery,
        reply=Page[UpdateJson],
        errors=INCIDENT_READS,
    ),
)
