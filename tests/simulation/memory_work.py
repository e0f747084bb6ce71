"""What agents take outside their schedule: control_plane/store/dispatches.py."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from control_plane.store import dispatches
from shared.clock import from_unix_ms
from tests.simulation.memory_store import Session, statement
from tests.simulation.memory_tables import DispatchRow, Tables, change, exclude, include


@statement(dispatches.CLAIM)
def claim(s: Session, region_id: int, agent_id: UUID, limit: int) -> list[tuple[Any, ...]]:
    tables = s.tables
    agent = tables.agents[agent_id]
    if not (agent.enabled and agent.healthy and agent.lease_until > tables.now_ms):
        return []
    rows = [tables.dispatches[each] for each in tables.in_region.get(region_id, ())]
    rows = [row for row in rows if row.slot <= tables.now_ms < row.expires_ms and _is_wanted(tables, row)]
    first = sorted((row for row in rows if _may_go(tables, row)), key=lambda row: (row.slot, row.id))[:limit]
    for row in first:
        change(s.undo, row, claimed_ms=tables.now_ms, claimed_by=agent_id)
        exclude(s.undo, tables.waiting[row.monitor_id], row.id)
        exclude(s.undo, tables.in_region[region_id], row.id)
        include(s.undo, tables.underway[region_id, row.monitor_id], row.id)
    return [_claimed(row) for row in first]


def _is_wanted(tables: Tables, row: DispatchRow) -> bool:
    monitor = tables.monitors.get(row.monitor_id)
    assignment = tables.assignments[row.region_id].get(row.monitor_id)
    asked_for = monitor is not None and monitor["enabled"] and monitor["check_version"] == row.check_version
    return asked_for and assignment is not None and not assignment.removed


def _may_go(tables: Tables, row: DispatchRow) -> bool:
    """A re-check waits for the one before it in its region to be claimed, and for a claimed one to be finished.

    What a newer slot has overtaken is passed over, and waited for by nobody.
    """
    if row.kind != "recheck":
        return True
    vote = tables.votes.get((row.monitor_id, row.region_id))
    newest = vote.newest_slot if vote is not None and vote.check_version == row.check_version else 0
    if row.slot <= newest:
        return False
    for each in tables.waiting.get(row.monitor_id, ()):
        other = tables.dispatches[each]
        if (
            other.region_id == row.region_id
            and other.check_version == row.check_version
            and other.expires_ms > tables.now_ms
            and (other.slot, other.id) < (row.slot, row.id)
            and other.slot > newest
        ):
            return False
    timeout = tables.monitors[row.monitor_id]["check"].get("timeout", 10_000)
    oldest = tables.now_ms - timeout - 1000
    underway = (tables.dispatches[each] for each in tables.underway.get((row.region_id, row.monitor_id), ()))
    return all((other.claimed_ms or 0) <= oldest for other in underway)


def _claimed(row: DispatchRow) -> tuple[Any, ...]:
    expires: datetime = from_unix_ms(row.expires_ms)
    return (row.id, row.kind, row.slot, expires, row.tenant_id, row.monitor_id, row.check_version, None, None, [])


@statement(dispatches.FLEET_NEXT_DUE)
def next_due(s: Session, region_id: int) -> float | None:
    tables = s.tables
    rows = [tables.dispatches[each] for each in tables.in_region.get(region_id, ())]
    dues = [row.slot for row in rows if row.slot > tables.now_ms and row.expires_ms > tables.now_ms]
    return float(min(dues) - tables.now_ms) if dues else None
