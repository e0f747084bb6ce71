"""agents of private regions, as their tenant reads and changes them. store/agents.py has the operator's fleet."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from control_plane.store.agents import Agent
from control_plane.store.pool import Connection
from shared.ids import AgentId, TenantId


class OwnAgent(Struct, frozen=True):
    """An agent with the revision of what people decide about it."""

    agent: Agent
    revision: int


_AGENT = """
SELECT a.id, a.number, a.name, r.slug AS region, a.enabled, coalesce(a.lease_until > now(), false) AS live, a.healthy,
    a.health_reason, a.version, a.capabilities, a.last_seen_at, a.clock_offset_ms, a.saturation, a.lag_ms, a.spooled,
    a.created_at, a.revision
FROM agents a JOIN regions r ON r.id = a.region_id
WHERE r.tenant_id = $1 AND r.slug = $2
"""

LIST_OWN = f"""
{_AGENT} AND ($3::text IS NULL OR strpos(lower(a.name), lower($3)) > 0) AND ($4::boolean IS NULL OR a.enabled = $4)
ORDER BY a.number LIMIT $5 OFFSET $6
"""
COUNT_OWN = """
SELECT count(*) FROM agents a JOIN regions r ON r.id = a.region_id
WHERE r.tenant_id = $1 AND r.slug = $2
    AND ($3::text IS NULL OR strpos(lower(a.name), lower($3)) > 0) AND ($4::boolean IS NULL OR a.enabled = $4)
"""


async def list_own(
    conn: Connection,
    *,
    tenant_id: TenantId,
    region: str,
    q: str | None = None,
    enabled: bool | None = None,
    limit: int,
    offset: int,
) -> tuple[list[Agent], int]:
    """A page of the agents of the tenant's private region, and how many there are."""
    rows = await conn.fetch(LIST_OWN, tenant_id, region, q, enabled, limit, offset)
    total: int = await conn.fetchval(COUNT_OWN, tenant_id, region, q, enabled)
    return [_own(row).agent for row in rows], total


GET_OWN = f"{_AGENT} AND a.id = $3"


async def get_own(conn: Connection, *, tenant_id: TenantId, region: str, agent_id: AgentId) -> OwnAgent | None:
    """One agent of the tenant's private region."""
    row = await conn.fetchrow(GET_OWN, tenant_id, region, agent_id)
    return None if row is None else _own(row)


COUNT_IN = "SELECT count(*) FROM agents a JOIN regions r ON r.id = a.region_id WHERE r.tenant_id = $1 AND r.id = $2"


async def count_in(conn: Connection, *, tenant_id: TenantId, region_id: int) -> int:
    """How many agents the tenant's region has, disabled ones as well."""
    count: int = await conn.fetchval(COUNT_IN, tenant_id, region_id)
    return count


# As store/agents.SET_ENABLED: a disabled agent gives its lease back, one that is let in again is awaited.
CHANGE_OWN = """
UPDATE agents a
SET name = $4, enabled = $5, revision = a.revision + 1,
    lease_until = CASE WHEN $5 = a.enabled THEN a.lease_until WHEN $5 THEN coalesce(a.lease_until, now()) END,
    left_at = CASE WHEN $5 AND NOT a.enabled AND a.lease_until IS NULL AND a.last_seen_at IS NOT NULL THEN now()
        ELSE a.left_at END
FROM regions r
WHERE r.id = a.region_id AND r.tenant_id = $1 AND r.id = $2 AND a.id = $3
"""


async def change_own(
    conn: Connection, *, tenant_id: TenantId, region_id: int, agent_id: AgentId, name: str, enabled: bool
) -> None:
    """Write what people decide about an agent."""
    await conn.execute(CHANGE_OWN, tenant_id, region_id, agent_id, name, enabled)


ROTATE_OWN = """
UPDATE agents a
SET key_digest = $4, previous_key_digest = a.key_digest, previous_key_until = now() + $5::interval,
    revision = a.revision + 1
FROM regions r
WHERE r.id = a.region_id AND r.tenant_id = $1 AND r.id = $2 AND a.id = $3
RETURNING a.previous_key_until
"""


async def rotate_own(
    conn: Connection,
    *,
    tenant_id: TenantId,
    region_id: int,
    agent_id: AgentId,
    key_digest: bytes,
    overlap: timedelta,
) -> datetime | None:
    """Give an agent a new key; until when the one before counts, None where there is no such agent."""
    until: datetime | None = await conn.fetchval(ROTATE_OWN, tenant_id, region_id, agent_id, key_digest, overlap)
    return until


RECORD_FOR = "SELECT set_config('farwatch.tenant_id', $1::uuid::text, true)"


async def record_for(conn: Connection, *, tenant_id: UUID) -> None:
    """Let the audit of this transaction be the tenant's: rows of agents do not say whose they are."""
    await conn.execute(RECORD_FOR, tenant_id)


def _own(row: Connection) -> OwnAgent:
    values = dict(row)
    revision = values.pop("revision")
    return OwnAgent(Agent(**values), revision)
