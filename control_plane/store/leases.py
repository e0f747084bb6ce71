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
