"""Reading latency and counts of results: from rollups, and from raw results where there are none.

Region by region, because the keys are (monitor, region, time): each reads its part of the index and nothing else.
OFFSET 0 keeps the planner from reading all regions' rows and joining them afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from uuid import UUID

from msgspec import Struct

from control_plane.domain.uptime.time_slices import Part, Source
from control_plane.store.pool import Connection
from control_plane.store.rollups import LATENCY_PER_SLICE


class SliceRow(Struct, frozen=True):
    """What one source says of one region in slice number `n`. Sums in microseconds; see sql/migrations/0009."""

    region: str
    n: int
    samples: int
    total_us: int
    dns_us: int
    connect_us: int
    tls_us: int
    ttfb_us: int
    download_us: int
    histogram: bytes


class CountRow(Struct, frozen=True):
    """Results of one region by outcome."""

    region: str
    up: int
    degraded: int
    down: int
    error: int


class Progress(Struct, frozen=True):
    """What a read of one monitor's results needs to know. Unix ms: how far results are rolled up."""

    fine_until: int
    hourly_until: int


ROLLUP_PROGRESS = """
SELECT coalesce(max(done_until) FILTER (WHERE name = 'fine'), 0) AS fine_until,
    coalesce(max(done_until) FILTER (WHERE name = 'hourly'), 0) AS hourly_until
FROM rollup_walks
WHERE EXISTS (SELECT FROM monitors WHERE tenant_id = $1 AND id = $2)
HAVING EXISTS (SELECT FROM monitors WHERE tenant_id = $1 AND id = $2)
"""


async def rollup_progress(conn: Connection, *, tenant_id: UUID, monitor_id: UUID) -> Progress | None:
    """How far results are rolled up; None when this tenant has no such monitor."""
    row = await conn.fetchrow(ROLLUP_PROGRESS, tenant_id, monitor_id)
    return None if row is None else Progress(row["fine_until"], row["hourly_until"])


_SUMS = ("total_us", "dns_us", "connect_us", "tls_us", "ttfb_us", "download_us")
_OUTCOMES = ("up", "degraded", "down", "error")
_ROLLED_LATENCY = f"""sum(r.samples)::int AS samples, {", ".join(f"sum(r.{name})::bigint AS {name}" for name in _SUMS)},
    string_agg(r.histogram, ''::bytea) AS histogram"""
_ROLLED_COUNTS = ", ".join(f"sum(r.{name})::bigint AS {name}" for name in _OUTCOMES)
_RAW_COUNTS = ", ".join(f"count(*) FILTER (WHERE r.outcome = {n}) AS {name}" for n, name in enumerate(_OUTCOMES))


class _Rows(Struct, frozen=True):
    """Where a source has its rows, by which column of time, and what they come to."""

    table: str
    at: str
    latency: str
    counts: str


_ROWS: Mapping[Source, _Rows] = {
    "hourly": _Rows("rollups_hourly", "starts", _ROLLED_LATENCY, _ROLLED_COUNTS),
    "fine": _Rows("rollups_fine", "starts", _ROLLED_LATENCY, _ROLLED_COUNTS),
    "raw": _Rows("results", "slot", LATENCY_PER_SLICE, _RAW_COUNTS),
}


def _part(rows: _Rows, selected: str, grouped: str, bounds: int) -> str:
    """One part of the time from one source; its bounds are the parameters of this number and the next."""
    return f"""
SELECT g.slug AS region, {selected}
FROM regions g CROSS JOIN LATERAL (
    SELECT * FROM {rows.table} t
    WHERE t.tenant_id = $1 AND t.monitor_id = $2 AND t.region_id = g.id AND t.{rows.at} >= ${bounds}
        AND t.{rows.at} < ${bounds + 1}
    OFFSET 0
) r
WHERE ($3::text IS NULL OR g.slug = $3)
GROUP BY {grouped}
"""


@cache
def _slices(sources: Sequence[Source]) -> str:
    parts = []
    for n, source in enumerate(sources):
        rows = _ROWS[source]
        selected = f"((r.{rows.at} - $4) / $5)::int AS n, {rows.latency}"
        parts.append(_part(rows, selected, "g.id, 2", 6 + 2 * n))
    return "UNION ALL".join(parts)


@cache
def _counts(sources: Sequence[Source]) -> str:
    parts = [_part(_ROWS[source], _ROWS[source].counts, "g.id", 4 + 2 * n) for n, source in enumerate(sources)]
    return "UNION ALL".join(parts)


