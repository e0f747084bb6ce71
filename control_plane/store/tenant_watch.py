"""What the operator is told of tenants: who is suspended, and who has used up what the plan gives."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from control_plane.store.pool import Connection

# The number is arbitrary and only used here.
FLEET_TRY_WATCH = "SELECT pg_try_advisory_xact_lock(7346112219)"


async def try_watch(conn: Connection) -> bool:
    """Whether this transaction is the one that watches now."""
    mine: bool = await conn.fetchval(FLEET_TRY_WATCH)
    return mine


class Suspended(Struct, frozen=True):
    """A tenant that the operator has suspended."""

    id: UUID
    name: str
    suspended_at: datetime


FLEET_SUSPENDED = "SELECT id, name, suspended_at FROM tenants WHERE suspended_at IS NOT NULL ORDER BY id"


async def suspended(conn: Connection) -> list[Suspended]:
    """All of them."""
    return [Suspended(**row) for row in await conn.fetch(FLEET_SUSPENDED)]


class UsedUp(Struct, frozen=True):
    """A quota of a tenant that has no room left."""

    id: UUID
    name: str
    plan: str
    quota: str
    used: int
    limit: int


# Limits of 1 are left out: who has the one thing that the plan gives has used it, and that is no news.
FLEET_USED_UP = """
WITH used AS (
    SELECT tenant_id, 'max_monitors' AS quota, count(*) AS used FROM monitors GROUP BY tenant_id
    UNION ALL SELECT tenant_id, 'members', count(*) FROM members GROUP BY tenant_id
    UNION ALL SELECT tenant_id, 'channels', count(*) FROM channels GROUP BY tenant_id
    UNION ALL SELECT tenant_id, 'keys', count(*) FROM api_keys WHERE expires_at IS NULL GROUP BY tenant_id
    UNION ALL SELECT tenant_id, 'private_regions', count(*) FROM regions WHERE tenant_id IS NOT NULL GROUP BY tenant_id
), limited AS (
    SELECT t.id, t.name, t.plan, u.quota, u.used, CASE
        WHEN t.overrides->'quotas' ? u.quota THEN (t.overrides->'quotas'->>u.quota)::bigint
        ELSE (p.quotas->>u.quota)::bigint END AS "limit"
    FROM used u JOIN tenants t ON t.id = u.tenant_id JOIN plans p ON p.name = t.plan
)
SELECT id, name, plan, quota, used, "limit" FROM limited WHERE "limit" > 1 AND used >= "limit" ORDER BY id, quota
"""


async def used_up(conn: Connection) -> list[UsedUp]:
    """Every quota of every tenant that is full."""
    return [UsedUp(**row) for row in await conn.fetch(FLEET_USED_UP)]
