"""/app/incidents/{id}: what happened, what proved it, who is on it, and who was told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any
from uuid import UUID

import msgspec
from aiohttp import web

from control_plane.dashboard.alerting.delivery_views import delivery_rows
from control_plane.dashboard.fields import Field, Group, options, refusals, told
from control_plane.dashboard.incidents.incident_texts import line_or_none, text, text_or_none
from control_plane.dashboard.incidents.incident_told import telling
from control_plane.dashboard.incidents.incident_views import evidence_rows, incident_row, phase_choices, timeline_lines
from control_plane.dashboard.visit import Visit, form, page, see_other, show
from control_plane.domain import field_rules
from control_plane.domain.judging.incident_rules import PHASES, SEVERITIES, Phase
from control_plane.errors import BadRequest, Conflict, FarwatchError, NotFound
from control_plane.services.incidents.acknowledge_incident import acknowledge_incident
from control_plane.services.incidents.annotate_incident import annotate_incident
from control_plane.services.incidents.narrate_incident import NarrationPatch, narrate_incident
from control_plane.services.incidents.reopen_incident import reopen_incident
from control_plane.services.incidents.resolve_incident import resolve_incident
from control_plane.services.incidents.update_incident import update_incident
from control_plane.store import configuration, deliveries, incidents_read, monitor_reads
from control_plane.store.deliveries import DeliveryFilter
from control_plane.store.incidents_read import IncidentView
from control_plane.store.pool import Connection
from control_plane.web.routes import Route

PATH = "/app/incidents/{incident_id}"

_OWN_PROBLEM = ("/text", "/public_text", "/note")
"""Fields whose form says itself what is wrong."""
_NARRATED = ("/title", "/public_title", "/public_description", "/severity")
_MOST = 200
_SAID = {
    "declared": "The incident is declared.",
    "replayed": "It is on its way again.",
    "acknowledged": "You are on it: nobody is reminded any more.",
    "resolved": "It is resolved.",
    "reopened": "It is open again.",
    "noted": "The note is in the timeline.",
    "updated": "The public is told.",
    "changed": "It is changed.",
}


async def incident(visit: Visit) -> web.StreamResponse:
    return await _shown(visit)


async def acknowledge(visit: Visit) -> web.StreamResponse:
    async def work(incident_id: UUID) -> None:
        note = text_or_none(visit.text("text"), "/note")
        await acknowledge_incident(
            visit.deps.database,
            tenant_id=visit.tenant_id,
            incident_id=incident_id,
            actor=visit.caller.label,
            note=note,
        )

    return await _done(visit, work)


async def resolve(visit: Visit) -> web.StreamResponse:
    async def work(incident_id: UUID) -> None:
        note, public = visit.text("text"), visit.text("public_text")
        await resolve_incident(
            visit.deps.database,
            tenant_id=visit.tenant_id,
            incident_id=incident_id,
            actor=visit.caller.label,
            note=text_or_none(note, "/note"),
            public_text=text_or_none(public, "/public_text"),
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
        await annotate_incident(
            visit.deps.database,
            tenant_id=visit.tenant_id,
            incident_id=incident_id,
            actor=visit.caller.label,
            text=text(visit.text("text"), "/text"),
        )

    return await _done(visit, work)


async def add_update(visit: Visit) -> web.StreamResponse:
    async def work(incident_id: UUID) -> None:
        public = text(visit.text("public_text"), "/public_text")
        phase = visit.text("phase") or None
        if phase is not None:
            field_rules.choice(phase, "/phase", allowed=PHASES, code="INVALID_PHASE")
        await update_incident(
            visit.deps.database,
            tenant_id=visit.tenant_id,
            incident_id=incident_id,
            actor=visit.caller.label,
            text=public,
            phase=msgspec.convert(phase, Phase | None),
        )

    return await _done(visit, work)


async def narrate(visit: Visit) -> web.StreamResponse:
    """What is empty is cleared, save for the title of a declared incident, which needs one."""

    async def work(incident_id: UUID) -> None:
        patch = NarrationPatch(
            title=line_or_none(visit.text("title"), "/title"),
            public_title=line_or_none(visit.text("public_title"), "/public_title"),
            public_description=text_or_none(visit.text("public_description"), "/public_description"),
            severity=field_rules.choice(
                visit.text("severity"), "/severity", allowed=SEVERITIES, code="INVALID_SEVERITY"
            ),
        )
        await narrate_incident(
            visit.deps.database,
            patch,
            tenant_id=visit.tenant_id,
            incident_id=incident_id,
            actor=visit.caller.label,
        )

    return await _done(visit, work)


async def _done(visit: Visit, work: Callable[[UUID], Awaitable[None]]) -> web.StreamResponse:
    """Do it and go back to the page; what cannot be done is said on the page, with what was typed."""
    try:
        await work(visit.id("incident_id"))
    except (BadRequest, Conflict) as error:
        return await _shown(visit, error)
    return see_other(f"/app/incidents/{visit.id('incident_id')}")


async def _shown(visit: Visit, error: FarwatchError | None = None) -> web.StreamResponse:
    incident_id, now = visit.id("incident_id"), visit.deps.now()
    async with visit.deps.database.tenant(visit.tenant_id) as conn:
        view = await incidents_read.get_incident(conn, tenant_id=visit.tenant_id, incident_id=incident_id)
        if view is None:
            raise NotFound("There is no such incident", code="INCIDENT_NOT_FOUND")
        lines = await incidents_read.timeline(conn, tenant_id=visit.tenant_id, incident_id=incident_id)
        reached = await _reached(conn, visit, view) if visit.may("deliveries:read") else {}
    field = error.field if error is not None else None
    narration, left = _narration(visit, view, error if field in _NARRATED else None)
    said = "" if error is None or field in (*_OWN_PROBLEM, *_NARRATED) else refusals(error)[0][1]
    context = {
        "incident": incident_row(view, now=now),
        "timeline": timeline_lines(lines, now=now),
        "evidence": evidence_rows(view.evidence, now=now),
        "public_title": view.public_title or "",
        "public_description": view.public_description or "",
        "reached": reached,
        "may_write": visit.may("incidents:write"),
        "may_replay": visit.may("deliveries:write"),
        "problem": said or left,
        "said": _SAID.get(visit.query("said"), ""),
        "note": visit.text("text"),
        "note_problem": "Write something first, up to 10 000 characters." if field in ("/text", "/note") else "",
        "phases": phase_choices(view, chosen=visit.text("phase")),
        "public_text": visit.text("public_text"),
        "update_problem": "Write something first, up to 2 000 characters." if field == "/public_text" else "",
        "narration": narration,
    }
    return show(visit, "incident.html", context, status=200 if error is None else error.status)


async def _reached(conn: Connection, visit: Visit, view: IncidentView) -> dict[str, Any]:
    """The deliveries of the incident, and who was and will be told."""
    now, where = visit.deps.now(), DeliveryFilter(incident_id=view.id)
    rows = await deliveries.deliveries(conn, tenant_id=visit.tenant_id, where=where, limit=_MOST)
    monitor = None
    if view.monitor_id is not None:
        monitor = await monitor_reads.get_monitor(conn, tenant_id=visit.tenant_id, monitor_id=view.monitor_id)
    channels = await configuration.all_channels(conn, tenant_id=visit.tenant_id)
    names = {each.id: each.name for each in channels if each.enabled}
    return {"rows": delivery_rows(rows, now=now), "telling": telling(view, rows, monitor, names, now=now)}


def _narration(visit: Visit, view: IncidentView, error: FarwatchError | None) -> tuple[list[Group], str]:
    """What the incident is called, as a form."""
    stored = {
        "title": view.title or "",
        "public_title": view.public_title or "",
        "public_description": view.public_description or "",
        "severity": view.severity,
    }
    now = {name: visit.text(name) for name in stored} if error is not None else stored
    fields = (
        _named("title", "Title", now, "For those on call; empty for one of its monitor."),
        _named("public_title", "Title for the public", now, "What status pages call it."),
        Field(
            name="public_description",
            label="Description for the public",
            at="/public_description",
            type="area",
            value=now["public_description"],
        ),
        Field(
            name="severity",
            label="Severity",
            at="/severity",
            type="select",
            options=options({each: each.capitalize() for each in SEVERITIES}, {now["severity"]}),
        ),
    )
    return told([Group(fields)], error)


def _named(name: str, label: str, now: dict[str, str], hint: str) -> Field:
    extra = {"autocomplete": "off"}
    return Field(name=name, label=label, at=f"/{name}", value=now[name], hint=hint, extra=extra)


_writes = partial(form, scope="incidents:write")

ROUTES: tuple[Route, ...] = (
    page(PATH, incident, operation="show_incident", summary="One incident", scope="incidents:read"),
    _writes(f"{PATH}/acknowledge", acknowledge, operation="ask_acknowledge", summary="Acknowledge the incident"),
    _writes(f"{PATH}/resolve", resolve, operation="ask_resolve", summary="Resolve the incident"),
    _writes(f"{PATH}/reopen", reopen, operation="ask_reopen", summary="Reopen the incident"),
    _writes(f"{PATH}/updates", add_update, operation="ask_update", summary="Tell the public"),
    _writes(f"{PATH}/notes", add_note, operation="ask_note", summary="Leave a note"),
    _writes(f"{PATH}/narration", narrate, operation="ask_narration", summary="Change what it is called"),
)
