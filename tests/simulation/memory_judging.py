"""What a judgement reads: control_plane/store/cases.py."""

from __future__ import annotations

from heapq import heappop, heappush
from uuid import UUID

from control_plane.store import cases
from shared.clock import from_unix_ms
from tests.simulation.memory_store import Session, statement
from tests.simulation.memory_tables import Assignment, Row, Tables, VoteRow

_NO_VOTE = dict.fromkeys(name for name in VoteRow.__struct_fields__ if name not in ("check_version", "window_ms"))


@statement(cases.LANE_LOCK_STATES)
def lock_states(s: Session, monitor_ids: list[UUID]) -> list[Row]:
    states = s.tables.states
    return [states[monitor_id] for monitor_id in sorted(monitor_ids) if monitor_id in states]


@statement(cases.MONITORS_TO_JUDGE)
def monitors_to_judge(s: Session, _tenants: list[UUID], monitor_ids: list[UUID], now_ms: int, within: int) -> list[Row]:
    tables = s.tables
    since = from_unix_ms(now_ms - within)
    return [
        tables.monitors[monitor_id] | {"recent_openings": sum(at > since for at in tables.openings[monitor_id])}
        for monitor_id in monitor_ids
        if monitor_id in tables.monitors
    ]


@statement(cases.LANE_VOTES_TO_JUDGE)
def votes_to_judge(s: Session, monitor_ids: list[UUID]) -> list[Row]:
    tables = s.tables
    return [
        _joined(tables, monitor_id, assignment)
        for monitor_id in sorted(monitor_ids)
        for assignment in tables.regions_of[monitor_id].values()
        if not assignment.removed
    ]


def _joined(tables: Tables, monitor_id: UUID, assignment: Assignment) -> Row:
    vote = tables.votes.get((monitor_id, assignment.region_id))
    row: Row = {
        "monitor_id": monitor_id,
        "region_id": assignment.region_id,
        "slug": tables.regions[assignment.region_id],
        "check_version": assignment.check_version,
        "window_ms": assignment.window_ms,
    }
    if vote is None or vote.check_version != assignment.check_version:
        return row | _NO_VOTE
    for name in _NO_VOTE:
        row[name] = getattr(vote, name)
    return row


@statement(cases.OPEN_INCIDENTS)
def open_incidents(s: Session, tenant_ids: list[UUID], monitor_ids: list[UUID]) -> list[Row]:
    tables = s.tables
    found = [tables.incidents[tables.open_incidents[m]] for m in monitor_ids if m in tables.open_incidents]
    return [{name: row[name] for name in cases.IncidentRow.__struct_fields__} for row in found]


@statement(cases.LANE_PENDING_RECHECKS)
def pending_rechecks(s: Session, monitor_ids: list[UUID]) -> list[Row]:
    tables = s.tables
    live = live_regions(tables)
    pending = []
    for monitor_id in monitor_ids:
        rows = (tables.dispatches[each] for each in tables.waiting.get(monitor_id, ()))
        if any(row.expires_ms > tables.now_ms and row.region_id in live for row in rows):
            pending.append({"monitor_id": monitor_id})
    return pending


def live_regions(tables: Tables) -> set[int]:
    """The regions in which somebody may claim."""
    now = tables.now_ms
    return {a.region_id for a in tables.agents.values() if a.enabled and a.healthy and a.lease_until > now}


@statement(cases.LANE_TRY_SWEEP)
def try_sweep(_session: Session) -> bool:
    return True


@statement(cases.DATABASE_CLOCK)
def database_clock(s: Session) -> int:
    return s.tables.now_ms


@statement(cases.LANE_STALE_CASES)
def stale_cases(s: Session, now_ms: int, limit: int) -> list[Row]:
    stale = sorted(m for m in suspects(s.tables, now_ms) if is_stale(s.tables, m, now_ms))
    s.tables.unswept.update(stale[limit:])
    return [{"monitor_id": monitor_id} for monitor_id in stale[:limit]]


def suspects(tables: Tables, now_ms: int) -> set[UUID]:
    """The monitors whose counts may have changed: the sweep looks at all, which comes to the same and takes longer."""
    found, heap = tables.unswept, tables.expiring
    tables.unswept = set()
    while heap and heap[0][0] <= now_ms:
        found.add(heappop(heap)[1])
    for monitor_id in found:
        expiries = [
            at
            for region_id in tables.regions_of.get(monitor_id, ())
            if (vote := tables.votes.get((monitor_id, region_id))) is not None
            and (at := vote.newest_slot + tables.assignments[region_id][monitor_id].window_ms) > now_ms
        ]
        if expiries:
            heappush(heap, (min(expiries), monitor_id))
    return found


def may_be_stale(tables: Tables, now_ms: int) -> bool:
    """Whether the sweep's questions about votes have to be asked at all."""
    return bool(tables.unswept) or bool(tables.expiring and tables.expiring[0][0] <= now_ms)


COUNTS = ("assigned", "fresh_up", "fresh_down", "fresh_degraded", "last_down")


def is_stale(tables: Tables, monitor_id: UUID, now_ms: int) -> bool:
    state = tables.states.get(monitor_id)
    return state is not None and counts(tables, monitor_id, now_ms) != tuple(state[name] for name in COUNTS)


def counts(tables: Tables, monitor_id: UUID, now_ms: int) -> tuple[int, ...]:
    assigned = up = down = degraded = last_down = 0
    for assignment in tables.regions_of.get(monitor_id, {}).values():
        if assignment.removed:
            continue
        assigned += 1
        vote = tables.votes.get((monitor_id, assignment.region_id))
        if vote is None or vote.check_version != assignment.check_version:
            continue
        fresh = vote.renewed and vote.newest_slot + assignment.window_ms > now_ms
        last_down += vote.vote == "down"
        up += fresh and vote.vote == "up"
        down += fresh and vote.vote == "down"
        degraded += fresh and vote.vote == "up" and vote.degraded
    return assigned, up, down, degraded, last_down
