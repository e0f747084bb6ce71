"""agents: the registry of the fleet. Leases and health are written by store/leases.py."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct

from control_plane.store.pool import Connection
from shared.ids import AgentId, RegionSlug, TenantId


class AgentOwner(Struct, frozen=True):
    """What authentication needs to know of an agent."""

    agent_id: AgentId
    agent_number: int
    agent_name: str
    enabled: bool
    region_id: int
    region_slug: RegionSlug
    region_name: str
    region_tenant_id: TenantId | None
    allow_cidrs: tuple[str, ...]


class Agent(Struct, frozen=True):
    """An agent as the operator sees it. Durations in milliseconds; `saturation` is the share of check slots in use."""

    id: UUID
    number: int
    name: str
    region: str
    enabled: bool
    live: bool
    healthy: bool
    health_reason: str | None
    version: str | None
    capabilities: list[str]
    last_seen_at: datetime | None
    clock_offset_ms: int | None
    saturation: float | None
    lag_ms: float | None
    spooled: int | None
    created_at: datetime


FIND_OWNER = """
SELECT a.id AS agent_id, a.number AS agent_number, a.name AS agent_name, a.enabled, r.id AS region_id,
       r.slug AS region_slug, r.name AS region_name, r.tenant_id AS region_tenant_id,
       r.allow_cidrs::text[] AS allow_cidrs
FROM agents a JOIN regions r ON r.id = a.region_id
WHERE a.key_digest = $1 OR (a.previous_key_digest = $1 AND a.previous_key_until > now())
"""


async def find_owner(conn: Connection, *, digest: bytes) -> AgentOwner | None:
    """Whose probe key this is; a rotated key counts for as long as it overlaps."""
    row = await conn.fetchrow(FIND_OWNER, digest)
    return row and AgentOwner(**{**row, "allow_cidrs": tuple(row["allow_cidrs"])})


_COLUMNS = """
a.id, a.number, a.name, r.slug AS region, a.enabled, coalesce(a.lease_until > now(), false) AS live, a.healthy,
a.health_reason, a.version, a.capabilities, a.last_seen_at, a.clock_offset_ms, a.saturation, a.lag_ms, a.spooled,
a.created_at
"""

INSERT = "INSERT INTO agents (id, region_id, name, key_digest) VALUES ($1, $2, $3, $4)"


async def insert(conn: Connection, *, agent_id: AgentId, region_id: int, name: str, key_digest: bytes) -> None:
    """A new agent of a region."""
    await conn.execute(INSERT, agent_id, region_id, name, key_digest)


FLEET_GET = f"SELECT {_COLUMNS} FROM agents a JOIN regions r ON r.id = a.region_id WHERE a.id = $1"


async def get(conn: Connection, *, agent_id: AgentId) -> Agent | None:
    """One agent."""
    row = await conn.fetchrow(FLEET_GET, agent_id)
    return row and Agent(**row)


FLEET_REVISION = "SELECT revision FROM agents WHERE id = $1"


async def revision(conn: Connection, *, agent_id: AgentId) -> int | None:
    """The revision of what people decide about an agent; None when there is no such agent."""
    found: int | None = await conn.fetchval(FLEET_REVISION, agent_id)
    return found


FLEET_LIST = f"""
SELECT {_COLUMNS} FROM agents a JOIN regions r ON r.id = a.region_id
WHERE $1::text IS NULL OR $1 IN (r.slug, r.tenant_id || ':' || r.slug) ORDER BY a.number LIMIT $2 OFFSET $3
"""
FLEET_COUNT = """
SELECT count(*) FROM agents a JOIN regions r ON r.id = a.region_id
WHERE $1::text IS NULL OR $1 IN (r.slug, r.tenant_id || ':' || r.slug)
"""


async def list_all(conn: Connection, *, region: str | None, limit: int, offset: int) -> tuple[list[Agent], int]:
    """A page of the fleet, or of one region, and how many there are."""
    rows = await conn.fetch(FLEET_LIST, region, limit, offset)
    return [Agent(**row) for row in rows], await conn.fetchval(FLEET_COUNT, region)


ROTATE = """
UPDATE agents SET key_digest = $2, previous_key_digest = key_digest, previous_key_until = now() + $3::interval,
    revision = revision + 1
WHERE id = $1 RETURNING previous_key_until
"""


async def rotate(conn: Connection, *, agent_id: AgentId, key_digest: bytes, overlap: timedelta) -> datetime | None:
    """Give an agent a new key; until when the old one still counts, or None when there is no such agent."""
    until: datetime | None = await conn.fetchval(ROTATE, agent_id, key_digest, overlap)
    return until


# A disabled agent gives its lease back, so that its share moves to the region's others at once. One that is let in
# again is awaited as if it had just said goodbye: it asks again once a minute.
SET_ENABLED = """
UPDATE agents
SET enabled = $2, lease_until = CASE WHEN $2 THEN coalesce(lease_until, now()) END,
    left_at = CASE WHEN $2 AND lease_until IS NULL AND last_seen_at IS NOT NULL THEN now() ELSE left_at END,
    revision = revision + 1
WHERE id = $1 RETURNING region_id
"""


async def set_enabled(conn: Connection, *, agent_id: AgentId, enabled: bool) -> int | None:
    """Let an agent work or not; its region, or None when there is no such agent."""
    region_id: int | None = await conn.fetchval(SET_ENABLED, agent_id, enabled)
    return region_id


DELETE = "DELETE FROM agents WHERE id = $1 RETURNING region_id"


async def delete(conn: Connection, *, agent_id: AgentId) -> int | None:
    """Remove an agent and its keys; its region, or None when there is no such agent."""
    region_id: int | None = await conn.fetchval(DELETE, agent_id)
    return region_id


NOTIFY = "SELECT pg_notify('farwatch_assignments', $1::text)"


async def hint_assignments(conn: Connection, *, region_id: int) -> Any:
    """Tell the agents of a region to look again."""
    await conn.execute(NOTIFY, str(region_id))
