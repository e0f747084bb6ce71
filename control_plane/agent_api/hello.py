"""POST /hello: once per boot."""

from __future__ import annotations

from control_plane.agent_api.server_time import time_header
from control_plane.services.fleet.greet_agent import Greeted, greet_agent
from control_plane.web.call import Call, Reply
from control_plane.web.routes import Door, Route
from shared.protocol import PROTOCOL_VERSION, Hello, RegionGrant, Welcome


async def say_hello(call: Call) -> Reply:
    agent = call.agent()
    region = RegionGrant(
        id=agent.region_slug,
        name=agent.region_name,
        private=agent.region_tenant_id is not None,
        allow_cidrs=agent.allow_cidrs,
        ports=call.deps.settings.security.tcp_ports,
    )
    who = Greeted(agent.agent_id, agent.agent_name, region)
    welcome = await greet_agent(call.deps.database, who, call.body, now=call.deps.now())
    return Reply(welcome, headers=time_header(call))


ROUTES = (
    Route(
        method="POST",
        path="/api/agent/v1/hello",
        handler=say_hello,
        operation="agent_hello",
        summary="Introduce an agent after its boot and lease it",
        tag="agent",
        door=Door.AGENT,
        body=Hello,
        reply=Welcome,
        errors=("AGENT_DISABLED", "PROTOCOL_UNSUPPORTED"),
        example={
            "version": "0.1.0",
            "protocols": [PROTOCOL_VERSION],
            "boot_id": "0197a2f0-0000-7000-8000-000000000001",
            "capabilities": ["http", "ipv6"],
        },
    ),
)
