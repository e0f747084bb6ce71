"""Rolling raw results up: counts, sums and histograms of each (monitor, region) per slice of time.

A slice is always made from all raw results of its time, so making it again gives the same row, and nothing depends on
how often or in which order. The numbers of buckets are those of control_plane/domain/uptime/latency_histogram.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Literal, get_args
from uuid import UUID

from msgspec import Struct

from control_plane.store.pool import Connection

FINE_MS = 300_000
HOUR_MS = 3_600_000

Grain = Literal["fine", "hourly"]
GRAIN_MS: dict[Grain, int] = {"fine": FINE_MS, "hourly": HOUR_MS}
WalkName = Literal["fine", "hourly", "check"]
WALKS: tuple[WalkName, ...] = get_args(WalkName)

Slice = tuple[UUID, int, int]
"""(monitor, region, start in Unix ms)."""

# A value's shift is how many of the powers from 128 on it has reached: whole numbers only, the same on every machine.
_SHIFT = f"width_bucket(r.total_us::bigint, '{{{','.join(str(1 << n) for n in range(7, 31))}}}'::bigint[])"
_BUCKET = f"{_SHIFT} * 64 + (r.total_us >> {_SHIFT})"
_SAMPLE = "FILTER (WHERE r.outcome < 2 AND r.total_us IS NOT NULL)"


def _sum(name: str) -> str:
    return f"coalesce(sum(r.{name}) {_SAMPLE}, 0)::bigint AS {name}"


LATENCY_PER_SLICE = f"""
    (count(*) {_SAMPLE})::int AS samples, {_sum("total_us")}, {_sum("dns_us")}, {_sum("connect_us")},
    {_sum("tls_us")}, {_sum("ttfb_us")}, {_sum("download_us")},
    coalesce(string_agg(int2send(({_BUCKET})::int2), ''::bytea ORDER BY r.total_us) {_SAMPLE}, '') AS histogram
"""
"""The latency that rows `r` of results come to: one slice, where they are grouped by slices."""

_PER_SLICE = f"""
    count(*) FILTER (WHERE r.outcome = 0)::int AS up, count(*) FILTER (WHERE r.outcome = 1)::int AS degraded,
    count(*) FILTER (WHERE r.outcome = 2)::int AS down, count(*) FILTER (WHERE r.outcome = 3)::int AS error,
    {LATENCY_PER_SLICE}
"""


class Walk(Struct, frozen=True):
    """Where a walk stands: everything before `done_until` is done, and up to `after` also before `reaching`."""

    done_until: int
    reaching: int | None
    after: tuple[int, UUID]


# The number is arbitrary and only used here.
FLEET_TRY_ROLLING = "SELECT pg_try_advisory_xact_lock(7346112203)"
FLEET_WAIT_TO_ROLL = "SELECT pg_advisory_xact_lock(7346112203)"


async def try_rolling(conn: Connection) -> bool:
    """Whether this transaction is the one that rolls up now: two would wait for each other's rows in a ring."""
    mine: bool = await conn.fetchval(FLEET_TRY_ROLLING)
    return mine


async def wait_to_roll(conn: Connection) -> None:
    """Wait until this transaction is the one that rolls up."""
    await conn.execute(FLEET_WAIT_TO_ROLL)


FLEET_BEGIN_WALKS = """
INSERT INTO rollup_walks (name, done_until) SELECT name, $2 FROM unnest($1::text[]) AS walk (name)
ON CONFLICT (name) DO NOTHING
"""


async def begin_walks(conn: Connection, *, since_ms: int) -> None:
    """Let every walk that has not begun yet begin at this hour (Unix ms)."""
    await conn.execute(FLEET_BEGIN_WALKS, list(WALKS), since_ms)


FLEET_WALKS_BEGUN = "SELECT count(*) FROM rollup_walks"


async def walks_begun(conn: Connection) -> bool:
    begun: int = await conn.fetchval(FLEET_WALKS_BEGUN)
    return begun >= len(WALKS)


