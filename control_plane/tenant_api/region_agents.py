"""/api/v1/regions/{region}/agents: the agents of a tenant's private regions."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import asdict

from control_plane.services.fleet.issue_probe_key import IssuedProbeKey
from control_plane.services.fleet.keep_private_region import require_private
from control_plane.services.fleet.keep_region_agent import (
    Place,
    change_agent,
    read_agent,
    register_agent,
    remove_region_agent,
    rotate_agent,
)
from control_plane.store import region_agents
from control_plane.store.agents import Agent
from control_plane.web.call import Call, Reply
from control_plane.web.etag import require_match
from control_plane.web.paging import Page, PageQuery, capped, page_reply
from control_plane.web.routes import Door, Route
from shared.ids import AgentId

LIST = "/api/v1/regions/{region}/agents"
ONE = LIST + "/{agent_id}"
Name = Annotated[str, Meta(min_length=1, max_length=100)]
Word = Annotated[str, Meta(min_length=1, max_length=200)]


class RegionAgentsQuery(PageQuery, frozen=True):
    """`q` is looked for in the name."""

    q: Word | None = None
    enabled: bool | None = None


class RegionAgentBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A new agent of the region. Its name is its alone there."""

    name: Name


class RegionAgentPatch(Struct, frozen=True, forbid_unknown_fields=True):
    """What may be changed of an agent. A disabled one is refused, and its share moves to the region's others."""

    name: Name | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET


class NewRegionAgent(Agent, frozen=True, kw_only=True):
    """An agent with its probe key, which is shown this once, and until when the key before it counts."""

    key: str
    previous_key_until: datetime | None = None


async def list_agents(call: Call) -> Reply:
    place, query = _place(call), call.query
    async with call.deps.database.tenant(place.tenant_id) as conn:
        await require_private(conn, tenant_id=place.tenant_id, slug=place.region)
        items, total = await region_agents.list_own(
            conn,
            tenant_id=place.tenant_id,
            region=place.region,
            q=query.q,
            enabled=query.enabled,
            limit=capped(query.limit),
            offset=query.offset,
        )
    return page_reply(call, items, total=total)


async def get(call: Call) -> Reply:
    place = _place(call)
    async with call.deps.database.tenant(place.tenant_id) as conn:
        found = await read_agent(conn, place, _agent_id(call))
    return Reply(found.agent, etag=found.revision)


async def create(call: Call) -> Reply:
    issued = await register_agent(
        call.deps.database, _place(call), name=call.body.name, terms=call.tenant().terms, pepper=_pepper(call)
    )
    location = f"/api/v1/regions/{issued.agent.region}/agents/{issued.agent.id}"
    return Reply(_new(issued), headers={"Location": location})


async def change(call: Call) -> Reply:
    changed = await change_agent(
        call.deps.database,
        _place(call),
        _agent_id(call),
        changes={name: value for name, value in asdict(call.body).items() if value is not UNSET},
        check_revision=partial(require_match, call.request),
    )
    return Reply(changed.agent, etag=changed.revision)


async def rotate(call: Call) -> Reply:
    return Reply(_new(await rotate_agent(call.deps.database, _place(call), _agent_id(call), pepper=_pepper(call))))


async def delete(call: Call) -> Reply:
    await remove_region_agent(
        call.deps.database, _place(call), _agent_id(call), check_revision=partial(require_match, call.request)
    )
    return Reply()


def _place(call: Call) -> Place:
    return Place(call.tenant().tenant_id, call.path["region"])


def _agent_id(call: Call) -> AgentId:
    return AgentId(call.uuid("agent_id"))


def _pepper(call: Call) -> bytes:
    return call.deps.settings.security.pepper.encode()


def _new(issued: IssuedProbeKey) -> NewRegionAgent:
    return NewRegionAgent(**asdict(issued.agent), key=issued.key, previous_key_until=issued.previous_key_until)


_route = partial(Route, door=Door.TENANT, tag="Regions")
_PLACE = ("REGION_NOT_FOUND", "REGION_SHARED")
_ONE = (*_PLACE, "AGENT_NOT_FOUND", "INVALID_ID")

ROUTES: tuple[Route, ...] = (
    _route(
        method="GET",
        path=LIST,
        handler=list_agents,
        operation="list_region_agents",
        summary="List the agents of a private region with their health",
        scope="regions:read",
        query=RegionAgentsQuery,
        reply=Page[Agent],
        errors=_PLACE,
    ),
    _route(
        method="POST",
        path=LIST,
        handler=create,
        operation="create_region_agent",
        summary="Register an agent of a private region; its probe key is shown once",
        scope="regions:write",
        body=RegionAgentBody,
        reply=NewRegionAgent,
        status=201,
        errors=(*_PLACE, "NAME_TAKEN", "INVALID_NAME", "QUOTA_EXCEEDED"),
        example={"name": "office-1"},
    ),
    _route(
        method="GET",
        path=ONE,
        handler=get,
        operation="get_region_agent",
        summary="Read an agent of a private region",
        scope="regions:read",
        reply=Agent,
        errors=_ONE,
    ),
    _route(
        method="PATCH",
        path=ONE,
        handler=change,
        operation="change_region_agent",
        summary="Rename, disable or enable an agent",
        scope="regions:write",
        body=RegionAgentPatch,
        reply=Agent,
        errors=(*_ONE, "NAME_TAKEN", "INVALID_NAME", "PRECONDITION_FAILED"),
        example={"enabled": False},
    ),
    _route(
        method="POST",
        path=f"{ONE}/rotate",
        handler=rotate,
        operation="rotate_region_agent_key",
        summary="Replace an agent's key; the one before counts for five more minutes",
        scope="regions:write",
        reply=NewRegionAgent,
        errors=_ONE,
    ),
    _route(
        method="DELETE",
        path=ONE,
        handler=delete,
        operation="delete_region_agent",
        summary="Remove an agent and its keys",
        scope="regions:write",
        status=204,
        errors=(*_ONE, "PRECONDITION_FAILED"),
    ),
)
