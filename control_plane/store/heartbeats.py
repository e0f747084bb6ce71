"""Heartbeats at work: the pings of a group, the states that they leave, and what the engine asks of them.

A ping knows no tenant: the way from its URL to the monitor is a lane's. Everything else goes by (tenant, monitor).
State rows of heartbeats are only written under the monitor's state row (store/cases.lock_states).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

import msgspec
from msgspec import Struct

from control_plane.domain.checks.heartbeat_check import HeartbeatCheck
from control_plane.domain.heartbeats.heartbeat import Heartbeat, Run, sole_vote
from control_plane.domain.heartbeats.ping_door import ALWAYS_OPEN, PingDoor
from control_plane.domain.judging.sole_vote import SoleVote
from control_plane.store import ping_door
from control_plane.store.pool import Connection
from shared.clock import from_unix_ms, to_unix_ms

Row = tuple[Any, ...]


class Owned(Protocol):
    """A row that says whose it is: a locked state."""

    @property
    def tenant_id(self) -> UUID: ...
    @property
    def monitor_id(self) -> UUID: ...


class HeartbeatRow(Struct, frozen=True, kw_only=True):
    """A heartbeat with the configuration that its deadlines follow."""

    tenant_id: UUID
    monitor_id: UUID
    check: HeartbeatCheck
    enabled: bool
    state: Heartbeat


LANE_FIND_PINGED = """
SELECT wanted.ping_id, h.monitor_id
FROM unnest($1::uuid[]) AS wanted (ping_id) JOIN heartbeats h ON h.ping_id = wanted.ping_id
UNION ALL
SELECT wanted.ping_id, h.monitor_id
FROM unnest($1::uuid[]) AS wanted (ping_id) JOIN heartbeats h ON h.previous_id = wanted.ping_id
WHERE h.previous_until > clock_timestamp()
"""


async def find_pinged(conn: Connection, ping_ids: Sequence[UUID]) -> dict[UUID, UUID]:
    """The monitor of each ping id that is known, now or until its rotation ends."""
    rows = await conn.fetch(LANE_FIND_PINGED, ping_ids)
    return {row["ping_id"]: row["monitor_id"] for row in rows}


READ_HEARTBEATS = """
SELECT h.tenant_id, h.monitor_id, m."check", m.enabled, h.phase, h.since, h.counted_from, h.due_at, h.due_run,
       h.open_runs, h.pings, h.last_ping_at, h.last_kind, h.first_bad_at, h.reason, h.message
FROM unnest($1::uuid[], $2::uuid[]) AS wanted (tenant_id, monitor_id)
JOIN heartbeats h ON h.tenant_id = wanted.tenant_id AND h.monitor_id = wanted.monitor_id
JOIN monitors m ON m.tenant_id = h.tenant_id AND m.id = h.monitor_id
"""


async def read_heartbeats(conn: Connection, owned: Sequence[Owned]) -> dict[UUID, HeartbeatRow]:
    """The heartbeats of these monitors, by monitor. Others, and those that this version cannot read, are absent."""
    rows = await conn.fetch(READ_HEARTBEATS, [one.tenant_id for one in owned], [one.monitor_id for one in owned])
    found = (_heartbeat_row(row) for row in rows)
    return {row.monitor_id: row for row in found if row is not None}


def _heartbeat_row(row: Any) -> HeartbeatRow | None:
    try:
        check = msgspec.convert(row["check"], HeartbeatCheck)
    except msgspec.ValidationError:
        return None
    return HeartbeatRow(
        tenant_id=row["tenant_id"],
        monitor_id=row["monitor_id"],
        check=check,
        enabled=row["enabled"],
        state=_state(row),
    )


def _state(row: Any) -> Heartbeat:
    return Heartbeat(
        phase=row["phase"],
        since_ms=to_unix_ms(row["since"]),
        counted_from_ms=_ms(row["counted_from"]),
        due_ms=_ms(row["due_at"]),
        due_run=row["due_run"],
        runs=tuple(Run(number, at_ms, rid and UUID(rid)) for number, at_ms, rid in row["open_runs"]),
        pings=row["pings"],
        last_ping_ms=_ms(row["last_ping_at"]),
        last_kind=row["last_kind"],
        first_bad_ms=_ms(row["first_bad_at"]),
        reason=row["reason"],
        message=row["message"],
    )


SAVE_HEARTBEAT = """
UPDATE heartbeats
SET phase = $3, since = $4, counted_from = $5, due_at = $6, due_run = $7, open_runs = $8, pings = $9,
    last_ping_at = $10, last_kind = $11, first_bad_at = $12, reason = $13, message = $14
