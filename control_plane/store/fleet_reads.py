"""Looking at the whole fleet."""

from __future__ import annotations

from datetime import datetime

from control_plane.store.pool import Connection

FLEET_LIVE_AGENTS = """
SELECT r.slug, count(a.id) FILTER (WHERE a.enabled AND a.healthy AND a.lease_until > now()) AS live
FROM regions r LEFT JOIN agents a ON a.region_id = r.id
WHERE r.enabled
GROUP BY r.slug
"""


async def live_agents(conn: Connection) -> dict[str, int]:
    """How many live, healthy agents each enabled region has."""
    return {row["slug"]: row["live"] for row in await conn.fetch(FLEET_LIVE_AGENTS)}


FLEET_CLOCK = "SELECT clock_timestamp()"


async def database_clock(conn: Connection) -> datetime:
    """The database's clock."""
    now: datetime = await conn.fetchval(FLEET_CLOCK)
    return now
