"""/operator/agents: the fleet."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated

from msgspec import Meta, Struct
from msgspec.structs import asdict

from control_plane.errors import NotFound
from control_plane.services.fleet.issue_probe_key import (
    IssuedProbeKey,
    create_agent,
    remove_agent,
    rotate_probe_key,
    set_agent_enabled,
)
from control_plane.store import agents
from control_plane.store.agents import Agent
from control_plane.web.call import Call, Reply
from control_plane.web.etag import if_match
from control_plane.web.paging import Page, PageQuery, capped, page_reply
from control_plane.web.routes import Door, Route
from shared.ids import AgentId


class AgentBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A new agent of a region."""

    region: str
    name: Annotated[str, Meta(min_length=1, max_length=100)]


class AgentQuery(PageQuery, frozen=True):
    """Agents of one region, or of all."""

    region: str | None = None


class NewAgent(Agent, frozen=True, kw_only=True):
    """An agent with its probe key, which is shown this once, and until when the key before it counts."""

    key: str
    previous_key_until: datetime | None = None


async def create(call: Call) -> Reply:
    issued = await create_agent(call.deps.database, region=call.body.region, name=call.body.name, pepper=_pepper(call))
    return Reply(_new(issued), headers={"Location": f"/operator/agents/{issued.agent.id}"})


async def list_agents(call: Call) -> Reply:
    async with call.deps.database.app() as conn:
        items, total = await agents.list_all(
            conn, region=call.query.region, limit=capped(call.query.limit), offset=call.query.offset
        )
    return page_reply(call, items, total=total)


async def get(call: Call) -> Reply:
    async with call.deps.database.app() as conn:
        agent = await agents.get(conn, agent_id=_agent_id(call))
        revision = await agents.revision(conn, agent_id=_agent_id(call))
    if agent is None:
        raise NotFound("There is no such agent", code="AGENT_NOT_FOUND")
    return Reply(agent, etag=revision)


async def rotate(call: Call) -> Reply:
    return Reply(_new(await rotate_probe_key(call.deps.database, _agent_id(call), pepper=_pepper(call))))


async def disable(call: Call) -> Reply:
    return Reply(await set_agent_enabled(call.deps.database, _agent_id(call), enabled=False))


async def enable(call: Call) -> Reply:
    return Reply(await set_agent_enabled(call.deps.database, _agent_id(call), enabled=True))


async def delete(call: Call) -> Reply:
    await remove_agent(call.deps.database, _agent_id(call), accepted=if_match(call.request))
    return Reply()


def _agent_id(call: Call) -> AgentId:
    return AgentId(call.uuid("agent_id"))


def _pepper(call: Call) -> bytes:
    return call.deps.settings.security.pepper.encode()


def _new(issued: IssuedProbeKey) -> NewAgent:
    return NewAgent(**asdict(issued.agent), key=issued.key, previous_key_until=issued.previous_key_until)


_route = partial(Route, door=Door.OPERATOR, tag="Agents")
_AGENT = "/operator/agents/{agent_id}"

ROUTES: tuple[Route, ...] = (
    _route(
        method="POST",
        path="/operator/agents",
        handler=create,
        operation="create_agent",
        summary="Register an agent; its probe key is shown once",
        body=AgentBody,
        reply=NewAgent,
        status=201,
        errors=("REGION_NOT_FOUND", "REGION_AMBIGUOUS", "NAME_TAKEN", "INVALID_NAME"),
        example={"region": "eu-west", "name": "dub-1"},
    ),
    _route(
        method="GET",
        path="/operator/agents",
        handler=list_agents,
        operation="list_agents",
        summary="List agents with their health",
        query=AgentQuery,
        reply=Page[Agent],
    ),
    _route(
        method="GET",
        path=_AGENT,
        handler=get,
        operation="get_agent",
        summary="Get an agent",
        reply=Agent,
        errors=("AGENT_NOT_FOUND",),
    ),
    _route(
        method="POST",
        path=_AGENT + "/rotate",
        handler=rotate,
        operation="rotate_probe_key",
        summary="Replace an agent's key; the one before counts for five more minutes",
        reply=NewAgent,
        errors=("AGENT_NOT_FOUND",),
    ),
    _route(
        method="POST",
        path=_AGENT + "/disable",
        handler=disable,
        operation="disable_agent",
        summary="Stop an agent from working",
        reply=Agent,
        errors=("AGENT_NOT_FOUND",),
    ),
    _route(
        method="POST",
        path=_AGENT + "/enable",
        handler=enable,
        operation="enable_agent",
        summary="Let a disabled agent work again",
        reply=Agent,
        errors=("AGENT_NOT_FOUND",),
    ),
    _route(
        method="DELETE",
        path=_AGENT,
        handler=delete,
        operation="delete_agent",
        summary="Remove an agent and its keys",
        status=204,
        errors=("AGENT_NOT_FOUND", "PRECONDITION_FAILED"),
    ),
)
