"""Counting incidents over a range of time. Every statement starts from the tenant's incidents in order of opening."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from msgspec import Struct

from control_plane.store.pool import Connection


class StatsRange(Struct, frozen=True, kw_only=True):
    """Incidents opened in [start, end), of one monitor or of all."""

    start: datetime
    end: datetime
    monitor_id: UUID | None = None


class Tally(Struct, frozen=True, kw_only=True):
    """Counts, and means in seconds; None where there is nothing to take a mean of."""

    total: int
    open: int
    minor: int
    major: int
    critical: int
    triggered: int
    acknowledged: int
    resolved: int
    down: int
    degraded: int
    flapping: int
    automatic: int
    declared: int
    reopened: int
    mtta_s: float | None
    mttr_s: float | None


class NoisyMonitor(Struct, frozen=True):
    """A monitor and how many incidents were about it. `open_s` is how long they lasted, until now where they go on."""

    id: UUID
    number: int
    name: str
    incidents: int
    open_s: float


class DayCount(Struct, frozen=True):
    """Incidents opened on a day of UTC."""

    day: date
    incidents: int


_CHOSEN = """
FROM incidents i
WHERE i.tenant_id = $1 AND i.opened_at >= $2 AND i.opened_at < $3
    AND ($4::uuid IS NULL OR i.monitor_id = $4 OR i.id IN (
        SELECT n.incident_id FROM incident_monitors n WHERE n.tenant_id = $1 AND n.monitor_id = $4))
"""

# To acknowledge counts from the opening, or from the last reopening, which asks for it anew. What ended because its
# monitor was paused, deleted or left without a region was not repaired, and is in no mean.
TALLY_INCIDENTS = (
    """
SELECT count(*) AS total,
    count(*) FILTER (WHERE i.state <> 'resolved') AS open,
    count(*) FILTER (WHERE i.severity = 'minor') AS minor,
    count(*) FILTER (WHERE i.severity = 'major') AS major,
    count(*) FILTER (WHERE i.severity = 'critical') AS critical,
    count(*) FILTER (WHERE i.state = 'triggered') AS triggered,
    count(*) FILTER (WHERE i.state = 'acknowledged') AS acknowledged,
    count(*) FILTER (WHERE i.state = 'resolved') AS resolved,
    count(*) FILTER (WHERE i.type = 'down') AS down,
    count(*) FILTER (WHERE i.type = 'degraded') AS degraded,
    count(*) FILTER (WHERE i.type = 'flapping') AS flapping,
    count(*) FILTER (WHERE i.origin = 'monitor') AS automatic,
    count(*) FILTER (WHERE i.origin = 'person') AS declared,
    count(*) FILTER (WHERE i.reopened > 0) AS reopened,
    avg(extract(epoch FROM i.acknowledged_at - coalesce(i.reopened_at, i.opened_at)))::float8 AS mtta_s,
    avg(extract(epoch FROM i.resolved_at - i.started_at))
        FILTER (WHERE i.resolution IN ('recovered', 'person'))::float8 AS mttr_s
"""
    + _CHOSEN
)


async def tally(conn: Connection, *, tenant_id: UUID, chosen: StatsRange) -> Tally:
    """Everything that is one number."""
    row = await conn.fetchrow(TALLY_INCIDENTS, tenant_id, chosen.start, chosen.end, chosen.monitor_id)
    return Tally(**dict(row))


NOISIEST_MONITORS = f"""
WITH chosen AS (SELECT i.id, i.monitor_id, i.started_at, i.resolved_at {_CHOSEN}),
about AS (
    SELECT id, monitor_id, started_at, resolved_at FROM chosen WHERE monitor_id IS NOT NULL
    UNION ALL
    SELECT c.id, n.monitor_id, c.started_at, c.resolved_at
    FROM chosen c JOIN incident_monitors n ON n.tenant_id = $1 AND n.incident_id = c.id
)
SELECT m.id, m.number, m.name, count(*) AS incidents,
    sum(greatest(0, extract(epoch FROM coalesce(a.resolved_at, $6::timestamptz) - a.started_at)))::float8 AS open_s
FROM about a JOIN monitors m ON m.tenant_id = $1 AND m.id = a.monitor_id
WHERE $4::uuid IS NULL OR m.id = $4
GROUP BY m.id, m.number, m.name
ORDER BY incidents DESC, open_s DESC, m.number
LIMIT $5
"""


async def noisiest(
    conn: Connection, *, tenant_id: UUID, chosen: StatsRange, limit: int, now: datetime
) -> list[NoisyMonitor]:
    """The monitors with the most incidents; of as many, first what lasted longest."""
    rows = await conn.fetch(NOISIEST_MONITORS, tenant_id, chosen.start, chosen.end, chosen.monitor_id, limit, now)
    return [NoisyMonitor(**dict(row)) for row in rows]


INCIDENTS_PER_DAY = f"""
WITH counted AS (
    SELECT (i.opened_at AT TIME ZONE 'UTC')::date AS day, count(*) AS incidents {_CHOSEN} GROUP BY 1
)
SELECT d.day::date AS day, coalesce(c.incidents, 0) AS incidents
FROM generate_series(($2::timestamptz AT TIME ZONE 'UTC')::date::timestamp,
    ($3::timestamptz AT TIME ZONE 'UTC' - interval '1 microsecond')::date::timestamp, interval '1 day') AS d (day)
LEFT JOIN counted c ON c.day = d.day::date
ORDER BY 1
"""


async def per_day(conn: Connection, *, tenant_id: UUID, chosen: StatsRange) -> Sequence[DayCount]:
    """A count for every day of UTC that the range touches, zeros too."""
    rows = await conn.fetch(INCIDENTS_PER_DAY, tenant_id, chosen.start, chosen.end, chosen.monitor_id)
    return [DayCount(row["day"], row["incidents"]) for row in rows]
