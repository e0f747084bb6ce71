"""What keeps a monitor's incidents from opening: maintenance that covers it, and monitors upstream of it.

Lane statements: whoever judges may judge monitors of many tenants; every join goes through tenant_id.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from control_plane.domain.judging.hold import Upstream
from control_plane.store.pool import Connection


class Maintenance(Struct, frozen=True):
    """A window that covers a monitor now. `ends_at` None: nobody knows."""

    title: str | None
    ends_at: datetime | None


LANE_UPSTREAM_IDS = """
WITH RECURSIVE upstream AS (
    SELECT d.tenant_id, d.depends_on FROM monitor_states s
    JOIN monitor_dependencies d ON d.tenant_id = s.tenant_id AND d.monitor_id = s.monitor_id
    WHERE s.monitor_id = ANY($1::uuid[])
    UNION
    SELECT d.tenant_id, d.depends_on FROM upstream u
    JOIN monitor_dependencies d ON d.tenant_id = u.tenant_id AND d.monitor_id = u.depends_on
)
SELECT depends_on FROM upstream
"""


async def upstream_ids(conn: Connection, monitor_ids: Sequence[UUID]) -> set[UUID]:
    """Everything that these monitors depend on, directly or through others: locked along with them."""
    return {row["depends_on"] for row in await conn.fetch(LANE_UPSTREAM_IDS, monitor_ids)}


LANE_UPSTREAMS = """
WITH RECURSIVE upstream AS (
    SELECT d.tenant_id, d.monitor_id AS root, d.depends_on FROM monitor_states s
    JOIN monitor_dependencies d ON d.tenant_id = s.tenant_id AND d.monitor_id = s.monitor_id
    WHERE s.monitor_id = ANY($1::uuid[])
    UNION
    SELECT d.tenant_id, u.root, d.depends_on FROM upstream u
    JOIN monitor_dependencies d ON d.tenant_id = u.tenant_id AND d.monitor_id = u.depends_on
)
SELECT u.root, m.id, m.name, m.confirmations, coalesce((m."check" ->> 'timeout')::int, 0) AS timeout_ms, s.verdict,
       said.*
FROM upstream u
JOIN monitors m ON m.tenant_id = u.tenant_id AND m.id = u.depends_on
JOIN monitor_states s ON s.tenant_id = u.tenant_id AND s.monitor_id = u.depends_on
CROSS JOIN LATERAL (
    SELECT count(a.region_id) > 0 AS runs, coalesce(max(v.newest_slot), 0) AS newest_slot,
           coalesce(bool_and(CASE v.vote WHEN 'down' THEN v.good_run = 0 WHEN 'up' THEN v.bad_run = 0 ELSE false END),
                    false) AS settled
    FROM assignments a
    LEFT JOIN votes v
        ON v.monitor_id = a.monitor_id AND v.region_id = a.region_id AND v.check_version = a.check_version
    WHERE a.monitor_id = m.id AND a.removed_at IS NULL
) AS said
ORDER BY u.root, m.id
"""


async def upstreams(conn: Connection, monitor_ids: Sequence[UUID]) -> dict[UUID, list[Upstream]]:
    """Everything upstream of each of these monitors, with what it says."""
    found: dict[UUID, list[Upstream]] = {}
    for row in await conn.fetch(LANE_UPSTREAMS, monitor_ids):
        upstream = Upstream(
            monitor_id=row["id"],
            name=row["name"],
            verdict=row["verdict"],
            newest_slot=row["newest_slot"],
            settled=row["settled"],
            confirmations=row["confirmations"],
            timeout_ms=row["timeout_ms"],
            runs=row["runs"],
        )
        found.setdefault(row["root"], []).append(upstream)
    return found


LANE_MAINTENANCE = """
SELECT DISTINCT ON (p.monitor_id) p.monitor_id, p.title, p.ends_at FROM monitor_states s
JOIN monitor_periods p ON p.tenant_id = s.tenant_id AND p.monitor_id = s.monitor_id AND p.kind = 'maintenance'
WHERE s.monitor_id = ANY($1::uuid[])
  AND p.starts_at <= to_timestamp($2 / 1000.0) AND (p.ends_at IS NULL OR p.ends_at > to_timestamp($2 / 1000.0))
