"""What a dashboard asks of all of a tenant's monitors at once: in a few statements, however many there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from uuid import UUID

from msgspec import Struct

from control_plane.domain.uptime.time_slices import Part, Source
from control_plane.store.pool import Connection
from control_plane.store.rollup_reads import Progress
from control_plane.store.rollups import LATENCY_PER_SLICE

ROLLED_UP = """
SELECT coalesce(max(done_until) FILTER (WHERE name = 'fine'), 0) AS fine_until,
    coalesce(max(done_until) FILTER (WHERE name = 'hourly'), 0) AS hourly_until
FROM rollup_walks
"""


async def rolled_up(conn: Connection) -> Progress:
    """How far results are rolled up."""
    return Progress(*await conn.fetchrow(ROLLED_UP))


class Slow(Struct, frozen=True, kw_only=True):
    """A monitor and its latency, which `samples` results are of. `histogram` as in latency_histogram.py."""

    id: UUID
    number: int
    name: str
    samples: int
    total_us: int
    histogram: bytes


SLOWEST = """
WITH slow AS (
    SELECT m.id, m.number, m.name, m.regions, sum(r.samples)::bigint AS samples, sum(r.total_us)::bigint AS total_us
    FROM monitors m CROSS JOIN LATERAL unnest(m.regions) AS of (region_id)
    CROSS JOIN LATERAL (SELECT x.samples, x.total_us FROM rollups_fine x
        WHERE x.tenant_id = $1 AND x.monitor_id = m.id AND x.region_id = of.region_id
            AND x.starts >= $2 AND x.starts < $3 OFFSET 0) AS r
    WHERE m.tenant_id = $1 AND m.enabled
    GROUP BY m.tenant_id, m.id HAVING sum(r.samples) > 0
    ORDER BY sum(r.total_us)::float8 / sum(r.samples) DESC, m.number LIMIT $4
)
SELECT s.id, s.number, s.name, s.samples, s.total_us, (
    SELECT string_agg(x.histogram, ''::bytea) FROM unnest(s.regions) AS of (region_id)
    JOIN rollups_fine x ON x.tenant_id = $1 AND x.monitor_id = s.id AND x.region_id = of.region_id
        AND x.starts >= $2 AND x.starts < $3
) AS histogram
FROM slow s ORDER BY s.total_us::float8 / s.samples DESC, s.number
"""


async def slowest(conn: Connection, *, tenant_id: UUID, start_ms: int, end_ms: int, limit: int) -> list[Slow]:
    """The monitors with the longest mean in these slices of the fine rollups, the slowest first."""
    return [Slow(**row) for row in await conn.fetch(SLOWEST, tenant_id, start_ms, end_ms, limit)]


class Steady(Struct, frozen=True):
    """How long monitors that did not change in a range had this verdict in it, together. Milliseconds."""

    verdict: str
    ms: int


_CHANGED = """(s.since > $2 OR EXISTS (SELECT FROM monitor_periods p
    WHERE p.tenant_id = $1 AND p.monitor_id = m.id AND p.starts_at < $3 AND (p.ends_at IS NULL OR p.ends_at > $2)))"""
_RANGED = """
FROM monitors m JOIN monitor_states s ON s.tenant_id = m.tenant_id AND s.monitor_id = m.id
WHERE m.tenant_id = $1 AND m.created_at < $3
"""
STEADY = f"""
SELECT s.verdict,
    floor(sum(extract(epoch FROM $3::timestamptz - greatest($2::timestamptz, m.created_at))) * 1000)::bigint
{_RANGED} AND NOT {_CHANGED} GROUP BY s.verdict
"""
CHANGED = f"SELECT m.id {_RANGED} AND {_CHANGED} ORDER BY m.number"


async def steady(conn: Connection, *, tenant_id: UUID, start: datetime, end: datetime) -> list[Steady]:
    """Of the monitors whose verdict stood in [start, end), which ends now, and that were never out of it."""
    return [Steady(*row) for row in await conn.fetch(STEADY, tenant_id, start, end)]


async def changed(conn: Connection, *, tenant_id: UUID, start: datetime, end: datetime) -> list[UUID]:
    """The other monitors, by number: their uptime is made from their history."""
    return [row["id"] for row in await conn.fetch(CHANGED, tenant_id, start, end)]


class IncidentTally(Struct, frozen=True):
    open: int
    opened: int


TALLY_INCIDENTS = """
SELECT count(*) FILTER (WHERE state <> 'resolved') AS open, count(*) FILTER (WHERE opened_at >= $2) AS opened
FROM incidents WHERE tenant_id = $1 AND (state <> 'resolved' OR opened_at >= $2)
"""


async def tally_incidents(conn: Connection, *, tenant_id: UUID, since: datetime) -> IncidentTally:
    """How many are open, and how many were opened since then."""
    return IncidentTally(*await conn.fetchrow(TALLY_INCIDENTS, tenant_id, since))


class Spark(Struct, frozen=True, kw_only=True):
    """What one source says of one monitor in bucket number `n`, over all its regions."""

    monitor_id: UUID
    n: int
    up: int
    degraded: int
    down: int
    error: int
    histogram: bytes


_OUTCOMES = ("up", "degraded", "down", "error")
_ROLLED = f"""{", ".join(f"sum(r.{name})::bigint AS {name}" for name in _OUTCOMES)},
    string_agg(r.histogram, ''::bytea) AS histogram"""
_RAW = ", ".join(f"count(*) FILTER (WHERE r.outcome = {n}) AS {name}" for n, name in enumerate(_OUTCOMES))
_SOURCES: Mapping[Source, tuple[str, str, str]] = {
    "hourly": ("rollups_hourly", "starts", _ROLLED),
    "fine": ("rollups_fine", "starts", _ROLLED),
    "raw": ("results", "slot", f"{_RAW}, {LATENCY_PER_SLICE}"),
}


def _part(source: Source, bounds: int) -> str:
    table, at, selected = _SOURCES[source]
    return f"""
