"""Agents and their probe keys. A key is in the answer and nowhere else."""

from __future__ import annotations

import os
from datetime import datetime, timedelta

from msgspec import Struct

from control_plane.domain.tenants.credentials import ENTROPY_BYTES, KeyKind, key_digest, make_key
from control_plane.errors import NotFound
from control_plane.services.fleet.find_region import find_region
from control_plane.services.installation.identity import new_id
from control_plane.services.installation.require_revision import require_revision
from control_plane.store import agents, operator_incidents, regions
from control_plane.store.agents import Agent
from control_plane.store.pool import Connection, Database
from shared.ids import AgentId

OVERLAP = timedelta(minutes=5)
"""How long a rotated probe key still counts."""


class IssuedProbeKey(Struct, frozen=True):
    """An agent with its new key, and until when the one before counts."""

    agent: Agent
    key: str
    previous_key_until: datetime | None = None


async def create_agent(database: Database, *, region: str, name: str, pepper: bytes) -> IssuedProbeKey:
    """A new agent of a region, as the operator names it. Raises NotFound, Conflict NAME_TAKEN, REGION_AMBIGUOUS."""
    async with database.app_transaction() as conn:
        region_id = await find_region(conn, region, field="/region")
        if not await regions.lock(conn, key=region_id):
            raise NotFound("There is no such region", code="REGION_NOT_FOUND", field="/region")
        agent_id, key = await write_agent(conn, region_id=region_id, name=name, pepper=pepper)
        return IssuedProbeKey(agent=await _known(conn, agent_id), key=key)


async def rotate_probe_key(database: Database, agent_id: AgentId, *, pepper: bytes) -> IssuedProbeKey:
    """A new key for an agent; the one before overlaps, any older one ends now. Raises NotFound."""
    key = make_key(KeyKind.AGENT, os.urandom(ENTROPY_BYTES))
    async with database.app_transaction() as conn:
        until = await agents.rotate(conn, agent_id=agent_id, key_digest=key_digest(key, pepper), overlap=OVERLAP)
        return IssuedProbeKey(agent=await _known(conn, agent_id), key=key, previous_key_until=until)


async def set_agent_enabled(database: Database, agent_id: AgentId, *, enabled: bool) -> Agent:
    """Let an agent work or not. Its share moves to the region's others. Raises NotFound."""
    async with database.app_transaction() as conn:
        region_id = await agents.set_enabled(conn, agent_id=agent_id, enabled=enabled)
        if region_id is not None:
            await agents.hint_assignments(conn, region_id=region_id)
        return await _known(conn, agent_id)


async def remove_agent(database: Database, agent_id: AgentId, *, accepted: frozenset[int] | None = None) -> None:
    """`accepted`: the revisions that If-Match allows, None for any. Raises NotFound, PreconditionFailed."""
    async with database.app_transaction() as conn:
        await operator_incidents.hold_about(conn, agent_id=agent_id)
        revision = await agents.revision(conn, agent_id=agent_id)
        if revision is not None:
            require_revision(revision, accepted)
        region_id = await agents.delete(conn, agent_id=agent_id)
        if region_id is None:
            raise _unknown()
        await agents.hint_assignments(conn, region_id=region_id)


async def write_agent(conn: Connection, *, region_id: int, name: str, pepper: bytes) -> tuple[AgentId, str]:
    """Store an agent inside the caller's transaction; its id and key."""
    key = make_key(KeyKind.AGENT, os.urandom(ENTROPY_BYTES))
    agent_id = AgentId(new_id())
    await agents.insert(conn, agent_id=agent_id, region_id=region_id, name=name, key_digest=key_digest(key, pepper))
    return agent_id, key


async def _known(conn: Connection, agent_id: AgentId) -> Agent:
    agent = await agents.get(conn, agent_id=agent_id)
    if agent is None:
        raise _unknown()
    return agent


def _unknown() -> NotFound:
    return NotFound("There is no such agent", code="AGENT_NOT_FOUND")
