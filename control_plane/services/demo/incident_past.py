"""The demo's incidents as they were opened, answered by people, told to channels and resolved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from control_plane.domain.alerting.alerting import IncidentFacts, MonitorFacts, NoticeBody, notice_body
from control_plane.services.demo.story import ALL, PEOPLE, Said
from control_plane.services.demo.timeline import SOLE, Told
from control_plane.services.installation.identity import new_id
from control_plane.store import channels, decisions, demo_history
from control_plane.store.demo_history import DemoMonitor, Row
from control_plane.store.pool import Connection
from shared.ids import TenantId

_INCIDENT = (
    *("tenant_id", "id", "number", "monitor_id", "type", "severity", "state", "phase", "cause"),
    *("started_at", "opened_at", "acknowledged_at", "acknowledged_by", "resolved_at", "resolution"),
    *("regions_down", "regions_up", "evidence", "created_at", "updated_at", "public_title"),
)
_EVENT = ("tenant_id", "incident_id", "id", "kind", "at", "actor", "text", "data")
_UPDATE = ("tenant_id", "incident_id", "id", "phase", "text", "at", "actor")
_DELIVERY = (
    *("tenant_id", "id", "number", "channel_id", "channel_name", "channel_kind", "incident_id", "monitor_id"),
    *("event", "notice", "body", "state", "reason", "attempts", "due_at", "created_at", "finished_at"),
)
_ATTEMPT = ("tenant_id", "delivery_id", "attempt", "at", "duration_ms", "outcome", "http_status", "error")
_AUDIT = (
    *("tenant_id", "id", "at", "actor_kind", "actor", "source", "address", "operation"),
    *("action", "object_kind", "object_id", "object_name", "changes"),
)

_EMAILS = {name: email for name, email, _ in PEOPLE}


async def write_incidents(
    conn: Connection, monitors: Mapping[str, DemoMonitor], told: Sequence[Told], *, tenant_id: TenantId, home: str
) -> None:
    """All of them, oldest first, with their timelines, public updates, deliveries and the audit of who did what."""
    rows_of = await channels.channels(conn, tenant_id=tenant_id, limit=100, offset=0)
    hears = [one for one in rows_of if one.enabled]
    owed = 2 * len(told) * len(hears)
    last = await decisions.take_numbers(conn, tenant_id=tenant_id, events=0, incidents=len(told), deliveries=owed)
    rows = _Rows(tenant_id, home)
    for n, one in enumerate(told, last.incidents - len(told) + 1):
        rows.add(one, monitors[one.key], number=n)
    rows.owe(hears, first=last.deliveries - owed + 1)
    await rows.write(conn)


class _Rows:
    """What is written, table by table."""

    def __init__(self, tenant_id: TenantId, home: str) -> None:
        self._tenant_id = tenant_id
        self._home = home
        self._first = 0
        self._facts: list[tuple[IncidentFacts, MonitorFacts, datetime]] = []
        self._incidents: list[Row] = []
        self._events: list[Row] = []
        self._updates: list[Row] = []
        self._deliveries: list[Row] = []
        self._attempts: list[Row] = []
        self._audit: list[Row] = []

    def add(self, one: Told, monitor: DemoMonitor, *, number: int) -> None:
        """An incident with all that people wrote about it."""
        said = one.spell.said if one.spell else ()
        taken = next((each for each in said if each.kind == "acknowledged"), None)
        down, up = _regions(one)
        incident_id = new_id()
        taken_at = one.opened_at + timedelta(minutes=taken.after_min) if taken else None
        self._incidents.append(
            (
                *(self._tenant_id, incident_id, number, monitor.id, "down", monitor.severity, "resolved"),
                *("postmortem" if any(each.kind == "postmortem" for each in said) else "resolved", one.cause),
                *(one.started_at, one.opened_at, taken_at, _EMAILS[taken.who] if taken else None),
                *(one.resolved_at, "recovered", down, up, _evidence(one)),
                *(one.opened_at, one.resolved_at, one.spell.title if one.spell else None),
            )
        )
        self._tell(incident_id, one, said)
        self._facts.append(
            (_facts(one, incident_id, number, monitor, self._home), _monitor_facts(monitor), one.resolved_at)
        )

    def _tell(self, incident_id: UUID, one: Told, said: Sequence[Said]) -> None:
        head = (self._tenant_id, incident_id)
        self._events.append((*head, new_id(), "opened", one.opened_at, None, one.cause, {}))
        for each in said:
            self._say(head, each, one)
        self._events.append((*head, new_id(), "resolved", one.resolved_at, None, one.ended, {}))

    def _say(self, head: tuple[UUID, UUID], each: Said, one: Told) -> None:
        at, email = one.opened_at + timedelta(minutes=each.after_min), _EMAILS[each.who]
        if each.kind not in ("acknowledged", "note"):
            self._updates.append((*head, new_id(), each.kind, each.text, at, email))
        kind = each.kind if each.kind in ("acknowledged", "note") else "public_update"
        data = {} if kind != "public_update" else {"phase": each.kind}
        self._events.append((*head, new_id(), kind, at, email, each.text, data))
        operation = {"acknowledged": "acknowledge_incident", "note": "add_incident_note"}.get(
            kind, "add_incident_update"
        )
        action = "updated" if kind == "acknowledged" else kind
        about: Row = (action, "incident", str(head[1]), each.text or one.cause, {})
        self._audit.append((head[0], new_id(), at, "member", email, "ui", "203.0.113.24", operation, *about))

    def owe(self, hears: Sequence[Any], *, first: int) -> None:
        """What each channel was sent of each incident: opening and recovery."""
        self._first = number = first
        for facts, monitor, ended in self._facts:
            for channel in hears:
                opening = IncidentFacts(**{**_fields(facts), "state": "triggered", "resolved_at": None})
                for event, incident, at in (
                    ("incident.opened", opening, facts.started_at + timedelta(seconds=23)),
                    ("incident.resolved", facts, ended + timedelta(seconds=1)),
                ):
                    self._deliver(channel, event, incident, monitor, at=at, number=number)
                    number += 1

    def _deliver(
        self, channel: Any, event: str, incident: IncidentFacts, monitor: MonitorFacts, *, at: datetime, number: int
    ) -> None:
        delivery_id, trouble = new_id(), _trouble(number - self._first)
        body = NoticeBody(
            event=event,
            delivery_id=delivery_id,
            occurred_at=at,
            tenant_id=self._tenant_id,
            monitor=monitor,
            incident=incident,
            reason=incident.cause,
        )
        state, why = _end(number - self._first)
        ended = at + timedelta(seconds=sum(_WAITS[:trouble]) + 1)
        attempts = 0 if state == "cancelled" else trouble + (state == "delivered")
        told = (event, event.partition(".")[2], notice_body(body), state, why, attempts)
        about = (channel.id, channel.name, channel.kind, incident.id, monitor.id)
        self._deliveries.append((self._tenant_id, delivery_id, number, *about, *told, at, at, ended))
        for attempt in range(attempts):
            ends = "dead" if attempt + 1 == len(_WAITS) else "retry"
            when = at + timedelta(seconds=sum(_WAITS[: attempt + 1]))
            outcome = ("delivered", 200, None) if attempt == trouble else (ends, 503, "HTTP 503")
            self._attempts.append((self._tenant_id, delivery_id, attempt + 1, when, 41 + number % 60, *outcome))

    async def write(self, conn: Connection) -> None:
        """All of it."""
        for table, columns, rows in (
            ("incidents", _INCIDENT, self._incidents),
            ("incident_events", _EVENT, self._events),
            ("incident_updates", _UPDATE, self._updates),
            ("deliveries", _DELIVERY, self._deliveries),
            ("delivery_attempts", _ATTEMPT, self._attempts),
            ("audit", _AUDIT, self._audit),
        ):
            await demo_history.copy_rows(conn, table, columns, rows)


_WAITS = (0, 15, 60, 300, 1800, 7200, 21_600)
"""Seconds before each attempt (docs/webhooks.md)."""


def _trouble(number: int) -> int:
    """How many attempts of this delivery failed: some of a few, and all of one opening."""
    return {18: 2, _DEAD: len(_WAITS), 96: 1, 141: 3}.get(number, 0)


_DEAD = 60


def _end(number: int) -> tuple[str, str | None]:
    """The state and its reason. Nobody is told of the recovery who was not told of the opening."""
    if number == _DEAD:
        return "dead", f"HTTP 503, after {len(_WAITS)} attempts"
    return ("cancelled", "The opening was not delivered") if number == _DEAD + 1 else ("delivered", None)


def _fields(facts: IncidentFacts) -> dict[str, Any]:
    return {name: getattr(facts, name) for name in IncidentFacts.__struct_fields__}


def _regions(one: Told) -> tuple[list[str], list[str]]:
    if one.spell is None or one.key in SOLE:
        return [], []
    return sorted(one.spell.regions), sorted(set(ALL) - set(one.spell.regions))


def _facts(one: Told, incident_id: UUID, number: int, monitor: DemoMonitor, home: str) -> IncidentFacts:
    down, up = _regions(one)
    return IncidentFacts(
        id=incident_id,
        number=number,
        type="down",
        severity=monitor.severity,
        state="resolved",
        started_at=one.started_at,
        resolved_at=one.resolved_at,
        cause=one.cause,
        regions_down=tuple(down),
        regions_up=tuple(up),
        url=f"{home}/app/incidents/{incident_id}",
    )


def _monitor_facts(monitor: DemoMonitor) -> MonitorFacts:
    return MonitorFacts(
        id=monitor.id,
        number=monitor.number,
        name=monitor.name,
        kind=monitor.kind,
        tags=tuple(monitor.tags),
        group=monitor.group,
    )


def _evidence(one: Told) -> list[dict[str, Any]]:
    if one.spell is None or one.key in SOLE:
        return []
    down, up = _regions(one)
    first = _instant(one.started_at)
    bad = {"vote": "down", "first_bad_slot": first, "reason": one.spell.reason, "message": one.spell.message}
    good = {"vote": "up", "first_bad_slot": None, "reason": None, "message": None}
    shared = {"fresh": True, "degraded": False, "slots": 2, "since": first, "newest_slot": _instant(one.opened_at)}
    status = one.spell.message.partition(",")[0].removeprefix("Status ")
    seen = {"status_line": f"HTTP/1.1 {status}"} if one.spell.reason == "status" and status.isdigit() else None
    return [
        *({"region": region, **shared, **bad, "evidence": seen} for region in down),
        *({"region": region, **shared, **good, "evidence": None} for region in up),
    ]


def _instant(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
