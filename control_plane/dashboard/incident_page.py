"""/app/incidents/{id}: what happened, what proved it, and who is on it."""

from __future__ import annotations

from aiohttp import web

from control_plane.dashboard.incident_views import evidence_rows, incident_row, timeline_lines
from control_plane.dashboard.visit import Visit, form, page, see_other, show
from control_plane.dashboard.words import sentence
from control_plane.domain import field_rules
from control_plane.errors import BadRequest, Conflict, FarwatchError, NotFound
from control_plane.services.acknowledge_incident import acknowledge_incident
from control_plane.services.annotate_incident import annotate_incident
from control_plane.store import incidents_read
from control_plane.web.routes import Route

PATH = "/app/incidents/{incident_id}"

_NOTE_LIMIT = 10_000


async def incident(visit: Visit) -> web.StreamResponse:
    return await _shown(visit)


async def acknowledge(visit: Visit) -> web.StreamResponse:
    try:
        await acknowledge_incident(
            visit.deps.database,
            tenant_id=visit.tenant_id,
            incident_id=visit.id("incident_id"),
            actor=visit.caller.label,
            note=None,
        )
    except Conflict as error:
        return await _shown(visit, error)
    return _back(visit)


async def add_note(visit: Visit) -> web.StreamResponse:
    try:
        text = field_rules.text(visit.text("text"), "/text", code="INVALID_NOTE", low=1, high=_NOTE_LIMIT)
    except BadRequest as error:
        return await _shown(visit, error)
    await annotate_incident(
        visit.deps.database,
        tenant_id=visit.tenant_id,
        incident_id=visit.id("incident_id"),
        actor=visit.caller.label,
        text=text,
    )
    return _back(visit)


def _back(visit: Visit) -> web.Response:
    return see_other(f"/app/incidents/{visit.id('incident_id')}")


async def _shown(visit: Visit, error: FarwatchError | None = None) -> web.StreamResponse:
    incident_id, now = visit.id("incident_id"), visit.deps.now()
    async with visit.deps.database.tenant(visit.tenant_id) as conn:
        view = await incidents_read.get_incident(conn, tenant_id=visit.tenant_id, incident_id=incident_id)
        if view is None:
            raise NotFound("There is no such incident", code="INCIDENT_NOT_FOUND")
        lines = await incidents_read.timeline(conn, tenant_id=visit.tenant_id, incident_id=incident_id)
    is_note = error is not None and error.field == "/text"
    context = {
        "incident": incident_row(view, now=now),
        "timeline": timeline_lines(lines, now=now),
        "evidence": evidence_rows(view.evidence, now=now),
        "may_write": visit.may("incidents:write"),
        "problem": sentence(error.message) if error is not None and not is_note else "",
        "note": visit.text("text"),
        "note_problem": "Write something first, up to 10 000 characters." if is_note else "",
    }
    return show(visit, "incident.html", context, status=200 if error is None else error.status)


ROUTES: tuple[Route, ...] = (
    page(PATH, incident, operation="show_incident", summary="One incident", scope="incidents:read"),
    form(
        f"{PATH}/acknowledge",
        acknowledge,
        operation="ask_acknowledge",
        summary="Acknowledge the incident",
        scope="incidents:write",
    ),
    form(f"{PATH}/notes", add_note, operation="ask_note", summary="Leave a note", scope="incidents:write"),
)
