"""POST /observations: how the agent itself is."""

from __future__ import annotations

from control_plane.agent_api.server_time import time_header
from control_plane.services.fleet.observe_agent import observe_agent
from control_plane.web.call import Call, Reply
from control_plane.web.routes import Door, Route
from shared.protocol import Observations


async def report_observations(call: Call) -> Reply:
    await observe_agent(call.deps.database, agent_id=call.agent().agent_id, said=call.body)
    return Reply(headers=time_header(call))


ROUTES = (
    Route(
        method="POST",
        path="/api/agent/v1/observations",
        handler=report_observations,
        operation="agent_observations",
        summary="Report the agent's own health, clock, load and backlog",
        tag="agent",
        door=Door.AGENT,
        body=Observations,
        status=204,
        errors=("AGENT_DISABLED",),
        example={"sent_at": 1_780_000_000_000, "healthy": True, "saturation": 0.1, "spooled": 0},
    ),
)
