"""/incidents: what people do with one: acknowledge, note, tell the public, resolve, reopen."""

from __future__ import annotations

from msgspec import Struct

from control_plane.domain.judging.incident_rules import Phase
from control_plane.services.incidents.acknowledge_incident import acknowledge_incident
from control_plane.services.incidents.annotate_incident import annotate_incident
from control_plane.services.incidents.reopen_incident import reopen_incident
from control_plane.services.incidents.resolve_incident import resolve_incident
from control_plane.services.incidents.update_incident import update_incident
from control_plane.tenant_api.incident_texts import NoteText, PublicText, text_of, text_or_none
from control_plane.tenant_api.incident_views import IncidentDetailJson, TimelineJson, UpdateJson, line_json, update_json
from control_plane.tenant_api.incidents import INCIDENT_READS, ONE, get
from control_plane.web.call import Call, Reply
from control_plane.web.routes import Door, Route


class AcknowledgeBody(Struct, frozen=True):
    """An optional note that is left with the acknowledgement."""

    note: NoteText | None = None


class NoteBody(Struct, frozen=True):
    text: NoteText


class ResolveBody(Struct, frozen=True):
    """`note` stays in the timeline; `public_text` is told to the public, as an update of the phase resolved."""

    note: NoteText | None = None
    public_text: PublicText | None = None


class ReopenBody(Struct, frozen=True):
    """An optional note on why it is not over."""

    note: NoteText | None = None


class UpdateBody(Struct, frozen=True):
    """What the public is told. Without a phase the incident keeps its own."""

    text: PublicText
    phase: Phase | None = None


async def acknowledge(call: Call) -> Reply:
    body: AcknowledgeBody = call.body
    caller = call.tenant()
    await acknowledge_incident(
        call.deps.database,
        tenant_id=caller.tenant_id,
        incident_id=call.uuid("incident_id"),
        actor=caller.label,
        note=text_or_none(body.note, "/note", "INVALID_NOTE"),
    )
    return await get(call)


async def resolve(call: Call) -> Reply:
    body: ResolveBody = call.body
    caller = call.tenant()
    await resolve_incident(
        call.deps.database,
        tenant_id=caller.tenant_id,
        incident_id=call.uuid("incident_id"),
        actor=caller.label,
        note=text_or_none(body.note, "/note", "INVALID_NOTE"),
        public_text=text_or_none(body.public_text, "/public_text", "INVALID_UPDATE"),
    )
    return await get(call)


async def reopen(call: Call) -> Reply:
    body: ReopenBody = call.body
    caller = call.tenant()
    await reopen_incident(
        call.deps.database,
        tenant_id=caller.tenant_id,
        incident_id=call.uuid("incident_id"),
        actor=caller.label,
        note=text_or_none(body.note, "/note", "INVALID_NOTE"),
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
        text=text_of(body.text, "/text", "INVALID_NOTE"),
    )
    location = f"/api/v1/incidents/{call.uuid('incident_id')}/notes"
    return Reply(line_json(note), headers={"Location": location})


async def add_update(call: Call) -> Reply:
    body: UpdateBody = call.body
    caller = call.tenant()
    update = await update_incident(
        call.deps.database,
        tenant_id=caller.tenant_id,
        incident_id=call.uuid("incident_id"),
        actor=caller.label,
        text=text_of(body.text, "/text", "INVALID_UPDATE"),
        phase=body.phase,
    )
    location = f"/api/v1/incidents/{call.uuid('incident_id')}/updates"
    return Reply(update_json(update), headers={"Location": location})


ROUTES = (
    Route(
        method="POST",
        path=f"{ONE}/acknowledge",
        handler=acknowledge,
        operation="acknowledge_incident",
        summary="Acknowledge an incident",
        tag="incidents",
        door=Door.TENANT,
        scope="incidents:write",
        body=AcknowledgeBody,
        optional_body=True,
        reply=IncidentDetailJson,
        errors=(*INCIDENT_READS, "INCIDENT_RESOLVED", "INVALID_NOTE"),
        example={"note": "Looking into it"},
    ),
    Route(
        method="POST",
        path=f"{ONE}/resolve",
        handler=resolve,
        operation="resolve_incident",
        summary="Resolve an incident; while its monitor is down, none opens until up was proven",
        tag="incidents",
        door=Door.TENANT,
        scope="incidents:write",
        body=ResolveBody,
        optional_body=True,
        reply=IncidentDetailJson,
        errors=(*INCIDENT_READS, "INCIDENT_RESOLVED", "INVALID_NOTE", "INVALID_UPDATE"),
        example={"note": "Rolled back", "public_text": "Everything works again"},
    ),
    Route(
        method="POST",
        path=f"{ONE}/reopen",
        handler=reopen,
        operation="reopen_incident",
        summary="Reopen a resolved incident",
        tag="incidents",
        door=Door.TENANT,
        scope="incidents:write",
        body=ReopenBody,
        optional_body=True,
        reply=IncidentDetailJson,
        errors=(
            *INCIDENT_READS,
            "INCIDENT_OPEN",
            "OTHER_INCIDENT_OPEN",
            "MONITOR_GONE",
            "MONITOR_PAUSED",
            "INVALID_NOTE",
        ),
        example={"note": "It is back"},
    ),
    Route(
        method="POST",
        path=f"{ONE}/notes",
        handler=add_note,
        operation="add_incident_note",
        summary="Leave a note in the timeline",
        tag="incidents",
        door=Door.TENANT,
        scope="incidents:write",
        body=NoteBody,
        reply=TimelineJson,
        status=201,
        errors=(*INCIDENT_READS, "INVALID_NOTE"),
        example={"text": "Root cause: an expired certificate"},
    ),
    Route(
        method="POST",
        path=f"{ONE}/updates",
        handler=add_update,
        operation="add_incident_update",
        summary="Tell the public how it goes",
        tag="incidents",
        door=Door.TENANT,
        scope="incidents:write",
        body=UpdateBody,
        reply=UpdateJson,
        status=201,
        errors=(*INCIDENT_READS, "PHASE_NOT_ALLOWED", "INVALID_UPDATE"),
        example={"text": "The cause is found and a fix is on its way", "phase": "identified"},
    ),
)
