"""/app/incidents/{id}: what happened, what proved it, and who is on it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import UUID

import msgspec
from aiohttp import web

from control_plane.dashboard.incident_views import evidence_rows, incident_row, phase_choices, timeline_lines
from control_plane.dashboard.visit import Visit, form, page, see_other, show
from control_plane.dashboard.words import sentence
from control_plane.domain import field_rules
from control_plane.domain.incident_rules import NOTE_LIMIT, PHASES, UPDATE_LIMIT, Phase
from control_plane.errors import BadRequest, Conflict, FarwatchError, NotFound
from control_plane.services.incidents.acknowledge_incident import acknowledge_incident
from control_plane.services.incidents.annotate_incident import annotate_incident
from control_plane.services.incidents.reopen_incident import reopen_incident
from control_plane.services.incidents.resolve_incident import resolve_incident
from control_plane.services.incidents.update_incident import update_incident
from control_plane.store import incidents_read
from control_plane.web.routes import Route

PATH = "/app/incidents/{incident_id}"

_OWN_PROBLEM = ("/text", "/public_text")
"""Fields whose form says itself what is wrong."""


async def incident(visit: Visit) -> web.StreamResponse:
    return await _shown(visit)


async def acknowledge(visit: Visit) -> web.StreamResponse:
    async def work(incident_id: UUID) -> None:
        await acknowledge_incident(
            visit.deps.database,
            tenant_id=visit.tenant_id,
            incident_id=incident_id,
            actor=visit.caller.label,
            note=None,
        )

    return await _done(visit, work)


async def resolve(visit: Visit) -> web.StreamResponse:
    async def work(incident_id: UUID) -> None:
        await resolve_incident(
            visit.deps.database, tenant_id=visit.tenant_id, incident_id=incident_id, actor=visit.caller.label
        )

    return await _done(visit, work)


async def reopen(visit: Visit) -> web.StreamResponse:
    async def work(incident_id: UUID) -> None:
        await reopen_incident(
            visit.deps.database, tenant_id=visit.tenant_id, incident_id=incident_id, actor=visit.caller.label
        )

    return await _done(visit, work)


async def add_note(visit: Visit) -> web.StreamResponse:
    async def work(incident_id: UUID) -> None:
        text = field_rules.text(visit.text("text"), "/text", code="INVALID_NOTE", low=1, high=NOTE_LIMIT)
        await annotate_incident(
            visit.deps.database,
            tenant_id=visit.tenant_id,
            incident_id=incident_id,
            actor=visit.caller.label,
            text=text,
        )

    return await _done(visit, work)


async def add_update(visit: Visit) -> web.StreamResponse:
    async def work(incident_id: UUID) -> None:
        # A browser sends each line break as two characters; they are one.
        told = visit.text("public_text").replace("\r\n", "\n")
        text = field_rules.text(told, "/public_text", code="INVALID_UPDATE", low=1, high=UPDATE_LIMIT)
        phase = visit.text("phase") or None
        if phase is not None:
            field_rules.choice(phase, "/phase", allowed=PHASES, code="INVALID_PHASE")
        await update_incident(
            visit.deps.database,
            tenant_id=visit.tenant_id,
            incident_id=incident_id,
            actor=visit.caller.label,
            text=text,
            phase=msgspec.convert(phase, Phase | None),
        )

    return await _done(visit, work)


async def _done(visit: Visit, work: Callable[[UUID], Awaitable[None]]) -> web.StreamResponse:
    """Do it and go back to the page; what cannot be done is said on the page, with what was typed."""
    try:
        await work(visit.id("incident_id"))
    except (BadRequest, Conflict) as error:
        return await _shown(visit, error)
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
    field = error.field if error is not None else None
    context = {
        "incident": incident_row(view, now=now),
        "timeline": timeline_lines(lines, now=now),
        "evidence": evidence_rows(view.evidence, now=now),
        "may_write": visit.may("incidents:write"),
        "problem": sentence(error.message) if error is not None and field not in _OWN_PROBLEM else "",
        "note": visit.text("text"),
        "note_problem": "Write something first, up to 10 000 characters." if field == "/text" else "",
        "phases": phase_choices(view, chosen=visit.text("phase")),
        "public_text": visit.text("public_text"),
        "update_problem": "Write something first, up to 2 000 characters." if field == "/public_text" else "",
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
    form(
        f"{PATH}/resolve",
        resolve,
        operation="ask_resolve",
        summary="Resolve the incident",
        scope="incidents:write",
    ),
    form(f"{PATH}/reopen", reopen, operation="ask_reopen", summary="Reopen the incident", scope="incidents:write"),
    form(f"{PATH}/updates", add_update, operation="ask_update", summary="Tell the public", scope="incidents:write"),
    form(f"{PATH}/notes", add_note, operation="ask_note", summary="Leave a note", scope="incidents:write"),
)
