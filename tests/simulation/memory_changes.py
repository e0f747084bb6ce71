"""What a change of a monitor asks of the store: services/monitors/change_monitor.py and what it calls."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from control_plane.store import assignments_write, dependencies, incidents_read, monitors, pauses, plans, safety
from control_plane.store.monitors import MonitorRow
from shared.clock import from_unix_ms
from tests.simulation.memory_store import Session, statement
from tests.simulation.memory_tables import Assignment, Row, change, put
from tests.simulation.memory_writing import forget_dispatch
from tests.simulation.observed import UPDATED


@statement(monitors.LOCK_STATES, pauses.BEGIN_PAUSE, pauses.END_PAUSE)
def nothing(_session: Session, *_: Any) -> None:
    """Locks, and periods that only uptime rests on."""


@statement(monitors.LOCK_MONITOR)
def lock_monitor(s: Session, _tenant: UUID, monitor_id: UUID) -> Row:
    row = s.tables.monitors[monitor_id]
    return {name: row[name] for name in MonitorRow.__struct_fields__}


@statement(monitors.NOW_MS)
def now_ms(s: Session) -> int:
    return s.tables.now_ms


@statement(monitors.READ_BINDINGS)
def read_bindings(s: Session, _tenant: UUID, monitor_id: UUID) -> list[Row]:
    return [{"channel_id": each, "events": None, "step": 0, "after_s": None} for each in s.tables.bindings[monitor_id]]


@statement(dependencies.READ_UPSTREAMS)
def read_upstreams(s: Session, _tenant: UUID, monitor_id: UUID) -> list[Row]:
    return [{"depends_on": one} for one in sorted(s.tables.upstreams.get(monitor_id, ()))]


@statement(assignments_write.VISIBLE_REGIONS)
def visible_regions(s: Session, _tenant: UUID) -> list[Row]:
    plain = {"tenant_id": None, "enabled": True, "selected_by_default": True}
    return [{"id": id_, "slug": slug, "name": slug} | plain for id_, slug in sorted(s.tables.regions.items())]


@statement(plans.TERMS)
def terms(_session: Session, _tenant: UUID) -> Row:
    """Those of the plan unlimited, as far as a change of a monitor asks for them."""
    return {"name": "unlimited", "quotas": {}, "features": {}, "rates": {}, "overrides": {}}


@statement(safety.READ_GATE)
def read_gate(_session: Session) -> Row:
    """The operator denies nothing."""
    return {"kill_switch": None, "version": None, "settings": {}}


@statement(monitors.UPDATE_MONITOR)
def update_monitor(s: Session, *values: Any) -> None:
    row = dict(zip(UPDATED, values, strict=True))
    table = s.tables.monitors
    put(s.undo, table, row["id"], table[row["id"]] | row | {"timeout_ms": row["check"]["timeout"]})


@statement(assignments_write.REMOVE_ASSIGNMENTS)
def remove_assignments(s: Session, _tenant: UUID, monitor_id: UUID, keep: list[int]) -> list[Row]:
    rows = s.tables.regions_of[monitor_id].values()
    gone = [row for row in rows if not row.removed and row.region_id not in keep]
    for row in gone:
        change(s.undo, row, removed=True)
    s.tables.unswept.add(monitor_id)
    return [{"region_id": row.region_id} for row in gone]


@statement(assignments_write.UPSERT_ASSIGNMENTS)
def upsert_assignments(s: Session, _tenant: UUID, monitor_id: UUID, version: int, *columns: list[int]) -> None:
    for region_id, window_ms, phase_ms in zip(*columns, strict=True):
        row: Assignment = s.tables.regions_of[monitor_id][region_id]
        now = {"check_version": version, "window_ms": window_ms, "phase_ms": phase_ms}
        change(s.undo, row, removed=False, cadence_s=None, **now)
    s.tables.unswept.add(monitor_id)


@statement(assignments_write.DROP_DISPATCHES)
def drop_stale_dispatches(s: Session, _tenant: UUID, monitor_id: UUID, version: int | None) -> None:
    for dispatch_id in sorted(s.tables.waiting.get(monitor_id, ())):
        if s.tables.dispatches[dispatch_id].check_version != version:
            forget_dispatch(s, dispatch_id)


@statement(incidents_read.OPEN_INCIDENT_OF)
def open_incident_of(s: Session, _tenant: UUID, monitor_id: UUID) -> UUID | None:
    return s.tables.open_incidents.get(monitor_id)


@statement(incidents_read.GET_INCIDENT)
def get_incident(s: Session, _tenant: UUID, incident_id: UUID) -> Row:
    incident = s.tables.incidents[incident_id]
    monitor = s.tables.monitors[incident["monitor_id"]]
    row: Row = dict.fromkeys(incidents_read.IncidentView.__struct_fields__)
    row |= {name: incident[name] for name in row.keys() & incident.keys()}
    row |= {f"monitor_{name}": monitor[name] for name in ("number", "name", "kind", "tags", "group")}
    return row | {
        "origin": "monitor",
        "phase": "resolved",
        "updated_at": from_unix_ms(s.tables.now_ms),
        "reopened": 0,
        "affected": [],
    }
