"""POST /goodbye: once per stop, and again until the share is handed over."""

from __future__ import annotations

from control_plane.agent_api.server_time import time_header
from control_plane.services.fleet.part_from_agent import part_from_agent
from control_plane.web.call import Call, Reply
from control_plane.web.routes import Door, Route
from shared.protocol import Farewell


async def say_goodbye(call: Call) -> Reply:
    farewell = await part_from_agent(call.deps.database, agent_id=call.agent().agent_id, now=call.deps.now())
    return Reply(farewell, headers=time_header(call))


ROUTES = (
    Route(
        method="POST",
        path="/api/agent/v1/goodbye",
        handler=say_goodbye,
        operation="agent_goodbye",
        summary="End the agent's lease, so that the region's others take over its share at once",
        tag="agent",
        door=Door.AGENT,
        reply=Farewell,
        errors=("AGENT_DISABLED",),
    ),
)
