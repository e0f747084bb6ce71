"""An agent reports how it is. An unhealthy one counts as lost: its share moves to the region's others."""

from __future__ import annotations

from control_plane.domain.fleet.agent_report import standing_after
from control_plane.store import leases
from control_plane.store.pool import Database
from shared.ids import AgentId
from shared.protocol import Observations


async def observe_agent(database: Database, *, agent_id: AgentId, said: Observations) -> bool:
    """Keep what the agent says of itself; whether its health changed."""
    async with database.app_transaction() as conn:
        known = await leases.standing(conn, agent_id=agent_id)
        if known is None:
            return False
        before, now = known
        return await leases.keep_standing(
            conn, agent_id=agent_id, now=standing_after(before, said, now=now), before=before
        )
