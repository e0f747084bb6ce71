"""Agents of a tenant's private regions: registered, changed, rotated and removed by the tenant itself."""

from __future__ import annotations

import os
from collections.abc import Callable

from msgspec import Struct, structs

from control_plane.domain.tenants.credentials import ENTROPY_BYTES, KeyKind, key_digest, make_key
from control_plane.domain.tenants.plan import PlanTerms, require_room
from control_plane.errors import NotFound
from control_plane.services.fleet.issue_probe_key import OVERLAP, IssuedProbeKey, write_agent
from control_plane.services.fleet.keep_private_region import hold_private, require_private
from control_plane.store import agents, operator_incidents, region_agents, regions
from control_plane.store.pool import Connection, Database
from control_plane.store.region_agents import OwnAgent
from shared.ids import AgentId, TenantId


class Place(Struct, frozen=True):
    """A private region of a tenant, by its slug."""

    tenant_id: TenantId
    region: str


async def register_agent(
    database: Database, place: Place, *, name: str, terms: PlanTerms, pepper: bytes
) -> IssuedProbeKey:
    """A new agent and its key. Raises NotFound, Forbidden REGION_SHARED, Conflict NAME_TAKEN, Refused."""
    async with database.tenant_transaction(place.tenant_id) as conn:
        region_id, _ = await hold_private(conn, tenant_id=place.tenant_id, slug=place.region)
        there = await region_agents.count_in(conn, tenant_id=place.tenant_id, region_id=region_id)
        require_room(terms, "region_agents", current=there)
        agent_id, key = await write_agent(conn, region_id=region_id, name=name, pepper=pepper)
        return IssuedProbeKey(agent=(await _known(conn, place, agent_id)).agent, key=key)


async def read_agent(conn: Connection, place: Place, agent_id: AgentId) -> OwnAgent:
    """One agent. Raises NotFound, Forbidden REGION_SHARED."""
    await require_private(conn, tenant_id=place.tenant_id, slug=place.region)
    return await _known(conn, place, agent_id)


async def change_agent(
    database: Database,
    place: Place,
    agent_id: AgentId,
    *,
    changes: dict[str, object],
    check_revision: Callable[[int], None],
) -> OwnAgent:
    """Rename an agent, or let it work or not. Raises NotFound, Conflict NAME_TAKEN, what `check_revision` raises."""
    async with database.tenant_transaction(place.tenant_id) as conn:
        region_id, _ = await hold_private(conn, tenant_id=place.tenant_id, slug=place.region)
        stored = await _known(conn, place, agent_id)
        check_revision(stored.revision)
        wanted = structs.replace(stored.agent, **changes)
        if (wanted.name, wanted.enabled) == (stored.agent.name, stored.agent.enabled):
            return stored
        await region_agents.change_own(
            conn,
            tenant_id=place.tenant_id,
            region_id=region_id,
            agent_id=agent_id,
            name=wanted.name,
            enabled=wanted.enabled,
        )
        await agents.hint_assignments(conn, region_id=region_id)
        return await _known(conn, place, agent_id)


async def rotate_agent(database: Database, place: Place, agent_id: AgentId, *, pepper: bytes) -> IssuedProbeKey:
    """A new key; the one before overlaps. Raises NotFound, Forbidden REGION_SHARED."""
    key = make_key(KeyKind.AGENT, os.urandom(ENTROPY_BYTES))
    async with database.tenant_transaction(place.tenant_id) as conn:
        region_id, _ = await hold_private(conn, tenant_id=place.tenant_id, slug=place.region)
        until = await region_agents.rotate_own(
            conn,
            tenant_id=place.tenant_id,
            region_id=region_id,
            agent_id=agent_id,
            key_digest=key_digest(key, pepper),
            overlap=OVERLAP,
        )
        found = await _known(conn, place, agent_id)
        return IssuedProbeKey(agent=found.agent, key=key, previous_key_until=until)


async def remove_region_agent(
    database: Database, place: Place, agent_id: AgentId, *, check_revision: Callable[[int], None]
) -> None:
    """Remove an agent and its keys. Raises NotFound, and what `check_revision` raises.

    As the application, because what the operator was told of the agent goes with it; whose it is, is asked before, and
    nothing moves an agent to another region.
    """
    async with database.tenant(place.tenant_id) as conn:
        await read_agent(conn, place, agent_id)
    async with database.app_transaction() as conn:
        await region_agents.record_for(conn, tenant_id=place.tenant_id)
        await operator_incidents.hold_about(conn, agent_id=agent_id)
        await regions.hold_own(conn, tenant_id=place.tenant_id, slug=place.region)
        check_revision((await _known(conn, place, agent_id)).revision)
        region_id = await agents.delete(conn, agent_id=agent_id)
        if region_id is not None:
            await agents.hint_assignments(conn, region_id=region_id)


async def _known(conn: Connection, place: Place, agent_id: AgentId) -> OwnAgent:
    found = await region_agents.get_own(conn, tenant_id=place.tenant_id, region=place.region, agent_id=agent_id)
    if found is None:
        raise NotFound("There is no such agent", code="AGENT_NOT_FOUND")
    return found