# All parts in one statement: which ones there are follows from the range (time_slices.parts), in a few shapes.
SLICES = _slices(("raw", "fine", "hourly", "fine", "raw"))
COUNTS = _counts(("raw", "fine", "hourly", "fine", "raw"))


async def slices(
    conn: Connection,
    parts: Sequence[Part],
    *,
    tenant_id: UUID,
    monitor_id: UUID,
    region: str | None,
    origin_ms: int,
    width_ms: int,
) -> list[SliceRow]:
    """These parts of a monitor's time in slices counted from `origin_ms`, of one region or of each: parts apart.

    A row of a rollup is put where it starts. Slices without results have no row.
    """
    if not parts:
        return []
    statement = _slices(tuple(part.source for part in parts))
    bounds = [bound for part in parts for bound in (part.start_ms, part.end_ms)]
    rows = await conn.fetch(statement, tenant_id, monitor_id, region, origin_ms, width_ms, *bounds)
    return [SliceRow(*row) for row in rows]


async def counts(
    conn: Connection, parts: Sequence[Part], *, tenant_id: UUID, monitor_id: UUID, region: str | None
) -> list[CountRow]:
    """Results of these parts by region and outcome, parts apart."""
    if not parts:
        return []
    statement = _counts(tuple(part.source for part in parts))
    bounds = [bound for part in parts for bound in (part.start_ms, part.end_ms)]
    rows = await conn.fetch(statement, tenant_id, monitor_id, region, *bounds)
    return [CountRow(*row) for row in rows]


MONTH_HISTOGRAMS = """
SELECT asked.id AS monitor_id, string_agg(r.histogram, ''::bytea) AS histogram
FROM unnest($2::uuid[]) AS asked (id)
CROSS JOIN regions g
JOIN rollups_hourly r ON r.monitor_id = asked.id AND r.region_id = g.id
WHERE r.tenant_id = $1 AND r.starts >= $3 AND r.starts < $4
GROUP BY asked.id
"""


async def month_histograms(
    conn: Connection, *, tenant_id: UUID, monitor_ids: Sequence[UUID], start_ms: int, end_ms: int
) -> dict[UUID, bytes]:
    """Each monitor's latency over all regions, from the hours that start in [start, end)."""
    rows = await conn.fetch(MONTH_HISTOGRAMS, tenant_id, list(monitor_ids), start_ms, end_ms)
    return {row["monitor_id"]: row["histogram"] for row in rows}


_DONE = "(SELECT coalesce(max(done_until), 0) FROM rollup_walks WHERE name = 'hourly')"

# Whole hours from the coarser rollups; from the finer ones what lies before the first of them ($4), and what they have
# not come to yet. Put together monitor by
# monitor: in one grouping over all of them, megabytes would be sorted first, and on disk.
DAY_HISTOGRAMS = f"""
SELECT asked.id, (
    SELECT string_agg(r.histogram, ''::bytea)
    FROM regions g CROSS JOIN LATERAL (
        (SELECT h.histogram FROM rollups_hourly h
         WHERE h.tenant_id = $1 AND h.monitor_id = asked.id AND h.region_id = g.id AND h.starts >= $4
             AND h.starts < {_DONE}
         OFFSET 0)
        UNION ALL
        (SELECT f.histogram FROM rollups_fine f
         WHERE f.tenant_id = $1 AND f.monitor_id = asked.id AND f.region_id = g.id
             AND f.starts >= $3 AND f.starts < $4
         OFFSET 0)
        UNION ALL
        (SELECT f.histogram FROM rollups_fine f
         WHERE f.tenant_id = $1 AND f.monitor_id = asked.id AND f.region_id = g.id
             AND f.starts >= greatest($4, {_DONE})
         OFFSET 0)
    ) r
)
FROM unnest($2::uuid[]) AS asked (id)
"""


async def day_histograms(
    conn: Connection, *, tenant_id: UUID, monitor_ids: Sequence[UUID], since_ms: int, first_hour_ms: int
) -> dict[UUID, bytes]:
    """Each monitor's latency over all regions, from the five minutes that start since (Unix ms) on.

    `first_hour_ms`: the first start of an hour that is not before `since_ms`.
    """
    rows = await conn.fetch(DAY_HISTOGRAMS, tenant_id, list(monitor_ids), since_ms, first_hour_ms)
    return {monitor_id: histogram for monitor_id, histogram in rows if histogram}
