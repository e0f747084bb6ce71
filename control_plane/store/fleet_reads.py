"""Looking at the whole fleet."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from control_plane.store.pool import Connection

FLEET_LIVE_AGENTS = """
SELECT CASE WHEN count(*) OVER (PARTITION BY r.slug) > 1 THEN r.tenant_id || ':' || r.slug ELSE r.slug END AS slug,
    count(a.id) FILTER (WHERE a.enabled AND a.healthy AND a.lease_until > now()) AS live
FROM regions r LEFT JOIN agents a ON a.region_id = r.id
WHERE r.enabled
GROUP BY r.id
"""


async def live_agents(conn: Connection) -> dict[str, int]:
    """How many live, healthy agents each enabled region has, by its id, with its tenant where several have that."""
    return {row["slug"]: row["live"] for row in await conn.fetch(FLEET_LIVE_AGENTS)}


FLEET_CLOCK = "SELECT clock_timestamp()"


async def database_clock(conn: Connection) -> datetime:
    """The database's clock."""
    now: datetime = await conn.fetchval(FLEET_CLOCK)
    return now


class FleetAgent(Struct, frozen=True, kw_only=True):
    """An agent as whoever watches the fleet sees it. Durations in ms; `state` is the worst thing that is true of it:
    disabled, never_seen, offline, unhealthy, ok. `alerts` are the kinds of its open incidents.
    """

    id: UUID
    number: int
    name: str
    region: str
    private: bool
    state: str
    version: str | None
    last_seen_at: datetime | None
    lease_until: datetime | None
    observed_at: datetime | None
    healthy: bool
    health_reason: str | None
    health_since: datetime | None
    skewed: bool
    clock_offset_ms: int | None
    sent_skew_ms: int | None
    strained: bool
    saturation: float | None
    lag_ms: float | None
    gaps: int | None
    spooled: int | None
    alerts: list[str]


_FLEET = """
FROM agents a JOIN regions r ON r.id = a.region_id
CROSS JOIN LATERAL (
    SELECT array_agg(i.kind ORDER BY i.kind) AS alerts FROM operator_incidents i
    WHERE i.agent_id = a.id AND i.state <> 'resolved') AS troubles
WHERE ($1::text IS NULL OR $1 IN (r.slug, r.tenant_id || ':' || r.slug))
  AND (NOT $2::boolean OR troubles.alerts IS NOT NULL)
"""
FLEET_AGENTS = f"""
SELECT a.id, a.number, a.name, r.slug AS region, r.tenant_id IS NOT NULL AS private,
       CASE WHEN NOT (a.enabled AND r.enabled) THEN 'disabled' WHEN a.last_seen_at IS NULL THEN 'never_seen'
            WHEN coalesce(a.lease_until <= now(), true) THEN 'offline' WHEN NOT a.healthy THEN 'unhealthy'
            ELSE 'ok' END AS state,
       a.version, a.last_seen_at, a.lease_until, a.observed_at, a.healthy, a.health_reason, a.health_since, a.skewed,
       a.clock_offset_ms, a.sent_skew_ms, a.strained, a.saturation, a.lag_ms, a.gaps, a.spooled,
       coalesce(troubles.alerts, '{{}}') AS alerts
{_FLEET} ORDER BY a.number LIMIT $3 OFFSET $4
"""
FLEET_COUNT_AGENTS = f"SELECT count(*) {_FLEET}"


async def fleet(
    conn: Connection, *, region: str | None, troubled: bool, limit: int, offset: int
) -> tuple[list[FleetAgent], int]:
    """A page of the fleet, or of one region; and how many there are."""
    rows = await conn.fetch(FLEET_AGENTS, region, troubled, limit, offset)
    return [FleetAgent(**row) for row in rows], await conn.fetchval(FLEET_COUNT_AGENTS, region, troubled)