FLEET_READ_WALK = """
SELECT done_until, reaching, after_region, after_monitor FROM rollup_walks WHERE name = $1
"""


async def read_walk(conn: Connection, name: WalkName) -> Walk:
    """Where the walk, which has begun, stands."""
    row = await conn.fetchrow(FLEET_READ_WALK, name)
    return Walk(row["done_until"], row["reaching"], (row["after_region"], row["after_monitor"]))


FLEET_SAVE_WALK = """
UPDATE rollup_walks SET done_until = $2, reaching = $3, after_region = $4, after_monitor = $5 WHERE name = $1
"""


async def save_walk(conn: Connection, name: WalkName, stands: Walk) -> None:
    await conn.execute(FLEET_SAVE_WALK, name, stands.done_until, stands.reaching, *stands.after)


FLEET_ASSIGNED_AFTER = """
SELECT region_id, monitor_id FROM assignments WHERE (region_id, monitor_id) > ($1, $2)
ORDER BY region_id, monitor_id LIMIT $3
"""


async def assigned_after(conn: Connection, after: tuple[int, UUID], *, limit: int) -> list[tuple[int, UUID]]:
    """The next (region, monitor) pairs that have, or lately had, an assignment."""
    rows = await conn.fetch(FLEET_ASSIGNED_AFTER, *after, limit)
    return [(row["region_id"], row["monitor_id"]) for row in rows]


def _roll(table: str) -> str:
    return f"""
INSERT INTO {table} AS kept (monitor_id, region_id, tenant_id, starts, up, degraded, down, error, samples,
    total_us, dns_us, connect_us, tls_us, ttfb_us, download_us, histogram)
SELECT r.monitor_id, r.region_id, r.tenant_id, r.slot - r.slot % $4 AS starts, {_PER_SLICE}
FROM unnest($1::uuid[], $2::int[], $3::bigint[], $5::bigint[]) AS wanted (monitor_id, region_id, since, until)
CROSS JOIN LATERAL (
    SELECT * FROM results
    WHERE results.monitor_id = wanted.monitor_id AND results.region_id = wanted.region_id
        AND results.slot >= wanted.since AND results.slot < wanted.until
        AND results.slot >= $6 AND results.slot < $7
    OFFSET 0
) r
GROUP BY 1, 2, 3, 4
ON CONFLICT (monitor_id, region_id, starts) DO UPDATE
SET up = excluded.up, degraded = excluded.degraded, down = excluded.down, error = excluded.error,
    samples = excluded.samples, total_us = excluded.total_us, dns_us = excluded.dns_us,
    connect_us = excluded.connect_us, tls_us = excluded.tls_us, ttfb_us = excluded.ttfb_us,
    download_us = excluded.download_us, histogram = excluded.histogram
"""


FLEET_ROLL_FINE = _roll("rollups_fine")
FLEET_ROLL_HOURLY = _roll("rollups_hourly")


async def roll(conn: Connection, grain: Grain, wanted: Sequence[tuple[UUID, int, int, int]]) -> int:
    """Make the slices of (monitor, region, from, until) from their raw results, in place of what is there.

    From and until (Unix ms) are on edges of slices. Returns how many slices there are now.
    """
    if not wanted:
        return 0
    statement = FLEET_ROLL_FINE if grain == "fine" else FLEET_ROLL_HOURLY
    monitors, regions, since, until = (list(column) for column in zip(*wanted, strict=True))
    bounds = min(since), max(until)  # of the whole statement, so that only partitions of those days are opened
    status: str = await conn.execute(statement, monitors, regions, since, GRAIN_MS[grain], until, *bounds)
    return int(status.rpartition(" ")[2])


LANE_MARK_LATE = """
INSERT INTO rollup_late (region_id, starts, monitor_ids)
SELECT $1, item.slot - item.slot % $4, array_agg(item.monitor_id)
FROM unnest($2::uuid[], $3::bigint[]) AS item (monitor_id, slot)
GROUP BY 2
"""


