"""What Prometheus is told of the whole installation: a few cheap counts over all tenants."""

from __future__ import annotations

from msgspec import Struct

from control_plane.store.pool import Connection


class Measures(Struct, frozen=True, kw_only=True):
    """Gauges at the database's clock `now_ms` (Unix ms). `overdue_s` in seconds, `bytes` of disk."""

    now_ms: int
    pending: int
    overdue_s: float
    incidents: int
    bytes: int


FLEET_MEASURES = """
SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now_ms,
       (SELECT count(*) FROM deliveries WHERE state = 'pending') AS pending,
       greatest(0, coalesce(extract(epoch FROM clock_timestamp()
           - (SELECT min(due_at) FROM deliveries WHERE state = 'pending')), 0))::float8 AS overdue_s,
       (SELECT count(*) FROM incidents WHERE origin = 'monitor' AND state <> 'resolved') AS incidents,
       pg_database_size(current_database()) AS bytes
"""


async def measures(conn: Connection) -> Measures:
    """Each from an index of what is open or pending."""
    return Measures(**await conn.fetchrow(FLEET_MEASURES))


FLEET_VERDICTS = "SELECT verdict, count(*) AS monitors FROM monitor_states GROUP BY verdict"


async def verdicts(conn: Connection) -> dict[str, int]:
    """Monitors by verdict, paused ones included; a verdict that none has is absent."""
    return {row["verdict"]: row["monitors"] for row in await conn.fetch(FLEET_VERDICTS)}


FLEET_AGENT_STATES = """
SELECT CASE WHEN NOT (a.enabled AND r.enabled) THEN 'disabled' WHEN a.last_seen_at IS NULL THEN 'never_seen'
            WHEN coalesce(a.lease_until <= now(), true) THEN 'offline' WHEN NOT a.healthy THEN 'unhealthy'
            ELSE 'ok' END AS state, count(*) AS agents
FROM agents a JOIN regions r ON r.id = a.region_id
GROUP BY 1
"""


async def agents_by_state(conn: Connection) -> dict[str, int]:
    """Agents by the worst that is true of them, in the words of fleet_reads.FleetAgent."""
    return {row["state"]: row["agents"] for row in await conn.fetch(FLEET_AGENT_STATES)}


class RegionLoad(Struct, frozen=True, kw_only=True):
    """Of a region's live agents: the fullest one's share, the latest one's delay in ms, results not sent yet."""

    slug: str
    saturation: float
    lag_ms: float
    spooled: int


FLEET_REGION_LOADS = """
SELECT r.slug, coalesce(max(a.saturation), 0) AS saturation, coalesce(max(a.lag_ms), 0) AS lag_ms,
       coalesce(sum(a.spooled), 0) AS spooled
FROM regions r JOIN agents a ON a.region_id = r.id AND a.enabled AND a.lease_until > now()
WHERE r.tenant_id IS NULL AND r.enabled
GROUP BY r.slug
"""


async def region_loads(conn: Connection) -> list[RegionLoad]:
    """The operator's own regions that have a live agent."""
    return [RegionLoad(**row) for row in await conn.fetch(FLEET_REGION_LOADS)]


FLEET_WALKS = "SELECT name, done_until FROM rollup_walks"


async def walks(conn: Connection) -> dict[str, int]:
    """How far each walk of the rollup is, in Unix ms."""
    return {row["name"]: row["done_until"] for row in await conn.fetch(FLEET_WALKS)}
