"""members: people in a tenant, each with a role."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from control_plane.domain.tenants.credentials import Role
from control_plane.store.pool import Connection
from shared.ids import TenantId


class Member(Struct, frozen=True):
    """A person in a tenant; `id` is the person's. `email_proven`: a provider vouched for the address."""

    id: UUID
    email: str
    email_proven: bool
    name: str
    role: Role
    created_at: datetime
    updated_at: datetime
    last_sign_in_at: datetime | None
    revision: int


class Membership(Struct, frozen=True):
    """A tenant that a person may enter."""

    tenant_id: TenantId
    tenant_name: str
    role: Role


_COLUMNS = """m.user_id AS id, u.email, u.email_proven, u.name, m.role, m.created_at, m.updated_at, u.last_sign_in_at,
    m.revision"""
_FROM = "FROM members AS m JOIN users AS u ON u.id = m.user_id"

LIST = f"""
SELECT {_COLUMNS}, count(*) OVER () AS total {_FROM} WHERE m.tenant_id = $1
ORDER BY array_position(ARRAY['owner', 'admin', 'member', 'viewer'], m.role), m.created_at, m.user_id LIMIT $2 OFFSET $3
"""

COUNT = "SELECT count(*) FROM members WHERE tenant_id = $1"


async def list_all(conn: Connection, *, tenant_id: TenantId, limit: int, offset: int) -> tuple[list[Member], int]:
    """A page of members, owners first, and how many there are."""
    rows = await conn.fetch(LIST, tenant_id, limit, offset)
    total = rows[0]["total"] if rows else await conn.fetchval(COUNT, tenant_id)
    return [_member(row) for row in rows], total


async def count(conn: Connection, *, tenant_id: TenantId) -> int:
    """How many members a tenant has."""
    found: int = await conn.fetchval(COUNT, tenant_id)
    return found


GET = f"SELECT {_COLUMNS} {_FROM} WHERE m.tenant_id = $1 AND m.user_id = $2"


async def get(conn: Connection, *, tenant_id: TenantId, user_id: UUID) -> Member | None:
    """One member."""
    row = await conn.fetchrow(GET, tenant_id, user_id)
    return row and _member(row)


FIND_BY_EMAIL = (
    f"SELECT {_COLUMNS} {_FROM} WHERE m.tenant_id = $1 AND u.email = $2 ORDER BY u.email_proven DESC LIMIT 1"
)


async def find_by_email(conn: Connection, *, tenant_id: TenantId, email: str) -> Member | None:
    """The member of this address, the one who proved it before one who did not."""
    row = await conn.fetchrow(FIND_BY_EMAIL, tenant_id, email)
    return row and _member(row)


COUNT_OWNERS = "SELECT count(*) FROM members WHERE tenant_id = $1 AND role = 'owner'"


async def count_owners(conn: Connection, *, tenant_id: TenantId) -> int:
    """How many owners a tenant has. To decide by it, hold the tenant's row (tenants.lock)."""
    found: int = await conn.fetchval(COUNT_OWNERS, tenant_id)
    return found


INSERT = "INSERT INTO members (tenant_id, user_id, role, email) VALUES ($1, $2, $3, $4)"


async def insert(conn: Connection, *, tenant_id: TenantId, user_id: UUID, role: Role, email: str) -> None:
    """Let a person in."""
    await conn.execute(INSERT, tenant_id, user_id, role, email)


SET_ROLE = """
UPDATE members SET role = $3, updated_at = now(), revision = revision + 1
WHERE tenant_id = $1 AND user_id = $2 AND role <> $3
"""


async def set_role(conn: Connection, *, tenant_id: TenantId, user_id: UUID, role: Role) -> None:
    """Give a member another role; nothing changes when it is the one they have."""
    await conn.execute(SET_ROLE, tenant_id, user_id, role)


DELETE = "DELETE FROM members WHERE tenant_id = $1 AND user_id = $2"


async def delete(conn: Connection, *, tenant_id: TenantId, user_id: UUID) -> None:
    """Send a member away; their sessions of this tenant go with them."""
    await conn.execute(DELETE, tenant_id, user_id)


FLEET_OF_USER = """
SELECT m.tenant_id, t.name AS tenant_name, m.role FROM members AS m JOIN tenants AS t ON t.id = m.tenant_id
WHERE m.user_id = $1
ORDER BY (SELECT max(s.created_at) FROM sessions AS s WHERE s.tenant_id = m.tenant_id AND s.user_id = m.user_id)
    DESC NULLS LAST, m.created_at, m.tenant_id
"""


async def of_user(conn: Connection, *, user_id: UUID) -> list[Membership]:
    """The tenants of a person, the one last signed in to first."""
    return [_membership(row) for row in await conn.fetch(FLEET_OF_USER, user_id)]


def _member(row: Connection) -> Member:
    fields = {name: value for name, value in row.items() if name != "total"}
    return Member(**{**fields, "role": Role(row["role"])})


def _membership(row: Connection) -> Membership:
    return Membership(row["tenant_id"], row["tenant_name"], Role(row["role"]))
