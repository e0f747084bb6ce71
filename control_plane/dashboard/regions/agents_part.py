"""The agents of a private region: registered, rotated, disabled and removed. A probe key is shown once."""

from __future__ import annotations

from functools import partial

from aiohttp import web

from control_plane.dashboard.regions.list_page import HERE
from control_plane.dashboard.regions.region_page import ONE, region_shown
from control_plane.dashboard.visit import Visit, form, see_other
from control_plane.errors import BadRequest, Conflict, Refused
from control_plane.services.fleet.keep_region_agent import (
    Place,
    change_agent,
    register_agent,
    remove_region_agent,
    rotate_agent,
)
from control_plane.web.routes import Route
from shared.ids import AgentId

_LONGEST = 100


async def register(visit: Visit) -> web.StreamResponse:
    name = visit.text("name")
    try:
        if not 1 <= len(name) <= _LONGEST:
            raise BadRequest(f"A name has 1 to {_LONGEST} characters", code="INVALID_NAME", field="/name")
        issued = await register_agent(
            visit.deps.database, _place(visit), name=name, terms=visit.caller.terms, pepper=_pepper(visit)
        )
    except (BadRequest, Conflict, Refused) as error:
        problem = f"{error.message.rstrip('.')}."
        return await region_shown(visit, agent_name=name, problem=problem, status=error.status)
    return await region_shown(visit, issued=issued)


async def rotate(visit: Visit) -> web.StreamResponse:
    issued = await rotate_agent(visit.deps.database, _place(visit), _agent_id(visit), pepper=_pepper(visit))
    return await region_shown(visit, issued=issued)


async def switch(visit: Visit) -> web.StreamResponse:
    await change_agent(
        visit.deps.database,
        _place(visit),
        _agent_id(visit),
        changes={"enabled": visit.text("enabled") == "yes"},
        check_revision=lambda _revision: None,
    )
    return _back(visit)


async def remove(visit: Visit) -> web.StreamResponse:
    await remove_region_agent(
        visit.deps.database, _place(visit), _agent_id(visit), check_revision=lambda _revision: None
    )
    return _back(visit)


def _back(visit: Visit) -> web.Response:
    return see_other(f"{HERE}/{visit.call.path['region']}")


def _place(visit: Visit) -> Place:
    return Place(visit.tenant_id, visit.call.path["region"])


def _agent_id(visit: Visit) -> AgentId:
    return AgentId(visit.id("agent_id"))


def _pepper(visit: Visit) -> bytes:
    return visit.deps.settings.security.pepper.encode()


_writes = partial(form, scope="regions:write")
_AGENTS = f"{ONE}/agents"
_AGENT = f"{_AGENTS}/{{agent_id}}"

ROUTES: tuple[Route, ...] = (
    _writes(_AGENTS, register, operation="create_agent_from_page", summary="Register an agent"),
    _writes(f"{_AGENT}/rotate", rotate, operation="rotate_agent_from_page", summary="Replace an agent's key"),
    _writes(f"{_AGENT}/switch", switch, operation="switch_agent_from_page", summary="Let an agent work or not"),
    _writes(f"{_AGENT}/remove", remove, operation="remove_agent_from_page", summary="Remove an agent"),
)
