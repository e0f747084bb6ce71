"""tenants and their counters."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from control_plane.store.pool import Connection
from shared.ids import TenantId

OPERATOR = TenantId(UUID(int=0))
"""Owns the operator's channels and what is owed to them. It is nobody's customer: no door shows it as a tenant."""

ANONYMOUS = TenantId(UUID(int=1))
"""Holds what people without an account created. Made on first need; the operator sees it among the tenants."""

_NOT_OPERATOR = f"id <> '{OPERATOR}'"
_CUSTOMER = f"id NOT IN ('{OPERATOR}', '{ANONYMOUS}')"


class Tenant(Struct, frozen=True):
    """A customer."""

    id: TenantId
    name: str
    plan: str
    overrides: Mapping[str, Any]
    suspended_at: datetime | None
    created_at: datetime
    updated_at: datetime
    revision: int


_COLUMNS = "id, name, plan, overrides, suspended_at, created_at, updated_at, revision"

INSERT = f"INSERT INTO tenants (id, name, plan) VALUES ($1, $2, $3) RETURNING {_COLUMNS}"
INSERT_COUNTERS = "INSERT INTO tenant_counters (tenant_id) VALUES ($1)"


async def insert(conn: Connection, *, tenant_id: TenantId, name: str, plan: str) -> Tenant:
    """A new tenant with its counters at nought."""
    row = await conn.fetchrow(INSERT, tenant_id, name, plan)
    await conn.execute(INSERT_COUNTERS, tenant_id)
    return Tenant(**row)


ENSURE_OPERATOR = f"""
INSERT INTO tenants (id, name, plan) VALUES ('{OPERATOR}', 'Operator', 'unlimited') ON CONFLICT DO NOTHING
"""
ENSURE_OPERATOR_COUNTERS = f"INSERT INTO tenant_counters (tenant_id) VALUES ('{OPERATOR}') ON CONFLICT DO NOTHING"


async def ensure_operator(conn: Connection) -> None:
    """Make the operator's own rows on first need; whoever comes at the same time waits for the commit."""
    await conn.execute(ENSURE_OPERATOR)
    await conn.execute(ENSURE_OPERATOR_COUNTERS)


ENSURE_ANONYMOUS = f"""
INSERT INTO tenants (id, name, plan) VALUES ('{ANONYMOUS}', 'Anonymous', 'anonymous') ON CONFLICT DO NOTHING
"""
ENSURE_ANONYMOUS_COUNTERS = f"INSERT INTO tenant_counters (tenant_id) VALUES ('{ANONYMOUS}') ON CONFLICT DO NOTHING"


async def ensure_anonymous(conn: Connection) -> None:
    """Make the rows of the anonymous tenant on first need; whoever comes at the same time waits for the commit."""
    await conn.execute(ENSURE_ANONYMOUS)
    await conn.execute(ENSURE_ANONYMOUS_COUNTERS)


GET = f"SELECT {_COLUMNS} FROM tenants WHERE id = $1 AND {_NOT_OPERATOR}"


async def get(conn: Connection, *, tenant_id: TenantId) -> Tenant | None:
    """One tenant."""
    row = await conn.fetchrow(GET, tenant_id)
    return row and Tenant(**row)


# NO KEY: rows that refer to the tenant, results among them, must not wait for whoever changes it.
LOCK = f"SELECT {_COLUMNS} FROM tenants WHERE id = $1 AND {_NOT_OPERATOR} FOR NO KEY UPDATE"


async def lock(conn: Connection, *, tenant_id: TenantId) -> Tenant | None:
    """One tenant, held against other writers until the transaction ends."""
    row = await conn.fetchrow(LOCK, tenant_id)
    return row and Tenant(**row)


_WANTED = f"""{_NOT_OPERATOR}
    AND ($1::text IS NULL OR strpos(lower(name), lower($1)) > 0 OR id::text = lower($1))
    AND ($2::text IS NULL OR plan = $2)
    AND ($3::boolean IS NULL OR (suspended_at IS NOT NULL) = $3)"""
LIST = f"SELECT {_COLUMNS} FROM tenants WHERE {_WANTED} ORDER BY id LIMIT $4 OFFSET $5"
COUNT = f"SELECT count(*) FROM tenants WHERE {_WANTED}"


class TenantFilter(Struct, frozen=True):
    """`q` is looked for in the name, or is an id. None is any."""

    q: str | None = None
    plan: str | None = None
    suspended: bool | None = None


async def list_all(conn: Connection, *, wanted: TenantFilter, limit: int, offset: int) -> tuple[list[Tenant], int]:
    """A page of the tenants that are wanted, oldest first, and how many there are."""
    given = (wanted.q, wanted.plan, wanted.suspended)
    rows = await conn.fetch(LIST, *given, limit, offset)
    return [Tenant(**row) for row in rows], await conn.fetchval(COUNT, *given)