WHERE tenant_id = $1 AND monitor_id = $2
"""


async def save_heartbeats(conn: Connection, rows: Sequence[HeartbeatRow]) -> None:
    """Write the states. The caller holds the monitors' state rows."""
    await conn.executemany(SAVE_HEARTBEAT, [_saved(row) for row in rows])


def _saved(row: HeartbeatRow) -> Row:
    state = row.state
    return (
        row.tenant_id,
        row.monitor_id,
        state.phase,
        from_unix_ms(state.since_ms),
        _at(state.counted_from_ms),
        _at(state.due_ms),
        state.due_run,
        [(run.number, run.started_ms, run.rid and str(run.rid)) for run in state.runs],
        state.pings,
        _at(state.last_ping_ms),
        state.last_kind,
        _at(state.first_bad_ms),
        state.reason,
        state.message,
    )


APPEND_PINGS = """
INSERT INTO heartbeat_pings (tenant_id, monitor_id, number, at, kind, exit_code, rid, method, source, user_agent, body,
    cut)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::timestamptz[], $5::text[], $6::smallint[], $7::uuid[],
    $8::text[], $9::text[], $10::text[], $11::bytea[], $12::boolean[])
"""


async def append_pings(conn: Connection, rows: Sequence[Row]) -> None:
    """Tuples in the order of the statement's columns."""
    await conn.execute(APPEND_PINGS, *zip(*rows, strict=True))


BEGIN_RUN = """
INSERT INTO heartbeat_runs (tenant_id, monitor_id, number, rid, started_at) VALUES ($1, $2, $3, $4, $5)
"""
END_RUN = """
UPDATE heartbeat_runs SET outcome = $4, finished_at = $5, duration_ms = $6, exit_code = $7
WHERE tenant_id = $1 AND monitor_id = $2 AND number = $3
"""


async def begin_runs(conn: Connection, rows: Sequence[Row]) -> None:
    """Tuples in the order of the statement's parameters."""
    await conn.executemany(BEGIN_RUN, rows)


async def end_runs(conn: Connection, rows: Sequence[Row]) -> None:
    """Tuples in the order of the statement's parameters; a run that began in the same group is there already."""
    await conn.executemany(END_RUN, rows)


# The engine may have an earlier instant of its own there: that stays, and it looks once more than it need.
MOVE_DUE = """
UPDATE monitor_states s
SET due_at = CASE WHEN s.due_at IS NOT DISTINCT FROM moved.was THEN moved.due_at ELSE least(s.due_at, moved.due_at) END
FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::timestamptz[]) AS moved (tenant_id, monitor_id, was, due_at)
WHERE s.tenant_id = moved.tenant_id AND s.monitor_id = moved.monitor_id
"""


async def move_due(conn: Connection, rows: Sequence[tuple[HeartbeatRow, HeartbeatRow]]) -> None:
    """Have the engine look when these are due now, and no more when they were before. Pairs (before, after)."""
    await conn.execute(
        MOVE_DUE,
        [after.tenant_id for _, after in rows],
        [after.monitor_id for _, after in rows],
        [_at(before.state.due_ms) for before, _ in rows],
        [_at(after.state.due_ms) for _, after in rows],
    )


async def sole_votes(conn: Connection, states: Sequence[Owned], now_ms: int) -> dict[UUID, SoleVote]:
    """What the pings of each heartbeat among these monitors say at this Unix ms. A paused one has no vote."""
    found = {monitor_id: row for monitor_id, row in (await read_heartbeats(conn, states)).items() if row.enabled}
    door = await door_for(conn, list(found.values()), now_ms=now_ms)
    return {monitor_id: sole_vote(row.state, row.check, now_ms=now_ms, door=door) for monitor_id, row in found.items()}


