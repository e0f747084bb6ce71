"""What a judgement writes: control_plane/store/decisions.py, notices.py and deliveries.owe."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any
from uuid import UUID

from control_plane.errors import Conflict
from control_plane.store import assignments_write, decisions, deliveries, domain_load, notices, restraints
from tests.simulation.memory_store import Session, statement
from tests.simulation.memory_tables import DispatchRow, Row, append, drop, exclude, include, put
from tests.simulation.observed import owed_rows

_STATE = (
    *("tenant_id", "monitor_id", "verdict", "reason", "since", "judged_at", "hushed"),
    *("assigned", "fresh_up", "fresh_down", "fresh_degraded", "last_down", "well_since", "due_at"),
    *("held_since", "held_by", "hold_ended_at", "waits_until", "backed_off_at"),
)
_OPENED = (
    *("tenant_id", "id", "number", "monitor_id", "type", "severity", "cause", "started_at", "opened_at"),
    *("regions_down", "regions_up", "evidence", "held_by"),
)


@statement(decisions.TAKE_NUMBERS)
def take_numbers(s: Session, tenant_id: UUID, events: int, incidents: int, owed: int) -> Row:
    old = s.tables.counters[tenant_id]
    row = {
        "events": old["events"] + events,
        "incidents": old["incidents"] + incidents,
        "deliveries": old["deliveries"] + owed,
    }
    put(s.undo, s.tables.counters, tenant_id, row)
    return row


@statement(decisions.SAVE_STATE)
def save_state(s: Session, *values: Any) -> None:
    row = dict(zip(_STATE, values, strict=True))
    states = s.tables.states
    put(s.undo, states, row["monitor_id"], states[row["monitor_id"]] | row)
    s.tables.unswept.add(row["monitor_id"])


@statement(decisions.APPEND_TRANSITION)
def append_transition(s: Session, tenant_id: UUID, monitor_id: UUID, *values: Any) -> None:
    row = dict(zip(("at", "number", "previous", "verdict", "reason"), values, strict=True))
    append(s.undo, s.tables.transitions[monitor_id], row)


@statement(decisions.OPEN_INCIDENT)
def open_incident(s: Session, *values: Any) -> None:
    row = dict(zip(_OPENED, values, strict=True))
    if row["monitor_id"] in s.tables.open_incidents:
        raise Conflict("This monitor has an open incident already.", code="INCIDENT_OPEN")
    row |= {"state": "triggered", "resolution": None, "resolved_at": None, "revision": 1, "held_open": False}
    put(s.undo, s.tables.incidents, row["id"], row)
    put(s.undo, s.tables.open_incidents, row["monitor_id"], row["id"])
    append(s.undo, s.tables.openings[row["monitor_id"]], row["opened_at"])


def _amend(s: Session, incident_id: UUID, **values: Any) -> Row:
    row = s.tables.incidents[incident_id]
    row = row | values | {"revision": row["revision"] + 1}
    put(s.undo, s.tables.incidents, incident_id, row)
    return row


@statement(decisions.WORSEN_INCIDENT)
def worsen_incident(s: Session, _tenant: UUID, incident_id: UUID, severity: str, cause: str, *proof: Any) -> None:
    down, up, evidence, _at = proof
    _amend(
        s,
        incident_id,
        type="down",
        severity=severity,
        cause=cause,
        regions_down=down,
        regions_up=up,
        evidence=evidence,
    )


@statement(decisions.JOIN_REGIONS)
def join_regions(s: Session, _tenant: UUID, incident_id: UUID, regions: list[str], _at: datetime) -> None:
    row = s.tables.incidents[incident_id]
    _amend(
        s,
        incident_id,
        regions_down=sorted({*row["regions_down"], *regions}),
        regions_up=sorted(set(row["regions_up"]) - set(regions)),
    )


@statement(decisions.RESOLVE_INCIDENT)
def resolve_incident(s: Session, _tenant: UUID, incident_id: UUID, resolution: str, at: datetime) -> None:
    if s.tables.incidents[incident_id]["state"] == "resolved":
        return
    row = _amend(s, incident_id, state="resolved", resolution=resolution, resolved_at=at)
    drop(s.undo, s.tables.open_incidents, row["monitor_id"])


@statement(decisions.APPEND_INCIDENT_EVENT)
def append_incident_event(s: Session, tenant_id: UUID, incident_id: UUID, _id: UUID, kind: str, *told: Any) -> None:
    append(s.undo, s.tables.incident_events, {"incident_id": incident_id, "kind": kind, "text": told[2]})


@statement(decisions.APPEND_EVENT)
def append_event(s: Session, tenant_id: UUID, number: int, _at: datetime, event: str, *_told: Any) -> None:
    append(s.undo, s.tables.events[tenant_id], {"number": number, "event": event})


@statement(
    *(decisions.TELL_OF_EVENTS, decisions.TELL_OF_DISPATCHES, decisions.TELL_JUDGES),
    *(deliveries.WAKE, assignments_write.NOTIFY_REGIONS),
)
def tell(_session: Session, *_: Any) -> None:
    """A hint: whoever waits for it observes the commit."""


@statement(decisions.WRITE_RECHECK)
def write_recheck(s: Session, dispatch_id: UUID, region_id: int, *rest: Any) -> None:
    tenant_id, monitor_id, version, slot, expires_ms, *told = rest
    tables = s.tables
    row = DispatchRow(dispatch_id, region_id, tenant_id, monitor_id, version, "recheck", slot, expires_ms, *told)
    put(s.undo, tables.dispatches, dispatch_id, row)
    include(s.undo, tables.waiting[monitor_id], dispatch_id)
    include(s.undo, tables.in_region[region_id], dispatch_id)


@statement(decisions.LANE_DROP_RECHECKS)
def drop_rechecks(s: Session, monitor_ids: list[UUID]) -> None:
    for monitor_id in monitor_ids:
        for dispatch_id in sorted(s.tables.waiting.get(monitor_id, ())):
            forget_dispatch(s, dispatch_id)


def forget_dispatch(s: Session, dispatch_id: UUID) -> None:
    row = s.tables.dispatches[dispatch_id]
    exclude(s.undo, s.tables.waiting[row.monitor_id], dispatch_id)
    exclude(s.undo, s.tables.in_region[row.region_id], dispatch_id)
    drop(s.undo, s.tables.dispatches, dispatch_id)


@statement(decisions.LANE_RECHECK_LOAD)
def recheck_load(s: Session, region_ids: list[int]) -> list[Row]:
    tables = s.tables
    rows = []
    for region_id in region_ids:
        waiting = [tables.dispatches[each] for each in tables.in_region.get(region_id, ())]
        count = sum(row.kind == "recheck" and row.expires_ms > tables.now_ms for row in waiting)
        if count:
            rows.append({"region_id": region_id, "waiting": count})
    return rows


@statement(domain_load.TARGETS)
def targets(s: Session, _tenants: list[UUID], monitor_ids: list[UUID]) -> list[Row]:
    return [{"id": each, "target": s.tables.monitors[each]["check"]["url"]} for each in monitor_ids]


@statement(domain_load.FLEET_WAITING_RECHECKS)
def waiting_rechecks(s: Session, domains: list[str]) -> list[Row]:
    tables = s.tables
    waiting = Counter(
        tables.dispatches[each].domain
        for region in tables.in_region.values()
        for each in region
        if tables.dispatches[each].expires_ms > tables.now_ms
    )
    return [{"domain": domain, "waiting": waiting[domain]} for domain in domains if waiting[domain]]


@statement(notices.CHANNELS_BOUND)
def channels_bound(
    s: Session, tenant_id: UUID, monitor_ids: list[UUID], event: str, severities: list[str]
) -> list[Row]:
    return [_target(s, monitor_id, c) for monitor_id in sorted(monitor_ids) for c in s.tables.bindings[monitor_id]]


def _target(s: Session, monitor_id: UUID, channel_id: UUID) -> Row:
    channel = s.tables.channels[channel_id]
    return {"monitor_id": monitor_id, "id": channel_id, "name": channel["name"], "kind": "webhook", "ordinal": 0}


@statement(notices.CHANNELS_TOLD)
def channels_told(s: Session, tenant_id: UUID, incident_ids: list[UUID], event: str, or_dead: bool) -> list[Row]:
    tables = s.tables
    return [
        {**_target(s, monitor_id, channel_id), "incident_id": incident_id}
        for incident_id in incident_ids
        if (monitor_id := tables.incidents[incident_id]["monitor_id"])
        for channel_id in tables.bindings[monitor_id]
        if (incident_id, channel_id, "opened", 0) in tables.deliveries
    ]


@statement(restraints.RESTRAINTS)
def restraints_of(_session: Session, *_asked: object) -> list[Row]:
    """Nobody has silences or quiet hours in simulated days."""
    return []


@statement(notices.PUBLIC_URL)
def public_url(_session: Session) -> None:
    return None


@statement(deliveries.OWE)
def owe(s: Session, *columns: list[Any]) -> None:
    for row in owed_rows(columns):
        key = (row["incident_id"], row["channel_id"], row["notice"], row["ordinal"])
        if key not in s.tables.deliveries:
            put(s.undo, s.tables.deliveries, key, row)
