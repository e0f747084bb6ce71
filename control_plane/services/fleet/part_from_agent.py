"""An agent stops of its own accord: its lease ends at once, so that the region's others take over its share."""

from __future__ import annotations

from datetime import datetime

from control_plane.store import leases
from control_plane.store.pool import Database
from shared.clock import to_unix_ms
from shared.ids import AgentId
from shared.protocol import Farewell


async def part_from_agent(database: Database, *, agent_id: AgentId, now: datetime) -> Farewell:
    """End the agent's lease, or only say how far the handing over has come when it had ended already."""
    async with database.app_transaction() as conn:
        handed_over = await leases.leave(conn, agent_id=agent_id)
    return Farewell(server_time=to_unix_ms(now), handed_over=handed_over)