async def door_for(conn: Connection, rows: Sequence[HeartbeatRow], *, now_ms: int) -> PingDoor:
    """The door that the deadlines of these are judged by. It is not looked at while none has passed."""
    if not any(row.state.due_ms is not None and row.state.due_ms <= now_ms for row in rows):
        return ALWAYS_OPEN
    return await ping_door.read_door(conn, now_ms=now_ms)


_TOUCHED = """
    m.enabled AND h.phase <> 'down' AND h.due_at <= $1 AND EXISTS (
        SELECT FROM unnest($2::timestamptz[], $3::timestamptz[]) AS closure (from_at, until_at)
        WHERE closure.from_at < h.due_at
          AND closure.until_at > least(h.counted_from, to_timestamp((h.open_runs->0->>1)::bigint / 1000.0)))
"""

# What a closure may excuse is worked out row by row: those are few.
LANE_STALE_HEARTBEATS = f"""
WITH now AS (
    SELECT h.tenant_id, h.monitor_id, m.enabled::integer AS assigned,
           m.enabled AND (h.phase = 'down' OR coalesce(h.due_at <= $1, false)) AS down,
           m.enabled AND h.phase = 'up' AND NOT coalesce(h.due_at <= $1, false) AS up
    FROM heartbeats h JOIN monitors m ON m.tenant_id = h.tenant_id AND m.id = h.monitor_id
    WHERE NOT coalesce({_TOUCHED}, false)
)
SELECT s.monitor_id
FROM now JOIN monitor_states s ON s.tenant_id = now.tenant_id AND s.monitor_id = now.monitor_id
WHERE s.sole
  AND (s.assigned, s.fresh_up, s.fresh_down) IS DISTINCT FROM (now.assigned, now.up::integer, now.down::integer)
ORDER BY s.monitor_id
LIMIT $4
"""
LANE_TOUCHED_HEARTBEATS = f"""
SELECT s.tenant_id, s.monitor_id, s.fresh_up, s.fresh_down
FROM heartbeats h JOIN monitors m ON m.tenant_id = h.tenant_id AND m.id = h.monitor_id
JOIN monitor_states s ON s.tenant_id = h.tenant_id AND s.monitor_id = h.monitor_id
WHERE {_TOUCHED}
ORDER BY s.monitor_id
"""


class _Touched(Struct, frozen=True):
    tenant_id: UUID
    monitor_id: UUID
    fresh_up: int
    fresh_down: int


async def stale(conn: Connection, now_ms: int, limit: int) -> list[UUID]:
    """Heartbeats whose vote is no longer that of their last judgement."""
    door = await ping_door.read_door(conn, now_ms=now_ms)
    known = (
        from_unix_ms(door.judged_at(now_ms)),
        [from_unix_ms(closure.from_ms) for closure in door.closures],
        [from_unix_ms(closure.until_ms) for closure in door.closures],
    )
    found = [row["monitor_id"] for row in await conn.fetch(LANE_STALE_HEARTBEATS, *known, limit)]
    if door.closures:
        touched = [_Touched(**row) for row in await conn.fetch(LANE_TOUCHED_HEARTBEATS, *known)]
        found += await _turned(conn, touched, door, now_ms=now_ms)
    return found[:limit]


async def _turned(conn: Connection, touched: Sequence[_Touched], door: PingDoor, *, now_ms: int) -> list[UUID]:
    rows = await read_heartbeats(conn, touched)
    turned = []
    for one in touched:
        if (row := rows.get(one.monitor_id)) is not None:
            say = sole_vote(row.state, row.check, now_ms=now_ms, door=door).say
            if (one.fresh_up, one.fresh_down) != (say == "up", say == "down"):
                turned.append(one.monitor_id)
    return turned


def _ms(at: datetime | None) -> int | None:
    return None if at is None else to_unix_ms(at)


def _at(at_ms: int | None) -> datetime | None:
    return None if at_ms is None else from_unix_ms(at_ms)