SELECT p.monitor_id, p.n, p.up, p.degraded, p.down, p.error, p.histogram FROM (
    SELECT m.id AS monitor_id, ((r.{at} - $3) / $4)::int AS n, {selected}
    FROM monitors m CROSS JOIN LATERAL unnest(m.regions) AS of (region_id)
    CROSS JOIN LATERAL (SELECT * FROM {table} t
        WHERE t.tenant_id = $1 AND t.monitor_id = m.id AND t.region_id = of.region_id
            AND t.{at} >= ${bounds} AND t.{at} < ${bounds + 1} OFFSET 0) AS r
    WHERE m.tenant_id = $1 AND m.id = ANY ($2::uuid[]) GROUP BY m.id, 2
) AS p
"""


@cache
def _sparks(sources: Sequence[Source]) -> str:
    return "UNION ALL".join(_part(source, 5 + 2 * n) for n, source in enumerate(sources))


SPARKS = _sparks(("hourly", "fine", "raw"))


async def sparks(
    conn: Connection,
    parts: Sequence[Part],
    *,
    tenant_id: UUID,
    monitor_ids: Sequence[UUID],
    origin_ms: int,
    width_ms: int,
) -> list[Spark]:
    """These parts of the time of each of these monitors, in buckets counted from `origin_ms`: one statement."""
    statement = _sparks(tuple(part.source for part in parts))
    bounds = [bound for part in parts for bound in (part.start_ms, part.end_ms)]
    rows = await conn.fetch(statement, tenant_id, list(monitor_ids), origin_ms, width_ms, *bounds)
    return [Spark(**row) for row in rows]


OWN_MONITORS = "SELECT id FROM monitors WHERE tenant_id = $1 AND id = ANY ($2::uuid[])"


async def own_monitors(conn: Connection, *, tenant_id: UUID, monitor_ids: Sequence[UUID]) -> set[UUID]:
    """Those of these ids that are monitors of the tenant."""
    return {row["id"] for row in await conn.fetch(OWN_MONITORS, tenant_id, list(monitor_ids))}
