"""When the door of pings was open, as its processes have marked it. No row is a tenant's."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from control_plane.domain.heartbeats.ping_door import UNSEEN_MS, Closure, PingDoor, as_noted
from control_plane.store.pool import Connection
from shared.clock import from_unix_ms, to_unix_ms

_UNSEEN = timedelta(milliseconds=UNSEEN_MS)

# A spell that was not marked for too long is not gone on with: what was between would count as open.
LANE_MARK = """
INSERT INTO ping_door_spells AS s (id) VALUES ($1)
ON CONFLICT (id) DO UPDATE SET seen_at = greatest(s.seen_at, clock_timestamp())
WHERE s.seen_at > clock_timestamp() - $2::interval
RETURNING opened_at
"""


async def mark(conn: Connection, *, spell_id: UUID) -> datetime | None:
    """Note that the door is open, from the first mark of this spell to now; returns when that was.

    None: the spell has been broken off and another one has to be begun.
    """
    opened_at: datetime | None = await conn.fetchval(LANE_MARK, spell_id, _UNSEEN)
    return opened_at


LANE_REFUSE = "INSERT INTO ping_door_refusals (from_at, until_at, pings) VALUES ($1, $2, $3)"


async def note_refusals(conn: Connection, refused: Closure, *, pings: int) -> None:
    """Note that so many pings were turned away in this time."""
    await conn.execute(LANE_REFUSE, from_unix_ms(refused.from_ms), from_unix_ms(refused.until_ms), pings)


class _Rows(Struct, frozen=True):
    gaps: list[Closure]
    refusals: list[Closure]


# Everything comes from one snapshot: a mark that is newer than the closures read would show the door as open.
LANE_READ_PING_DOOR = """
WITH open AS (
    SELECT range_agg(tstzrange(opened_at, seen_at, '[]')) AS spells, min(opened_at) AS first, max(seen_at) AS seen
    FROM ping_door_spells
), closed AS (
    SELECT unnest(tstzmultirange(tstzrange(first, seen)) - spells) AS gap, NULL::bigint AS refusal FROM open
    UNION ALL
    SELECT tstzrange(from_at, until_at, '[]'), id FROM ping_door_refusals
)
SELECT open.seen, lower(closed.gap) AS from_at, upper(closed.gap) AS until_at, closed.refusal IS NOT NULL AS refused
FROM open LEFT JOIN closed ON true
"""


async def read_door(conn: Connection, *, now_ms: int) -> PingDoor:
    """What is known of the door at this Unix ms. Without any mark it counts as always open."""
    rows = await conn.fetch(LANE_READ_PING_DOOR)
    found = _Rows([], [])
    for row in rows:
        if row["from_at"] is not None:
            closure = Closure(to_unix_ms(row["from_at"]), to_unix_ms(row["until_at"]))
            (found.refusals if row["refused"] else found.gaps).append(closure)
    seen = rows[0]["seen"]
    return as_noted(
        found.gaps, refusals=found.refusals, seen_ms=None if seen is None else to_unix_ms(seen), now_ms=now_ms
    )


LANE_CLOSED_BEFORE = """
SELECT max(seen_at) FROM ping_door_spells
WHERE opened_at < $1 AND NOT EXISTS (SELECT FROM ping_door_spells WHERE opened_at < $1 AND seen_at >= $1)
"""


async def closed_since(conn: Connection, *, opened_at: datetime) -> datetime | None:
    """Since when the door was closed when it was opened at this instant; None where another process held it open."""
    since: datetime | None = await conn.fetchval(LANE_CLOSED_BEFORE, opened_at)
    return since
