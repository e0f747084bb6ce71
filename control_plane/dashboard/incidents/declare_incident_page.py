"""/app/incidents/new: somebody says that something is wrong, whatever the verdicts are."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from aiohttp import web

from control_plane.dashboard.fields import Field, Group, instant, options, told, zone_of
from control_plane.dashboard.incidents.incident_texts import line, line_or_none, text_or_none
from control_plane.dashboard.monitor_choice import chosen_monitors, monitors_field, offered
from control_plane.dashboard.visit import Visit, form, page, see_other, show
from control_plane.domain import field_rules
from control_plane.domain.field_rules import Findings
from control_plane.domain.judging.incident_rules import SEVERITIES
from control_plane.errors import BadRequest
from control_plane.services.incidents.declare_incident import Declaration, declare_incident
from control_plane.web.routes import Route

HERE = "/app/incidents/new"

TYPES = {"down": "An outage: it does not work", "degraded": "Degraded: it works, but badly"}
PHASES = {"investigating": "Investigating", "identified": "Identified", "monitoring": "Monitoring"}


async def show_form(visit: Visit) -> web.StreamResponse:
    return await _page(visit)


async def declare(visit: Visit) -> web.StreamResponse:
    incident_id = visit.deps.new_id()
    try:
        async with visit.deps.database.tenant(visit.tenant_id) as conn:
            monitor_ids = await chosen_monitors(conn, visit, at="/monitor_ids")
        await declare_incident(
            visit.deps.database,
            _declaration(visit, monitor_ids),
            tenant_id=visit.tenant_id,
            incident_id=incident_id,
            actor=visit.caller.label,
        )
    except BadRequest as error:
        return await _page(visit, error)
    return see_other(f"/app/incidents/{incident_id}?said=declared")


def _declaration(visit: Visit, monitor_ids: list[UUID]) -> Declaration:
    """Raises BadRequest naming every bad field."""
    findings = Findings()
    read: dict[str, Any] = {
        "title": findings.take(line, visit.text("title"), "/title"),
        "type": findings.take(_one_of(TYPES), visit.text("type"), "/type"),
        "severity": findings.take(_one_of(SEVERITIES), visit.text("severity"), "/severity"),
        "phase": findings.take(_one_of(PHASES), visit.text("phase"), "/phase"),
        "public_title": findings.take(line_or_none, visit.text("public_title"), "/public_title"),
        "public_text": findings.take(text_or_none, visit.text("public_text"), "/public_text"),
        "message": findings.take(text_or_none, visit.text("message"), "/message"),
        "started_at": findings.take(_started, visit.text("started_at"), "/started_at"),
    }
    findings.raise_any()
    return Declaration(monitor_ids=monitor_ids, notify=visit.text("notify") == "yes", **read)


def _one_of(words: Any) -> Any:
    def read(value: object, pointer: str) -> str:
        return field_rules.choice(value, pointer, allowed=tuple(words), code="INVALID_STRING")

    return read


def _started(value: object, pointer: str) -> datetime | None:
    found = instant(str(value), zone_of("UTC"))
    if isinstance(found, str):
        raise BadRequest("this must be a day and a time", code="INVALID_STARTED_AT", field=pointer)
    return found


async def _page(visit: Visit, error: BadRequest | None = None) -> web.StreamResponse:
    async with visit.deps.database.tenant(visit.tenant_id) as conn:
        chosen = _asked(visit)
        offer = await offered(conn, visit, chosen=chosen)
    about = monitors_field(
        visit, offer, chosen=chosen, at="/monitor_ids", hint="Their channels are told, and those of routes."
    )
    posted = visit.call.request.method == "POST"
    groups, problem = told(_groups(visit, about, posted=posted), error)
    return show(
        visit, "declare_incident.html", {"groups": groups, "problem": problem}, status=error.status if error else 200
    )


def _asked(visit: Visit) -> list[UUID]:
    """The monitors that are ticked, or that the address names."""
    named = [*visit.form.get("monitors", ()), *([visit.query("monitor")] if visit.query("monitor") else [])]
    return [UUID(each) for each in named if _is_id(each)]


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _groups(visit: Visit, about: Field, *, posted: bool) -> list[Group]:
    what = (
        Field(
            name="title",
            label="What is wrong",
            at="/title",
            value=visit.text("title"),
            required=True,
            hint="One line, for those on call.",
            extra={"maxlength": "200", "autocomplete": "off"},
        ),
        _choice("type", "How bad", TYPES, visit.text("type") or "down"),
        _choice("severity", "Severity", _words(SEVERITIES), visit.text("severity") or "major"),
        about,
        _tick(visit, posted=posted),
    )
    public = (
        _line(visit, "public_title", "Title for the public", "What status pages call it; without one, its components."),
        Field(
            name="public_text",
            label="First update",
            at="/public_text",
            type="area",
            value=visit.text("public_text"),
            hint="Up to 2 000 characters.",
        ),
        _choice("phase", "Phase", PHASES, visit.text("phase") or "investigating"),
    )
    more = (
        Field(name="message", label="Note for the team", at="/message", type="area", value=visit.text("message")),
        Field(
            name="started_at",
            label="Began at (UTC)",
            at="/started_at",
            type="datetime-local",
            value=visit.text("started_at"),
            hint="Empty is now; at most 90 days ago.",
        ),
    )
    return [Group(what), Group(public, title="Tell the public"), Group(more, title="More")]


def _words(values: tuple[str, ...]) -> Mapping[str, str]:
    return {each: each.capitalize() for each in values}


def _choice(name: str, label: str, words: Mapping[str, str], value: str) -> Field:
    return Field(name=name, label=label, at=f"/{name}", type="select", options=options(words, {value}))


def _line(visit: Visit, name: str, label: str, hint: str) -> Field:
    return Field(
        name=name, label=label, at=f"/{name}", value=visit.text(name), hint=hint, extra={"autocomplete": "off"}
    )


def _tick(visit: Visit, *, posted: bool) -> Field:
    value = visit.text("notify") if posted else "yes"
    return Field(name="notify", label="Tell the channels", at="/notify", type="tick", value=value)


ROUTES: tuple[Route, ...] = (
    page(HERE, show_form, operation="show_declare_form", summary="Declare an incident", scope="incidents:write"),
    form(HERE, declare, operation="ask_declare", summary="Declare an incident", scope="incidents:write"),
)