async def mark_late(conn: Connection, *, region_id: int, items: Sequence[tuple[UUID, int]]) -> None:
    """Results of these (monitor, slot) came after their slices may have been rolled up: roll them up again."""
    await conn.execute(LANE_MARK_LATE, region_id, [each[0] for each in items], [each[1] for each in items], FINE_MS)


FLEET_TAKE_LATE = """
DELETE FROM rollup_late WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM rollup_late WHERE at < clock_timestamp() - make_interval(secs => $1)
    LIMIT $2 FOR UPDATE SKIP LOCKED))
RETURNING region_id, starts, monitor_ids
"""


async def take_late(conn: Connection, *, settled_s: float, limit: int) -> list[tuple[int, int, list[UUID]]]:
    """Marks older than this, each once; they come back if the transaction does not commit."""
    rows = await conn.fetch(FLEET_TAKE_LATE, settled_s, limit)
    return [(row["region_id"], row["starts"], row["monitor_ids"]) for row in rows]


FLEET_DIFFERING_HOURS = """
SELECT wanted.monitor_id, wanted.region_id, hour.starts
FROM unnest($1::uuid[], $2::int[]) AS wanted (monitor_id, region_id)
CROSS JOIN generate_series($3::bigint, $4::bigint - 1, 3600000) AS hour (starts)
CROSS JOIN LATERAL (
    SELECT count(*) AS n FROM results
    WHERE results.monitor_id = wanted.monitor_id AND results.region_id = wanted.region_id
        AND results.slot >= hour.starts AND results.slot < hour.starts + 3600000
        AND results.slot >= $3 AND results.slot < $4
) raw
CROSS JOIN LATERAL (
    SELECT coalesce(sum(up + degraded + down + error), 0) AS n FROM rollups_fine
    WHERE rollups_fine.monitor_id = wanted.monitor_id AND rollups_fine.region_id = wanted.region_id
        AND rollups_fine.starts >= hour.starts AND rollups_fine.starts < hour.starts + 3600000
) fine
LEFT JOIN rollups_hourly hourly
    ON hourly.monitor_id = wanted.monitor_id AND hourly.region_id = wanted.region_id AND hourly.starts = hour.starts
WHERE raw.n > 0
    AND (raw.n <> fine.n OR raw.n <> coalesce(hourly.up + hourly.degraded + hourly.down + hourly.error, 0))
"""


async def differing_hours(
    conn: Connection, pairs: Sequence[tuple[int, UUID]], *, since_ms: int, until_ms: int
) -> list[Slice]:
    """The hours of these (region, monitor) pairs whose rollups do not count as many results as there are."""
    monitors, regions = [monitor for _, monitor in pairs], [region for region, _ in pairs]
    rows = await conn.fetch(FLEET_DIFFERING_HOURS, monitors, regions, since_ms, until_ms)
    return [(row["monitor_id"], row["region_id"], row["starts"]) for row in rows]


_AGE = "(extract(epoch FROM now() - $1::interval) * 1000)::bigint"
FLEET_FORGET_FINE = f"""
DELETE FROM rollups_fine WHERE ctid = ANY (ARRAY(SELECT ctid FROM rollups_fine WHERE starts < {_AGE} LIMIT $2))
"""
FLEET_FORGET_HOURLY = f"""
DELETE FROM rollups_hourly WHERE ctid = ANY (ARRAY(SELECT ctid FROM rollups_hourly WHERE starts < {_AGE} LIMIT $2))
"""


async def forget_fine(conn: Connection, *, older_than: timedelta, limit: int = 5_000) -> int:
    """Delete at most `limit` slices of five minutes of this age, and say how many."""
    status: str = await conn.execute(FLEET_FORGET_FINE, older_than, limit)
    return int(status.removeprefix("DELETE "))


async def forget_hourly(conn: Connection, *, older_than: timedelta, limit: int = 5_000) -> int:
    """The same of slices of an hour."""
    status: str = await conn.execute(FLEET_FORGET_HOURLY, older_than, limit)
    return int(status.removeprefix("DELETE "))