ORDER BY p.monitor_id, p.ends_at DESC NULLS FIRST, p.starts_at
"""


async def maintenance(conn: Connection, monitor_ids: Sequence[UUID], *, now_ms: int) -> dict[UUID, Maintenance]:
    """The window that covers each of these monitors at this instant; of several, the one that ends last."""
    rows = await conn.fetch(LANE_MAINTENANCE, monitor_ids, now_ms)
    return {row["monitor_id"]: Maintenance(row["title"], row["ends_at"]) for row in rows}


LANE_HUSHED_SLOW = """
SELECT newest.monitor_id
FROM unnest($1::uuid[], $2::uuid[]) AS hushed (tenant_id, monitor_id)
CROSS JOIN LATERAL (
    SELECT i.monitor_id, i.type FROM incidents i
    WHERE i.tenant_id = hushed.tenant_id AND i.monitor_id = hushed.monitor_id AND i.origin = 'monitor'
    ORDER BY i.resolved_at DESC NULLS FIRST
    LIMIT 1
) AS newest
WHERE newest.type = 'degraded'
"""


async def hushed_slow(conn: Connection, hushed: Sequence[tuple[UUID, UUID]]) -> set[UUID]:
    """Those of the (tenant, monitor) pairs whose incident that a person resolved was one of slow votes."""
    rows = await conn.fetch(LANE_HUSHED_SLOW, [tenant_id for tenant_id, _ in hushed], [id_ for _, id_ in hushed])
    return {row["monitor_id"] for row in rows}


LANE_STALE_HOLDS = """
WITH RECURSIVE held AS (
    SELECT d.tenant_id, d.monitor_id FROM monitor_dependencies d
    JOIN monitor_states s ON s.tenant_id = d.tenant_id AND s.monitor_id = d.depends_on AND s.verdict = 'down'
    UNION
    SELECT d.tenant_id, d.monitor_id FROM held h
    JOIN monitor_dependencies d ON d.tenant_id = h.tenant_id AND d.depends_on = h.monitor_id
), now AS (
    SELECT monitor_id FROM held
    UNION
    SELECT monitor_id FROM monitor_periods
    WHERE kind = 'maintenance' AND ends_at > to_timestamp($1 / 1000.0) AND starts_at <= to_timestamp($1 / 1000.0)
    UNION
    SELECT monitor_id FROM monitor_periods
    WHERE kind = 'maintenance' AND ends_at IS NULL AND starts_at <= to_timestamp($1 / 1000.0)
)
SELECT coalesce(now.monitor_id, s.monitor_id) AS monitor_id
FROM now FULL JOIN (SELECT monitor_id FROM monitor_states WHERE held_since IS NOT NULL) s USING (monitor_id)
WHERE now.monitor_id IS NULL OR s.monitor_id IS NULL
ORDER BY 1
LIMIT $2
"""


async def stale_holds(conn: Connection, *, now_ms: int, limit: int) -> list[UUID]:
    """Monitors that are held and do not know it yet, or are no longer."""
    return [row["monitor_id"] for row in await conn.fetch(LANE_STALE_HOLDS, now_ms, limit)]


LANE_REGIONS_OF = """
SELECT tenant_id, monitor_id, region_id, check_version FROM assignments
WHERE monitor_id = ANY($1::uuid[]) AND removed_at IS NULL
  AND NOT EXISTS (SELECT FROM dispatches d WHERE d.monitor_id = assignments.monitor_id
                     AND d.region_id = assignments.region_id AND d.kind = 'recheck' AND d.claimed_at IS NULL
                     AND d.expires_at > clock_timestamp())
ORDER BY monitor_id, region_id
"""


async def regions_to_ask(conn: Connection, monitor_ids: Sequence[UUID]) -> list[tuple[UUID, UUID, int, int]]:
    """(tenant, monitor, region, check version) of assignments for which no re-check waits already."""
    rows = await conn.fetch(LANE_REGIONS_OF, monitor_ids)
    return [(row["tenant_id"], row["monitor_id"], row["region_id"], row["check_version"]) for row in rows]
