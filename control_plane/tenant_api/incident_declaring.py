"""/incidents: declare one, and change what is said of it."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType, field

from control_plane.domain.judging.incident_rules import MONITORS_LIMIT, Severity
from control_plane.services.incidents.declare_incident import Declaration, declare_incident
from control_plane.services.incidents.narrate_incident import NarrationPatch, narrate_incident
from control_plane.tenant_api.incident_texts import (
    Description,
    NoteText,
    PublicText,
    Title,
    line_of,
    patched_line,
    text_or_none,
)
from control_plane.tenant_api.incident_views import IncidentDetailJson
from control_plane.tenant_api.incidents import INCIDENT_READS, ONE, get
from control_plane.web.call import Call, Reply
from control_plane.web.etag import if_match
from control_plane.web.query import Instant
from control_plane.web.routes import Door, Route


class DeclareBody(Struct, frozen=True, kw_only=True):
    """An incident that a person declares. `public_text` becomes the first public update, `message` a note.

    The channels bound to `monitor_ids` are told, each once, unless `notify` is false.
    """

    title: Title
    severity: Severity = "major"
    type: Literal["down", "degraded"] = "down"
    phase: Literal["investigating", "identified", "monitoring"] = "investigating"
    monitor_ids: Annotated[list[UUID], Meta(max_length=MONITORS_LIMIT)] = field(default_factory=list)
    public_title: Title | None = None
    public_description: Description | None = None
    public_text: PublicText | None = None
    message: NoteText | None = None
    started_at: Instant | None = None
    notify: bool = True


class IncidentPatch(Struct, frozen=True, kw_only=True):
    """A JSON merge patch (RFC 7396): absent keeps, null clears; the severity is major then."""

    title: Title | UnsetType | None = UNSET
    public_title: Title | UnsetType | None = UNSET
    public_description: Description | UnsetType | None = UNSET
    severity: Severity | UnsetType | None = UNSET


async def declare(call: Call) -> Reply:
    body: DeclareBody = call.body
    caller, incident_id = call.tenant(), call.deps.new_id()
    declaration = Declaration(
        title=line_of(body.title, "/title"),
        monitor_ids=body.monitor_ids,
        type=body.type,
        severity=body.severity,
        phase=body.phase,
        public_title=None if body.public_title is None else line_of(body.public_title, "/public_title"),
        public_description=text_or_none(body.public_description, "/public_description", "INVALID_DESCRIPTION"),
        public_text=text_or_none(body.public_text, "/public_text", "INVALID_UPDATE"),
        message=text_or_none(body.message, "/message", "INVALID_NOTE"),
        started_at=body.started_at,
        notify=body.notify,
    )
    await declare_incident(
        call.deps.database, declaration, tenant_id=caller.tenant_id, incident_id=incident_id, actor=caller.label
    )
    reply = await get(call, incident_id)
    return Reply(reply.value, etag=reply.etag, headers={"Location": f"/api/v1/incidents/{incident_id}"})


async def patch(call: Call) -> Reply:
    body: IncidentPatch = call.body
    caller = call.tenant()
    public_description = body.public_description
    if isinstance(public_description, str):
        public_description = text_or_none(public_description, "/public_description", "INVALID_DESCRIPTION")
    narration = NarrationPatch(
        title=patched_line(body.title, "/title"),
        public_title=patched_line(body.public_title, "/public_title"),
        public_description=public_description,
        severity=body.severity,
    )
    await narrate_incident(
        call.deps.database,
        narration,
        tenant_id=caller.tenant_id,
        incident_id=call.uuid("incident_id"),
        actor=caller.label,
        accepted=if_match(call.request),
    )
    return await get(call)


ROUTES = (
    Route(
        method="POST",
        path="/api/v1/incidents",
        handler=declare,
        operation="declare_incident",
        summary="Declare an incident",
        tag="incidents",
        door=Door.TENANT,
        scope="incidents:write",
        body=DeclareBody,
        reply=IncidentDetailJson,
        status=201,
        errors=(
            "INVALID_TITLE",
            "INVALID_DESCRIPTION",
            "INVALID_NOTE",
            "INVALID_UPDATE",
            "INVALID_MONITORS",
            "INVALID_STARTED_AT",
        ),
        example={"title": "Checkout fails for some cards", "severity": "critical", "public_text": "We look into it"},
    ),
    Route(
        method="PATCH",
        path=ONE,
        handler=patch,
        operation="narrate_incident",
        summary="Change an incident's titles, public description or severity by JSON merge patch",
        tag="incidents",
        door=Door.TENANT,
        scope="incidents:write",
        body=IncidentPatch,
        reply=IncidentDetailJson,
        errors=(*INCIDENT_READS, "INVALID_TITLE", "INVALID_DESCRIPTION", "PRECONDITION_FAILED"),
        example={"severity": "minor", "public_title": "Slow checkout"},
    ),
)
