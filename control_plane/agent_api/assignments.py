"""GET /assignments: renews the lease, and tells what changed since the cursor."""

from __future__ import annotations

import hashlib
from typing import Annotated

from aiohttp import web
from msgspec import Meta, Struct

from control_plane.agent_api.server_time import time_header
from control_plane.services.fleet.hand_out_assignments import Asker, hand_out_assignments
from control_plane.web.call import Call, Reply
from control_plane.web.hub import ASSIGNMENTS
from control_plane.web.routes import Door, Route
from shared.protocol import Assignments


class AssignmentsQuery(Struct, frozen=True):
    """`cursor` as the last answer gave it; empty: everything."""

    cursor: Annotated[str, Meta(max_length=8_000)] = ""


async def poll_assignments(call: Call) -> Reply | web.StreamResponse:
    agent, deps = call.agent(), call.deps
    deps.hub.looked(f"{ASSIGNMENTS}:{agent.region_id}", agent.agent_id)
    answer = await hand_out_assignments(
        deps.database,
        deps.sealer,
        deps.digests,
        Asker(agent.agent_id, agent.region_id),
        cursor=call.query.cursor,
        now=deps.now(),
        ports=deps.settings.security.tcp_ports,
    )
    tag = _tag(answer)
    headers = {"ETag": tag, **time_header(call)}
    if answer.cursor == call.query.cursor and call.request.headers.get("If-None-Match") == tag:
        return web.Response(status=304, headers=headers)
    return Reply(answer, headers=headers)


def _tag(answer: Assignments) -> str:
    """Of all that an agent acts on. What changed is not in it: changes always move the cursor."""
    agents = b"".join(agent.bytes for agent in answer.agents)
    told = f"{answer.cursor} {answer.digest} {answer.paused} {answer.more} {answer.region} ".encode() + agents
    return f'"{hashlib.blake2b(told, digest_size=12).hexdigest()}"'


ROUTES = (
    Route(
        method="GET",
        path="/api/agent/v1/assignments",
        handler=poll_assignments,
        operation="agent_assignments",
        summary="Renew the lease and read what the region has to run",
        description=(
            "An empty or unknown cursor is answered with a snapshot. `more`: ask again at once with the new cursor. "
            "With If-None-Match, an unchanged region is 304 without a body."
        ),
        tag="agent",
        door=Door.AGENT,
        head=False,
        query=AssignmentsQuery,
        reply=Assignments,
        errors=("AGENT_DISABLED",),
    ),
)
