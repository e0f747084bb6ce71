"""What agents say of themselves, and how long they count as live."""

from __future__ import annotations

from uuid import UUID

from control_plane.store.pool import Connection
from shared.ids import AgentId
from shared.protocol import Observations

GREET = """
UPDATE agents
   SET healthy = healthy OR boot_id IS DISTINCT FROM $2,
       health_reason = CASE WHEN boot_id IS DISTINCT FROM $2 THEN NULL ELSE health_reason END,
       boot_id = $2, version = $3, capabilities = $4,
       last_seen_at = now(), lease_until = now() + $5::integer * interval '1 second'
 WHERE id = $1
"""


async def greet(
    conn: Connection, *, agent_id: AgentId, boot_id: UUID, version: str, capabilities: tuple[str, ...], lease_s: int
) -> None:
    """Remember who the agent is since its boot, and lease it for `lease_s` seconds. A new boot starts healthy."""
    await conn.execute(GREET, agent_id, boot_id, version, list(capabilities), lease_s)


OBSERVE = """
WITH before AS (SELECT healthy, region_id FROM agents WHERE id = $1),
observed AS (
    UPDATE agents
       SET healthy = $2, health_reason = $3, clock_offset_ms = $4, saturation = $5, lag_ms = $6, spooled = $7
     WHERE id = $1
)
SELECT pg_notify('farwatch_assignments', region_id::text) FROM before WHERE healthy IS DISTINCT FROM $2
"""


async def observe(conn: Connection, *, agent_id: AgentId, said: Observations) -> bool:
    """Remember the agent's own state; whether its health changed, which the region's others are then hinted at."""
    offset = None if said.clock_offset is None else max(-(2**31), min(2**31 - 1, round(said.clock_offset)))
    spooled = None if said.spooled is None else min(said.spooled, 2**31 - 1)
    reason = None if said.healthy else said.reason
    changed = await conn.fetchrow(OBSERVE, agent_id, said.healthy, reason, offset, said.saturation, said.lag, spooled)
    return changed is not None


# least() passes over nulls. The lease keeps the instant of the first goodbye, which a repetition is measured by.
FLEET_LEAVE = """
WITH before AS (SELECT region_id, lease_until > now() AS was_live FROM agents WHERE id = $1),
gone AS (UPDATE agents SET lease_until = least(lease_until, now()) WHERE id = $1 RETURNING region_id, lease_until),
hinted AS MATERIALIZED (SELECT pg_notify('farwatch_assignments', region_id::text) FROM before WHERE was_live)
SELECT NOT EXISTS (SELECT FROM agents p JOIN gone g ON g.region_id = p.region_id
                    WHERE p.id <> $1 AND p.enabled AND p.healthy AND p.lease_until > now()
                      AND p.last_seen_at <= g.lease_until) AS handed_over,
       (SELECT count(*) FROM hinted) AS hints
"""


async def leave(conn: Connection, *, agent_id: AgentId) -> bool:
    """End the agent's lease and hint at it; whether all other live agents of its region have polled since."""
    row = await conn.fetchrow(FLEET_LEAVE, agent_id)
    return row is not None and bool(row["handed_over"])
