"""Bring maintenance windows up to the clock: start what is due, cover whom it names, end what is over.

One window takes one step per transaction, under its row's lock: any number of processes may be at it, and one that is
killed leaves a step undone or done, never half of it. A window that held while no process was there is made up for
step by step, with the instants that it was planned for.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import orjson

from control_plane.domain.maintenance.maintenance import Occurrence, next_occurrence
from control_plane.services.judging.judge_monitors import judge_monitors
from control_plane.services.judging.lock_to_judge import lock_to_judge
from control_plane.services.maintenance.maintenance_rows import planned_next, schedule_of
from control_plane.store import decisions, maintenance_advance
from control_plane.store.maintenance import WindowRow, delete_window
from control_plane.store.maintenance_advance import Joiner
from control_plane.store.pool import Connection, Database

BATCH = 500
"""Monitors covered in one transaction, and windows looked at in one round."""
MAX_STEPS = 5_000
"""Of one window in one round: it goes on in the next."""


async def advance_maintenance(database: Database) -> int:
    """Take every step that is due, of all tenants, for monitors changed of late too. Returns how many were taken."""
    async with database.app() as conn:
        due = await maintenance_advance.due_windows(conn, limit=BATCH)
    return await _advance(database, due)


async def sweep_maintenance(database: Database) -> int:
    """Cover whom the windows that hold name now, and none else, whatever went unseen. Returns the steps taken."""
    async with database.app() as conn:
        astray = await maintenance_advance.windows_astray(conn, limit=BATCH)
    return await _advance(database, astray)


async def _advance(database: Database, windows: Sequence[tuple[UUID, UUID]]) -> int:
    return sum([await advance_window(database, tenant_id=tenant, window_id=window) for tenant, window in windows])


async def advance_window(database: Database, *, tenant_id: UUID, window_id: UUID) -> int:
    """Take this window's steps until none is due, or another process is at it. Returns how many were taken."""
    for taken in range(MAX_STEPS):
        async with database.app_transaction() as conn:
            window = await maintenance_advance.claim_window(conn, tenant_id=tenant_id, window_id=window_id)
            if window is None or not await _step(conn, window, now=await maintenance_advance.clock(conn)):
                return taken
    return MAX_STEPS


async def _step(conn: Connection, window: WindowRow, *, now: datetime) -> bool:
    """Whether there was something to do."""
    if window.current_ends_at is None:
        return await _start(conn, window, now=now)
    if await _cover(conn, window, now=now) or await _uncover(conn, window, now=now):
        return True
    if window.covered_at is None:
        await maintenance_advance.set_covered(conn, window, at=now)
        return True
    if window.current_ends_at <= now:
        await _end(conn, window, now=now)
        return True
    return False


async def _start(conn: Connection, window: WindowRow, *, now: datetime) -> bool:
    held = planned_next(window)
    if held is None or held.starts_at > now:
        return False
    begins, ends = held.starts_at, held.ends_at
    following = _following(window, held)
    await maintenance_advance.start(conn, window, starts_at=begins, ends_at=ends, following=following)
    await _tell(conn, window, "maintenance.started", starts_at=begins, ends_at=ends, now=now)
    return True


def _following(window: WindowRow, held: Occurrence) -> tuple[datetime | None, datetime | None]:
    if window.duration_s is None:
        return None, None
    following = next_occurrence(schedule_of(window), not_before=held.ends_at)
    return (None, None) if following is None else (following.starts_at, following.ends_at)


async def _cover(conn: Connection, window: WindowRow, *, now: datetime) -> bool:
    joiners = await maintenance_advance.joiners(conn, window, now=now, limit=BATCH)
    if not joiners:
        return False
    ids = [one.id for one in joiners]
    await lock_to_judge(conn, ids)
    starts = [(one.id, _covered_since(window, one, now=now)) for one in joiners]
    await maintenance_advance.cover(conn, window, starts, now=now)
    await judge_monitors(conn, ids)
    return True


def _covered_since(window: WindowRow, joiner: Joiner, *, now: datetime) -> datetime:
    """From the start on for whom it named then; whoever came later is covered since they came."""
    assert window.current_starts_at is not None
    if window.covered_at is None or (joiner.untouched and joiner.created_at >= window.current_starts_at):
        return max(window.current_starts_at, joiner.created_at)
    return now


async def _uncover(conn: Connection, window: WindowRow, *, now: datetime) -> bool:
    leavers = await maintenance_advance.leavers(conn, window, now=now, limit=BATCH)
    if not leavers:
        return False
    assert window.current_ends_at is not None
    await lock_to_judge(conn, leavers)
    await maintenance_advance.uncover(conn, window, leavers, at=min(now, window.current_ends_at))
    await judge_monitors(conn, leavers)
    return True


async def _end(conn: Connection, window: WindowRow, *, now: datetime) -> None:
    """Those beyond the first few hundred are judged by the sweep."""
    assert window.current_starts_at is not None
    assert window.current_ends_at is not None
    await judge_monitors(conn, (await maintenance_advance.held_monitors(conn, window))[:BATCH])
    await maintenance_advance.end(conn, window)
    await _tell(
        conn,
        window,
        "maintenance.ended",
        starts_at=window.current_starts_at,
        ends_at=window.current_ends_at,
        now=now,
    )
    if window.deleted_at is not None:
        await delete_window(conn, tenant_id=window.tenant_id, window_id=window.id)


async def _tell(
    conn: Connection, window: WindowRow, event: str, *, starts_at: datetime, ends_at: datetime, now: datetime
) -> None:
    """The tenant's counters are locked last, as whoever judges does."""
    told = {
        "window": {"id": str(window.id), "number": window.number, "title": window.title, "public": window.public},
        "starts_at": starts_at,
        "ends_at": ends_at,
    }
    data = orjson.dumps(told, option=orjson.OPT_UTC_Z).decode()
    taken = await decisions.take_numbers(conn, tenant_id=window.tenant_id, events=1, incidents=0, deliveries=0)
    await decisions.append_events(conn, [(window.tenant_id, taken.events, now, event, None, data)])
