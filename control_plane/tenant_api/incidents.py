"""/incidents: list, read, acknowledge, notes; and the incidents of one monitor."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType, field

from control_plane.domain import field_rules
from control_plane.errors import BadRequest, NotFound
from control_plane.services.acknowledge_incident import acknowledge_incident
from control_plane.services.annotate_incident import annotate_incident
from control_plane.store import incidents_read, monitor_reads
from control_plane.store.incidents_read import IncidentFilter
from control_plane.tenant_api.incident_views import (
    IncidentDetailJson,
    IncidentJson,
    TimelineJson,
    incident_detail_json,
    incident_json,
    line_json,
)
from control_plane.tenant_api.one_monitor import PATH, READS
from control_plane.tenant_api.time_range import bounded
from control_plane.web.call import Call, Reply
from control_plane.web.paging import Page, PageQuery, capped, page_reply
from control_plane.web.query import Instant
from control_plane.web.routes import Door, Route

LIST_CAP = 1000
NOTE_LIMIT = 10_000
_ONE = "/api/v1/incidents/{incident_id}"
_READS = ("INCIDENT_NOT_FOUND", "INVALID_ID")


class IncidentsQuery(PageQuery, frozen=True):
    """`state` open is triggered or acknowledged. from and to bound when it opened: [from, to)."""

    state: Literal["open", "triggered", "acknowledged", "resolved"] | None = None
    monitor_id: UUID | None = None
    severity: Literal["minor", "major", "critical"] | None = None
    from_: Instant | UnsetType = field(name="from", default=UNSET)
    to: Instant | UnsetType = UNSET


class MonitorIncidentsQuery(PageQuery, frozen=True):
    """`state` open is triggered or acknowledged. from and to bound when it opened: [from, to)."""

    state: Literal["open", "triggered", "acknowledged", "resolved"] | None = None
    from_: Instant | UnsetType = field(name="from", default=UNSET)
    to: Instant | UnsetType = UNSET


NoteText = Annotated[str, Meta(max_length=NOTE_LIMIT)]


class AcknowledgeBody(Struct, frozen=True):
    """An optional note that is left with the acknowledgement."""

    note: NoteText | None = None


class NoteBody(Struct, frozen=True):
    text: NoteText


async def list_incidents(call: Call) -> Reply:
    query: IncidentsQuery = call.query
    return await _list(call, query, monitor_id=query.monitor_id, severity=query.severity)


async def list_of_monitor(call: Call) -> Reply:
    tenant_id, monitor_id = call.tenant().tenant_id, call.uuid("monitor_id")
    async with call.deps.database.tenant(tenant_id) as conn:
        if not await monitor_reads.monitor_exists(conn, tenant_id=tenant_id, monitor_id=monitor_id):
            raise NotFound("There is no such monitor", code="MONITOR_NOT_FOUND")
    return await _list(call, call.query, monitor_id=monitor_id, severity=None)


async def get(call: Call) -> Reply:
    tenant_id, incident_id = call.tenant().tenant_id, call.uuid("incident_id")
    async with call.deps.database.tenant(tenant_id) as conn:
        view = await incidents_read.get_incident(conn, tenant_id=tenant_id, incident_id=incident_id)
        if view is None:
            raise NotFound("There is no such incident", code="INCIDENT_NOT_FOUND")
        timeline = await incidents_read.timeline(conn, tenant_id=tenant_id, incident_id=incident_id)
    return Reply(incident_detail_json(view, timeline), etag=view.revision)


async def acknowledge(call: Call) -> Reply:
    body: AcknowledgeBody = call.body
    caller = call.tenant()
    await acknowledge_incident(
        call.deps.database,
        tenant_id=caller.tenant_id,
        incident_id=call.uuid("incident_id"),
        actor=caller.label,
        note=None if body.note is None else _note(body.note, "/note"),
    )
    return await get(call)


async def add_note(call: Call) -> Reply:
    body: NoteBody = call.body
    caller = call.tenant()
    note = await annotate_incident(
        call.deps.database,
        tenant_id=caller.tenant_id,
        incident_id=call.uuid("incident_id"),
        actor=caller.label,
        text=_note(body.text, "/text"),
    )
    location = f"/api/v1/incidents/{call.uuid('incident_id')}/notes"
    return Reply(line_json(note), headers={"Location": location})


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


async def _list(
    call: Call, query: IncidentsQuery | MonitorIncidentsQuery, *, monitor_id: UUID | None, severity: str | None
) -> Reply:
    tenant_id = call.tenant().tenant_id
    start = None if isinstance(query.from_, UnsetType) else bounded(query.from_)
    end = None if isinstance(query.to, UnsetType) else bounded(query.to)
    if start is not None and end is not None and start >= end:
        raise BadRequest("from must be before to", code="BAD_TIME_RANGE", field="/from")
    wanted = IncidentFilter(state=query.state, monitor_id=monitor_id, severity=severity, start=start, end=end)
    async with call.deps.database.tenant(tenant_id) as conn:
        views, total = await incidents_read.list_incidents(
            conn, tenant_id=tenant_id, wanted=wanted, limit=capped(query.limit, LIST_CAP), offset=query.offset
        )
    return page_reply(call, [incident_json(view) for view in views], total=total, cap=LIST_CAP)


def _note(text: str, pointer: str) -> str:
    if not text.strip():
        raise BadRequest("a note needs some text", code="INVALID_NOTE", field=pointer)
    return field_rules.text(text.strip(), pointer, code="INVALID_NOTE", low=1, high=NOTE_LIMIT)


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
        path=_ONE,
        handler=get,
        operation="get_incident",
        summary="Read an incident with its evidence and timeline",
        tag="incidents",
        door=Door.TENANT,
        scope="incidents:read",
        reply=IncidentDetailJson,
        errors=_READS,
    ),
    Route(
        method="POST",
        path=f"{_ONE}/acknowledge",
        handler=acknowledge,
        operation="acknowledge_incident",
        summary="Acknowledge an incident",
        tag="incidents",
        door=Door.TENANT,
        scope="incidents:write",
        body=AcknowledgeBody,
        optional_body=True,
        reply=IncidentDetailJson,
        errors=(*_READS, "INCIDENT_RESOLVED", "INVALID_NOTE"),
        example={"note": "Looking into it"},
    ),
    Route(
        method="POST",
        path=f"{_ONE}/notes",
        handler=add_note,
        operation="add_incident_note",
        summary="Leave a note in the timeline",
        tag="incidents",
        door=Door.TENANT,
        scope="incidents:write",
        body=NoteBody,
        reply=TimelineJson,
        status=201,
        errors=(*_READS, "INVALID_NOTE"),
        example={"text": "Root cause: an expired certificate"},
    ),
    Route(
        method="GET",
        path=f"{_ONE}/notes",
        handler=list_notes,
        operation="list_incident_notes",
        summary="The notes of an incident, oldest first",
        tag="incidents",
        door=Door.TENANT,
        scope="incidents:read",
        query=PageQuery,
        reply=Page[TimelineJson],
        errors=_READS,
    ),
)
