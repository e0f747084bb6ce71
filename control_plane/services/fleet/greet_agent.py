"""An agent says hello: agree on a protocol and lease it."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from control_plane.errors import Conflict
from control_plane.store import leases
from control_plane.store.pool import Database
from shared.clock import to_unix_ms
from shared.ids import AgentId
from shared.protocol import LEASE_S, PROTOCOL_VERSION, Hello, RegionGrant, Welcome

SUPPORTED = (PROTOCOL_VERSION,)


class Greeted(Struct, frozen=True):
    """Who says hello: known from the probe key."""

    agent_id: AgentId
    agent_name: str
    region: RegionGrant


async def greet_agent(database: Database, who: Greeted, hello: Hello, *, now: datetime) -> Welcome:
    """Raises Conflict PROTOCOL_UNSUPPORTED when the agent speaks none of our protocols; it is not leased then."""
    common = sorted(set(SUPPORTED) & set(hello.protocols))
    if not common:
        raise _unsupported(hello)
    async with database.app() as conn:
        await leases.greet(
            conn,
            agent_id=who.agent_id,
            boot_id=hello.boot_id,
            version=hello.version,
            capabilities=hello.capabilities,
            lease_s=LEASE_S,
        )
    return Welcome(
        agent_id=who.agent_id,
        agent_name=who.agent_name,
        region=who.region,
        protocol=common[-1],
        server_time=to_unix_ms(now),
    )


def _unsupported(hello: Hello) -> Conflict:
    spoken = ", ".join(str(each) for each in hello.protocols) or "none"
    ours = ", ".join(str(each) for each in SUPPORTED)
    remedy = "update farwatch-agent" if max(hello.protocols, default=0) < min(SUPPORTED) else "update the control plane"
    return Conflict(
        f"This agent ({hello.version}) speaks protocol {spoken}; the control plane speaks {ours}: {remedy}.",
        code="PROTOCOL_UNSUPPORTED",
        field="/protocols",
        details={"supported": list(SUPPORTED)},
    )
