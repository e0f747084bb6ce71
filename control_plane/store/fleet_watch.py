"""What the watch over the fleet reads."""

from __future__ import annotations

from datetime import datetime, timedelta

from control_plane.domain.fleet.fleet import AgentState
from control_plane.store.pool import Connection

# The number is arbitrary and only used here.
FLEET_TRY_WATCH = "SELECT pg_try_advisory_xact_lock(7346112203)"


async def try_watch(conn: Connection) -> bool:
    """Whether this transaction is the one that watches now."""
    mine: bool = await conn.fetchval(FLEET_TRY_WATCH)
    return mine


FLEET_AGENT_STATES = """
SELECT a.id, a.name, a.region_id, r.slug AS region, r.name AS region_name, r.tenant_id AS private_to,
       a.enabled AND r.enabled AS enabled, a.version, a.last_seen_at, a.lease_until, a.left_at, a.observed_at,
       a.healthy, a.health_since, a.health_reason, a.skewed, a.skewed_since, a.clock_offset_ms, a.sent_skew_ms,
       a.strained, a.strained_since, a.saturation, a.lag_ms, a.gaps
FROM agents a JOIN regions r ON r.id = a.region_id
ORDER BY a.id
"""


async def agent_states(conn: Connection) -> list[AgentState]:
    """Every agent, private or not."""
    return [AgentState(**row) for row in await conn.fetch(FLEET_AGENT_STATES)]


# One row remembers since when there has been a watch without a longer break.
FLEET_WATCHED = """
INSERT INTO installation AS i (name, value)
VALUES ('fleet_watch', jsonb_build_object('since', clock_timestamp(), 'last', clock_timestamp()))
ON CONFLICT (name) DO UPDATE SET value = jsonb_build_object(
    'since', CASE WHEN (i.value->>'last')::timestamptz > clock_timestamp() - $1::interval
                  THEN i.value->'since' ELSE to_jsonb(clock_timestamp()) END,
    'last', clock_timestamp())
RETURNING (value->>'since')::timestamptz
"""


async def note_watch(conn: Connection, *, longest_break: timedelta) -> datetime:
    """Remember that somebody watches now; since when somebody has, with no longer break."""
    since: datetime = await conn.fetchval(FLEET_WATCHED, longest_break)
    return since
