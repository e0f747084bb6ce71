"""Bringing maintenance windows up to the clock: what is due, whom it covers, and the periods that say so.

Jobs go through the windows of all tenants; each statement joins through tenant_id.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from control_plane.store.maintenance import WINDOW_COLUMNS, WindowRow
from control_plane.store.pool import Connection

_MATCHES = "(w.covers_all OR m.id = ANY(w.monitors) OR m.tags && w.tags)"
_COVERED = """EXISTS (SELECT FROM monitor_periods p WHERE p.tenant_id = w.tenant_id AND p.monitor_id = m.id
        AND p.kind = 'maintenance' AND p.window_id = w.id AND p.starts_at >= w.current_starts_at
        AND p.ends_at = w.current_ends_at)"""

# What the clock brings, and monitors that were changed of late: asked every second, however much a window covers.
FLEET_DUE = f"""
WITH changed AS MATERIALIZED (
    SELECT tenant_id, id, tags FROM monitors WHERE updated_at > clock_timestamp() - interval '30 seconds'
)
SELECT w.tenant_id, w.id FROM maintenance_windows w
WHERE (w.current_starts_at IS NULL AND w.next_starts_at <= clock_timestamp())
   OR (w.current_starts_at IS NOT NULL AND (w.covered_at IS NULL OR w.current_ends_at <= clock_timestamp()))
   OR (w.current_starts_at IS NOT NULL
       AND EXISTS (SELECT FROM changed m WHERE m.tenant_id = w.tenant_id AND {_MATCHES} IS DISTINCT FROM {_COVERED}))
ORDER BY w.tenant_id, w.id
LIMIT $1
"""
# Who is covered and should not be, and the other way round, of all monitors: half a second where they are 100 000.
FLEET_ASTRAY = f"""
SELECT w.tenant_id, w.id FROM maintenance_windows w
WHERE w.current_starts_at IS NOT NULL AND (
    EXISTS (SELECT FROM monitors m WHERE m.tenant_id = w.tenant_id AND {_MATCHES} AND NOT {_COVERED})
    OR EXISTS (SELECT FROM monitor_periods p JOIN monitors m ON m.tenant_id = p.tenant_id AND m.id = p.monitor_id
               WHERE p.tenant_id = w.tenant_id AND p.window_id = w.id AND p.starts_at >= w.current_starts_at
                 AND (p.ends_at > w.current_ends_at OR (p.ends_at = w.current_ends_at AND NOT {_MATCHES}))))
ORDER BY w.tenant_id, w.id
LIMIT $1
"""


async def due_windows(conn: Connection, *, limit: int) -> list[tuple[UUID, UUID]]:
    """(tenant, window) of windows that have something to start or to end, or whose monitors change. Locks nothing."""
    return [(row["tenant_id"], row["id"]) for row in await conn.fetch(FLEET_DUE, limit)]


async def windows_astray(conn: Connection, *, limit: int) -> list[tuple[UUID, UUID]]:
    """(tenant, window) of windows that cover others than they name. Locks nothing."""
    return [(row["tenant_id"], row["id"]) for row in await conn.fetch(FLEET_ASTRAY, limit)]


CLAIM = f"SELECT {WINDOW_COLUMNS} FROM maintenance_windows WHERE tenant_id = $1 AND id = $2 FOR UPDATE SKIP LOCKED"
NOW = "SELECT clock_timestamp()"


async def claim_window(conn: Connection, *, tenant_id: UUID, window_id: UUID) -> WindowRow | None:
    """The window, held until commit; None when it is gone, or another process is at it."""
    row = await conn.fetchrow(CLAIM, tenant_id, window_id)
    return row and WindowRow(**row)


async def clock(conn: Connection) -> datetime:
    """The database's clock now, which every instant here is compared with."""
    now: datetime = await conn.fetchval(NOW)
    return now


START = """
WITH held AS (
    INSERT INTO maintenance_occurrences (tenant_id, window_id, starts_at, ends_at) VALUES ($1, $2, $3, $4)
    ON CONFLICT DO NOTHING
)
UPDATE maintenance_windows
SET current_starts_at = $3, current_ends_at = $4, covered_at = NULL, next_starts_at = $5, next_ends_at = $6
WHERE tenant_id = $1 AND id = $2
"""


async def start(
    conn: Connection,
    window: WindowRow,
    *,
    starts_at: datetime,
    ends_at: datetime,
    following: tuple[datetime | None, datetime | None],
) -> None:
    """What was next holds now, and `following` is next."""
    await conn.execute(START, window.tenant_id, window.id, starts_at, ends_at, *following)


END = """
WITH held AS (
    UPDATE maintenance_occurrences o SET ends_at = w.current_ends_at
    FROM maintenance_windows w
    WHERE w.tenant_id = $1 AND w.id = $2 AND o.tenant_id = w.tenant_id AND o.window_id = w.id
      AND o.starts_at = w.current_starts_at
)
UPDATE maintenance_windows
SET current_starts_at = NULL, current_ends_at = NULL, covered_at = NULL,
    ended_at = CASE WHEN next_starts_at IS NULL THEN current_ends_at END
WHERE tenant_id = $1 AND id = $2
"""


async def end(conn: Connection, window: WindowRow) -> None:
    """What held is over."""
    await conn.execute(END, window.tenant_id, window.id)


