"""Reading latency and counts of results: from rollups, and from raw results where there are none.

Region by region, because the keys are (monitor, region, time): each reads its part of the index and nothing else.
OFFSET 0 keeps the planner from reading all regions' rows and joining them afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from msgspec import Struct

from control_plane.domain.time_slices import Part, Source
from control_plane.store.pool import Connection
from control_plane.store.rollups import PER_SLICE


class SliceRow(Struct, frozen=True):
    """What one source says of one region in slice number `n`. Sums in microseconds; see sql/migrations/0009."""

    region: str
    n: int
    up: int
    degraded: int
    down: int
    error: int
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


_RAW = """
FROM regions g CROSS JOIN LATERAL (
    SELECT * FROM results
    WHERE results.tenant_id = $1 AND results.monitor_id = $2 AND results.region_id = g.id
        AND results.slot >= $3 AND results.slot < $4
    OFFSET 0
) r
"""
_WHERE = "WHERE ($5::text IS NULL OR g.slug = $5)\n"


def _rolled(table: str) -> str:
    return f"""
FROM regions g CROSS JOIN LATERAL (
    SELECT * FROM {table}
    WHERE {table}.tenant_id = $1 AND {table}.monitor_id = $2 AND {table}.region_id = g.id
        AND {table}.starts >= $3 AND {table}.starts < $4
    OFFSET 0
) r
"""


def _slices_rolled(table: str) -> str:
    sums = ("total_us", "dns_us", "connect_us", "tls_us", "ttfb_us", "download_us")
    columns = ", ".join(f"sum(r.{name})::bigint AS {name}" for name in sums)
    counts = ", ".join(f"sum(r.{name})::int AS {name}" for name in ("up", "degraded", "down", "error", "samples"))
    return (
        f"SELECT g.slug AS region, ((r.starts - $6) / $7)::int AS n, {counts}, {columns},"
        f" string_agg(r.histogram, ''::bytea) AS histogram {_rolled(table)} {_WHERE} GROUP BY g.slug, 2"
    )


SLICES_HOURLY = _slices_rolled("rollups_hourly")
SLICES_FINE = _slices_rolled("rollups_fine")
SLICES_RAW = f"""
SELECT g.slug AS region, ((r.slot - $6) / $7)::int AS n, {PER_SLICE}
{_RAW} {_WHERE} GROUP BY g.slug, 2
"""
_SLICES: Mapping[Source, str] = {"hourly": SLICES_HOURLY, "fine": SLICES_FINE, "raw": SLICES_RAW}

_COUNTS = ", ".join(f"sum(r.{name})::bigint AS {name}" for name in ("up", "degraded", "down", "error"))
COUNTS_HOURLY = f"SELECT g.slug AS region, {_COUNTS} {_rolled('rollups_hourly')} {_WHERE} GROUP BY g.slug"
COUNTS_FINE = f"SELECT g.slug AS region, {_COUNTS} {_rolled('rollups_fine')} {_WHERE} GROUP BY g.slug"
COUNTS_RAW = f"""
SELECT g.slug AS region, count(*) FILTER (WHERE r.outcome = 0) AS up, count(*) FILTER (WHERE r.outcome = 1) AS degraded,
    count(*) FILTER (WHERE r.outcome = 2) AS down, count(*) FILTER (WHERE r.outcome = 3) AS error
{_RAW} {_WHERE} GROUP BY g.slug
"""
_COUNTS_OF: Mapping[Source, str] = {"hourly": COUNTS_HOURLY, "fine": COUNTS_FINE, "raw": COUNTS_RAW}


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
    rows: list[SliceRow] = []
    for source, since, until in parts:
        records = await conn.fetch(_SLICES[source], tenant_id, monitor_id, since, until, region, origin_ms, width_ms)
        rows += [SliceRow(*record) for record in records]
    return rows


async def counts(
    conn: Connection, parts: Sequence[Part], *, tenant_id: UUID, monitor_id: UUID, region: str | None
) -> list[CountRow]:
    """Results of these parts by region and outcome, parts apart."""
    rows: list[CountRow] = []
    for source, since, until in parts:
        records = await conn.fetch(_COUNTS_OF[source], tenant_id, monitor_id, since, until, region)
        rows += [CountRow(*record) for record in records]
    return rows


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
