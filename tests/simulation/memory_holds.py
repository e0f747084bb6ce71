"""What holds monitors and what time decides: control_plane/store/holds.py, cases.due_cases, the cadence of back-off."""

from __future__ import annotations

from datetime import datetime
from heapq import heappush
from typing import Any
from uuid import UUID

from control_plane.store import cases, decisions, holds, maintenance_advance
from shared.clock import from_unix_ms, to_unix_ms
from tests.simulation.memory_store import Session, statement
from tests.simulation.memory_tables import Assignment, Row, Tables, append, change


def upstreams_of(tables: Tables, monitor_id: UUID) -> set[UUID]:
    """Everything that it depends on, directly or through others."""
    found: set[UUID] = set()
    todo = list(tables.upstreams.get(monitor_id, ()))
    while todo:
        one = todo.pop()
        if one not in found:
            found.add(one)
            todo += tables.upstreams.get(one, ())
    return found


@statement(holds.LANE_UPSTREAM_IDS)
def upstream_ids(s: Session, monitor_ids: list[UUID]) -> list[Row]:
    if not s.tables.upstreams:
        return []
    found = {one for monitor_id in monitor_ids for one in upstreams_of(s.tables, monitor_id)}
    return [{"depends_on": one} for one in sorted(found)]


@statement(holds.LANE_UPSTREAMS)
def upstreams(s: Session, monitor_ids: list[UUID]) -> list[Row]:
    tables = s.tables
    if not tables.upstreams:
        return []
    return [
        _upstream(tables, root, monitor_id)
        for root in sorted(monitor_ids)
        for monitor_id in sorted(upstreams_of(tables, root))
    ]


def _upstream(tables: Tables, root: UUID, monitor_id: UUID) -> Row:
    monitor = tables.monitors[monitor_id]
    assignments = [a for a in tables.regions_of[monitor_id].values() if not a.removed]
    newest, settled = 0, bool(assignments)
    for assignment in assignments:
        vote = tables.votes.get((monitor_id, assignment.region_id))
        if vote is None or vote.check_version != assignment.check_version or vote.vote is None:
            settled = False
        else:
            settled = settled and (vote.good_run if vote.vote == "down" else vote.bad_run) == 0
        if vote is not None and vote.check_version == assignment.check_version:
            newest = max(newest, vote.newest_slot)
    return {
        "root": root,
        "id": monitor_id,
        "name": monitor["name"],
        "confirmations": monitor["confirmations"],
        "timeout_ms": monitor["timeout_ms"],
        "verdict": tables.states[monitor_id]["verdict"],
        "runs": bool(assignments),
        "newest_slot": newest,
        "settled": settled,
    }


@statement(holds.LANE_MAINTENANCE)
def maintenance(s: Session, monitor_ids: list[UUID], now_ms: int) -> list[Row]:
    if not s.tables.periods:
        return []
    now, found = from_unix_ms(now_ms), []
    for monitor_id in monitor_ids:
        own = [p for p in s.tables.periods if p["monitor_id"] == monitor_id and p["starts_at"] <= now < p["ends_at"]]
        if own:
            found.append(max(own, key=lambda p: (p["ends_at"], -to_unix_ms(p["starts_at"]))))
    return found


@statement(maintenance_advance.COVER)
def cover(s: Session, tenant_id: UUID, window_id: UUID, ends_at: datetime, *rest: Any) -> None:
    title, monitor_ids, starts = rest
    for monitor_id, starts_at in zip(monitor_ids, starts, strict=True):
        row = {"monitor_id": monitor_id, "title": title, "starts_at": starts_at, "ends_at": ends_at}
        append(s.undo, s.tables.periods, row)


@statement(holds.LANE_STALE_HOLDS)
def stale_holds(s: Session, now_ms: int, limit: int) -> list[Row]:
    return [{"monitor_id": monitor_id} for monitor_id in wrongly_held(s.tables, now_ms)[:limit]]


