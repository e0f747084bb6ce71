"""What a stored event is about, and what happened in plain words, from the event's own data. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from control_plane.domain.alerting.alerting import IncidentFacts, MonitorFacts
from control_plane.domain.span_words import moment, short

T = TypeVar("T")

SOMETHING = "Something happened that this version has no words for"


class EventFacts(Struct, frozen=True):
    """What is told of an event; `incident` None: it is about none of the tenant's."""

    monitor: MonitorFacts | None
    incident: IncidentFacts | None
    reason: str


def event_facts(event: str, data: str, *, at: datetime) -> EventFacts:
    """What the event of this name and one-line JSON tells. Data of another release tell less, and never fail."""
    fields = _object(data)
    monitor = _read(fields.get("monitor"), MonitorFacts)
    is_of_fleet = event.startswith(("agent.", "region."))
    incident = None if is_of_fleet else _read(fields.get("incident"), IncidentFacts)
    return EventFacts(monitor, incident, short(_reason(event, fields, monitor, at)))


def _reason(event: str, fields: Mapping[str, Any], monitor: MonitorFacts | None, at: datetime) -> str:
    name = "The monitor" if monitor is None else monitor.name
    said = fields.get("reason")
    said = said if isinstance(said, str) else ""
    match event:
        case "verdict.changed":
            return _sentence(f"{name} is {fields.get('verdict', 'judged anew')}", said, was=fields.get("previous"))
        case "monitor.degraded":
            return _sentence(f"{name} is degraded", said)
        case "monitor.recovered":
            return _sentence(f"{name} is up again", said)
        case "monitor.flapping":
            return _sentence(f"{name} goes down and up again and again", said)
        case "heartbeat.missed":
            return _sentence(f"{name} has not been pinged in time", said)
        case "certificate.alert":
            return _of_certificate(fields, name, at)
        case "maintenance.started" | "maintenance.ended":
            return _of_window(event, fields, at)
        case _:
            return said or SOMETHING


def _sentence(what: str, said: str, *, was: object = None) -> str:
    before = f", it was {was}" if isinstance(was, str) and was else ""
    return f"{what}{before}: {said}" if said else f"{what}{before}"


def _of_certificate(fields: Mapping[str, Any], name: str, at: datetime) -> str:
    until = _read(fields.get("not_after"), datetime)
    if fields.get("kind") != "changed":
        return f"TLS certificate of {name} {'is near its end' if until is None else _expiry(until, at)}"
    told = f"{name} shows another TLS certificate: {fields.get('subject')}, issued by {fields.get('issuer')}"
    return told if until is None else f"{told}, {_expiry(until, at)}"


def _expiry(until: datetime, at: datetime) -> str:
    days = (until - at).days
    if days < 0:
        return f"expired on {until:%-d %B %Y}"
    return "expires today" if days == 0 else f"expires in {days} day{'s' if days > 1 else ''}"


def _of_window(event: str, fields: Mapping[str, Any], at: datetime) -> str:
    window = fields.get("window")
    title = window.get("title") if isinstance(window, dict) else None
    named = f"Maintenance “{title}”" if title else "Maintenance"
    if event == "maintenance.ended":
        return f"{named} is over"
    ends_at = _read(fields.get("ends_at"), datetime)
    return f"{named} has begun" if ends_at is None else f"{named} has begun, until {moment(ends_at, now=at)}"


def _object(data: str) -> Mapping[str, Any]:
    try:
        return msgspec.json.decode(data, type=dict[str, Any])
    except msgspec.MsgspecError:
        return {}


def _read(value: object, type_: type[T]) -> T | None:
    try:
        return None if value is None else msgspec.convert(value, type_)
    except msgspec.MsgspecError:
        return None