SET_COVERED = "UPDATE maintenance_windows SET covered_at = $3 WHERE tenant_id = $1 AND id = $2"


async def set_covered(conn: Connection, window: WindowRow, *, at: datetime) -> None:
    """Every monitor that it names is covered: whoever comes now comes later."""
    await conn.execute(SET_COVERED, window.tenant_id, window.id, at)


class Joiner(Struct, frozen=True):
    """A monitor that the window names and does not cover yet."""

    id: UUID
    created_at: datetime
    untouched: bool
    """It is as it was created, so that it has been named since then."""


# After the end only the first round still covers anybody: it makes up for an outage of ours.
JOINERS = f"""
SELECT m.id, m.created_at, m.revision = 1 AS untouched
FROM maintenance_windows w JOIN monitors m ON m.tenant_id = w.tenant_id AND {_MATCHES}
WHERE w.tenant_id = $1 AND w.id = $2 AND m.created_at < w.current_ends_at
  AND (w.covered_at IS NULL OR w.current_ends_at > $3) AND NOT {_COVERED}
ORDER BY m.id LIMIT $4
"""


async def joiners(conn: Connection, window: WindowRow, *, now: datetime, limit: int) -> list[Joiner]:
    """Monitors to be covered, in ascending id."""
    rows = await conn.fetch(JOINERS, window.tenant_id, window.id, now, limit)
    return [Joiner(**row) for row in rows]


LEAVERS = f"""
SELECT DISTINCT p.monitor_id
FROM maintenance_windows w
JOIN monitor_periods p ON p.tenant_id = w.tenant_id AND p.window_id = w.id AND p.starts_at >= w.current_starts_at
JOIN monitors m ON m.tenant_id = p.tenant_id AND m.id = p.monitor_id
WHERE w.tenant_id = $1 AND w.id = $2
  AND (p.ends_at > w.current_ends_at OR (p.ends_at = w.current_ends_at AND w.current_ends_at > $3 AND NOT {_MATCHES}))
ORDER BY p.monitor_id LIMIT $4
"""


async def leavers(conn: Connection, window: WindowRow, *, now: datetime, limit: int) -> list[UUID]:
    """Covered monitors that the window names no longer, or that it covers for longer than it holds."""
    rows = await conn.fetch(LEAVERS, window.tenant_id, window.id, now, limit)
    return [row["monitor_id"] for row in rows]


EXTEND = """
UPDATE monitor_periods SET ends_at = $4
WHERE tenant_id = $1 AND window_id = $2 AND monitor_id = ANY($3::uuid[]) AND kind = 'maintenance'
  AND starts_at >= $5 AND ends_at > $6
RETURNING monitor_id
"""
COVER = """
INSERT INTO monitor_periods (tenant_id, monitor_id, kind, starts_at, ends_at, window_id, title)
SELECT $1, new.monitor_id, 'maintenance', new.starts_at, $3, $2, $4
FROM unnest($5::uuid[], $6::timestamptz[]) AS new (monitor_id, starts_at)
JOIN monitors m ON m.tenant_id = $1 AND m.id = new.monitor_id
ON CONFLICT (tenant_id, monitor_id, kind, window_id, starts_at) DO UPDATE SET ends_at = excluded.ends_at
"""


async def cover(conn: Connection, window: WindowRow, starts: Sequence[tuple[UUID, datetime]], *, now: datetime) -> None:
    """Cover these monitors from these instants to the end; who is covered now stays so, with the end moved."""
    ids = [monitor_id for monitor_id, _ in starts]
    end_at, begun = window.current_ends_at, window.current_starts_at
    kept = await conn.fetch(EXTEND, window.tenant_id, window.id, ids, end_at, begun, now)
    known = {row["monitor_id"] for row in kept}
    new = [one for one in starts if one[0] not in known]
    if new:
        monitors, since = zip(*new, strict=True)
        await conn.execute(COVER, window.tenant_id, window.id, end_at, window.title, list(monitors), list(since))


UNCOVER = """
UPDATE monitor_periods SET ends_at = greatest(starts_at, $4)
WHERE tenant_id = $1 AND window_id = $2 AND monitor_id = ANY($3::uuid[]) AND kind = 'maintenance' AND ends_at > $4
"""


async def uncover(conn: Connection, window: WindowRow, monitor_ids: Sequence[UUID], *, at: datetime) -> None:
    """End the cover of these monitors at this instant."""
    await conn.execute(UNCOVER, window.tenant_id, window.id, list(monitor_ids), at)


HELD = """
SELECT DISTINCT p.monitor_id FROM monitor_periods p
JOIN monitor_states s ON s.tenant_id = p.tenant_id AND s.monitor_id = p.monitor_id AND s.held_since IS NOT NULL
WHERE p.tenant_id = $1 AND p.window_id = $2 AND p.starts_at >= $3 AND p.kind = 'maintenance'
ORDER BY p.monitor_id
"""


async def held_monitors(conn: Connection, window: WindowRow) -> list[UUID]:
    """The monitors that this window has covered and that are still held, in ascending id."""
    rows = await conn.fetch(HELD, window.tenant_id, window.id, window.current_starts_at)
    return [row["monitor_id"] for row in rows]