UPDATE = f"""
UPDATE tenants SET
    name = coalesce($2, name),
    plan = coalesce($3, plan),
    suspended_at = CASE WHEN $4::boolean IS NULL THEN suspended_at WHEN $4 THEN coalesce(suspended_at, now()) END,
    overrides = coalesce($5, overrides),
    updated_at = now(), revision = revision + 1
WHERE id = $1
RETURNING {_COLUMNS}
"""


async def update(
    conn: Connection,
    *,
    tenant_id: TenantId,
    name: str | UnsetType = UNSET,
    plan: str | UnsetType = UNSET,
    suspended: bool | UnsetType = UNSET,
    overrides: Mapping[str, Any] | UnsetType = UNSET,
) -> Tenant:
    """Change what is set."""
    given = (None if value is UNSET else value for value in (name, plan, suspended, overrides))
    return Tenant(**await conn.fetchrow(UPDATE, tenant_id, *given))


# What a tenant may change of itself, and no more: its connections may write no other column.
RENAME = f"""
UPDATE tenants SET name = $2, updated_at = now(), revision = revision + 1 WHERE id = $1
RETURNING {_COLUMNS}
"""


async def rename(conn: Connection, *, tenant_id: TenantId, name: str) -> Tenant:
    """Give a tenant another name, as itself."""
    return Tenant(**await conn.fetchrow(RENAME, tenant_id, name))


NEXT_KEY_NUMBER = "UPDATE tenant_counters SET keys = keys + 1 WHERE tenant_id = $1 RETURNING keys"


async def next_key_number(conn: Connection, *, tenant_id: TenantId) -> int:
    """The next number of a key. Holds the tenant's counters until the transaction ends, so callers take turns."""
    number: int = await conn.fetchval(NEXT_KEY_NUMBER, tenant_id)
    return number


HOLD_COUNTERS = "SELECT 1 FROM tenant_counters WHERE tenant_id = $1 FOR UPDATE"


async def hold_counters(conn: Connection, *, tenant_id: TenantId) -> None:
    """Take turns with whoever makes keys of this tenant, until the transaction ends."""
    await conn.execute(HOLD_COUNTERS, tenant_id)


FLEET_HOLD_ALL_COUNTERS = """
SELECT FROM tenant_counters WHERE tenant_id = ANY($1::uuid[]) ORDER BY tenant_id FOR UPDATE
"""


async def hold_all_counters(conn: Connection, *, tenant_ids: Collection[UUID]) -> None:
    """Hold the counters of several tenants until the transaction ends, taken in ascending id as everybody does."""
    await conn.execute(FLEET_HOLD_ALL_COUNTERS, list(tenant_ids))


USAGE = """
SELECT (SELECT count(*) FROM monitors WHERE tenant_id = $1) AS max_monitors,
       (SELECT count(*) FROM members WHERE tenant_id = $1) AS members,
       (SELECT count(*) FROM invitations WHERE tenant_id = $1 AND accepted_at IS NULL AND revoked_at IS NULL
            AND expires_at > now()) AS invitations,
       (SELECT count(*) FROM channels WHERE tenant_id = $1) AS channels,
       (SELECT count(*) FROM api_keys WHERE tenant_id = $1 AND expires_at IS NULL) AS keys,
       (SELECT count(*) FROM regions WHERE tenant_id = $1) AS private_regions,
       (SELECT count(*) FROM maintenance_windows
        WHERE tenant_id = $1 AND ended_at IS NULL AND deleted_at IS NULL) AS maintenance,
       (SELECT count(*) FROM routes WHERE tenant_id = $1) AS routes,
       (SELECT count(*) FROM silences WHERE tenant_id = $1 AND ends_at > now()) AS silences
"""


async def usage(conn: Connection, *, tenant_id: TenantId) -> dict[str, int]:
    """How many a tenant has of what its plan counts, by quota; of windows and silences, those not over."""
    return dict(await conn.fetchrow(USAGE, tenant_id))


# The number is arbitrary and only used here.
HOLD_FIRST_RUN = "SELECT pg_advisory_xact_lock(7346112201)"
EXIST = f"SELECT EXISTS (SELECT FROM tenants WHERE {_CUSTOMER})"


async def hold_first_run(conn: Connection) -> None:
    """Take turns with other processes that start on an empty database, until the transaction ends."""
    await conn.execute(HOLD_FIRST_RUN)


async def exist(conn: Connection) -> bool:
    """Whether there is any tenant."""
    found: bool = await conn.fetchval(EXIST)
    return found


FIRST = f"SELECT id FROM tenants WHERE {_CUSTOMER} ORDER BY id LIMIT 1"


async def first(conn: Connection) -> TenantId:
    """The oldest tenant: the one of the first run. There is one."""
    tenant_id: TenantId = await conn.fetchval(FIRST)
    return tenant_id