def wrongly_held(tables: Tables, now_ms: int) -> list[UUID]:
    """Monitors that are held and do not know it yet, or are no longer."""
    now = from_unix_ms(now_ms)
    if not tables.upstreams and not tables.periods:
        return []
    covered = {p["monitor_id"] for p in tables.periods if p["starts_at"] <= now < p["ends_at"]}
    stale = []
    for monitor_id, state in sorted(tables.states.items()):
        held = monitor_id in covered or any(
            tables.states[one]["verdict"] == "down" for one in upstreams_of(tables, monitor_id)
        )
        if held != (state["held_since"] is not None):
            stale.append(monitor_id)
    return stale


@statement(holds.LANE_REGIONS_OF)
def regions_to_ask(s: Session, monitor_ids: list[UUID]) -> list[Row]:
    tables = s.tables
    return [
        {
            "tenant_id": assignment.tenant_id,
            "monitor_id": monitor_id,
            "region_id": region_id,
            "check_version": assignment.check_version,
        }
        for monitor_id in sorted(monitor_ids)
        for region_id, assignment in sorted(tables.regions_of[monitor_id].items())
        if not assignment.removed and not _is_waiting(tables, monitor_id, region_id)
    ]


def _is_waiting(tables: Tables, monitor_id: UUID, region_id: int) -> bool:
    rows = (tables.dispatches[each] for each in tables.waiting.get(monitor_id, ()))
    return any(row.region_id == region_id and row.expires_ms > tables.now_ms for row in rows)


@statement(cases.LANE_DUE_CASES)
def due_cases(s: Session, now_ms: int, limit: int) -> list[Row]:
    return [{"monitor_id": monitor_id} for _, monitor_id in sorted(due(s.tables, now_ms))[:limit]]


def due(tables: Tables, now_ms: int) -> list[tuple[datetime, UUID]]:
    """What time alone calls to be judged, and since when."""
    now = from_unix_ms(now_ms)
    return [(at, monitor_id) for monitor_id, row in tables.states.items() if (at := row["due_at"]) and at <= now]


@statement(decisions.SET_CADENCE)
def set_cadence(s: Session, _tenant: UUID, monitor_id: UUID, cadence_s: int | None, window_ms: int) -> list[Row]:
    rows = _live(s.tables, monitor_id)
    for row in rows:
        change(s.undo, row, cadence_s=cadence_s, window_ms=max(row.window_ms, window_ms))
    _look_again(s.tables, monitor_id)
    return [{"region_id": row.region_id} for row in rows]


@statement(decisions.SET_WINDOW)
def set_window(s: Session, _tenant: UUID, monitor_id: UUID, window_ms: int) -> None:
    for row in _live(s.tables, monitor_id):
        change(s.undo, row, window_ms=window_ms)
    for region_id in s.tables.regions_of[monitor_id]:
        vote = s.tables.votes.get((monitor_id, region_id))
        if vote is not None:
            change(s.undo, vote, window_ms=window_ms)
    _look_again(s.tables, monitor_id)


@statement(decisions.READ_VOTES_ANEW)
def read_votes_anew(s: Session, _tenant: UUID, monitor_id: UUID, confirmations: int) -> None:
    for region_id in s.tables.regions_of[monitor_id]:
        vote = s.tables.votes.get((monitor_id, region_id))
        if vote is None or vote.vote != "up" or vote.bad_run or vote.degraded is (vote.degraded_run >= confirmations):
            continue
        degraded = vote.degraded_run >= confirmations
        steady = 1 if degraded else 0 if vote.degraded_run == 0 else None
        change(s.undo, vote, degraded=degraded, steady=steady)
    s.tables.unswept.add(monitor_id)


def _live(tables: Tables, monitor_id: UUID) -> list[Assignment]:
    return [row for row in tables.regions_of[monitor_id].values() if not row.removed]


def _look_again(tables: Tables, monitor_id: UUID) -> None:
    tables.unswept.add(monitor_id)
    heappush(tables.expiring, (tables.now_ms, monitor_id))
