"""invitations and setup_links: the two kinds of links that let a person in. Only digests are stored."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from msgspec import Struct

from control_plane.domain.tenants.credentials import Role
from control_plane.store.pool import Connection
from shared.ids import TenantId

State = Literal["pending", "expired", "accepted", "revoked"]


class Invitation(Struct, frozen=True):
    """An invitation, without its link."""

    id: UUID
    email: str
    role: Role
    state: State
    invited_by: str
    created_at: datetime
    sent_at: datetime
    expires_at: datetime
    accepted_at: datetime | None
    revoked_at: datetime | None


class OpenInvitation(Struct, frozen=True):
    """What a link that still counts leads to."""

    tenant_id: TenantId
    tenant_name: str
    suspended: bool
    id: UUID
    email: str
    role: Role
    invited_by: str
    expires_at: datetime


_STATE = """CASE WHEN accepted_at IS NOT NULL THEN 'accepted' WHEN revoked_at IS NOT NULL THEN 'revoked'
    WHEN expires_at <= now() THEN 'expired' ELSE 'pending' END"""
_COLUMNS = f"id, email, role, {_STATE} AS state, invited_by, created_at, sent_at, expires_at, accepted_at, revoked_at"

LIST = f"""
SELECT {_COLUMNS}, count(*) OVER () AS total FROM invitations
WHERE tenant_id = $1 AND ($2::text IS NULL OR {_STATE} = $2) ORDER BY id DESC LIMIT $3 OFFSET $4
"""

COUNT = f"SELECT count(*) FROM invitations WHERE tenant_id = $1 AND ($2::text IS NULL OR {_STATE} = $2)"


async def list_all(
    conn: Connection, *, tenant_id: TenantId, state: State | None, limit: int, offset: int
) -> tuple[list[Invitation], int]:
    """A page of invitations, newest first, and how many there are."""
    rows = await conn.fetch(LIST, tenant_id, state, limit, offset)
    total = rows[0]["total"] if rows else await conn.fetchval(COUNT, tenant_id, state)
    return [_invitation(row) for row in rows], total


async def count_pending(conn: Connection, *, tenant_id: TenantId) -> int:
    """How many links of a tenant still count."""
    found: int = await conn.fetchval(COUNT, tenant_id, "pending")
    return found


GET = f"SELECT {_COLUMNS} FROM invitations WHERE tenant_id = $1 AND id = $2"


async def get(conn: Connection, *, tenant_id: TenantId, invitation_id: UUID) -> Invitation | None:
    """One invitation."""
    row = await conn.fetchrow(GET, tenant_id, invitation_id)
    return row and _invitation(row)


REVOKE_EXPIRED = """
UPDATE invitations SET revoked_at = now()
WHERE tenant_id = $1 AND email = $2 AND accepted_at IS NULL AND revoked_at IS NULL AND expires_at <= now()
"""

INSERT = f"""
INSERT INTO invitations (tenant_id, id, email, role, digest, invited_by, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, now() + $7::interval) RETURNING {_COLUMNS}
"""


async def insert(
    conn: Connection,
    *,
    tenant_id: TenantId,
    invitation_id: UUID,
    email: str,
    role: Role,
    digest: bytes,
    invited_by: str,
    lasts: timedelta,
) -> Invitation:
    """A new invitation, in place of one to the same address that ran out."""
    await conn.execute(REVOKE_EXPIRED, tenant_id, email)
    return _invitation(await conn.fetchrow(INSERT, tenant_id, invitation_id, email, role, digest, invited_by, lasts))


RESEND = f"""
UPDATE invitations SET digest = $3, sent_at = now(), expires_at = now() + $4::interval
WHERE tenant_id = $1 AND id = $2 AND accepted_at IS NULL AND revoked_at IS NULL RETURNING {_COLUMNS}
"""


async def resend(
    conn: Connection, *, tenant_id: TenantId, invitation_id: UUID, digest: bytes, lasts: timedelta
) -> Invitation | None:
    """Give an open invitation another link and its full time again; None when it is over."""
    row = await conn.fetchrow(RESEND, tenant_id, invitation_id, digest, lasts)
    return row and _invitation(row)


REVOKE = """
UPDATE invitations SET revoked_at = now()
WHERE tenant_id = $1 AND id = $2 AND accepted_at IS NULL AND revoked_at IS NULL RETURNING id
"""


async def revoke(conn: Connection, *, tenant_id: TenantId, invitation_id: UUID) -> bool:
    """Let the link count no more; False when it did not any more."""
    return await conn.fetchval(REVOKE, tenant_id, invitation_id) is not None


FLEET_FIND_OPEN = """
SELECT i.tenant_id, t.name AS tenant_name, t.suspended_at IS NOT NULL AS suspended, i.id, i.email, i.role, i.invited_by,
       i.expires_at
FROM invitations AS i JOIN tenants AS t ON t.id = i.tenant_id
WHERE i.digest = $1 AND i.accepted_at IS NULL AND i.revoked_at IS NULL AND i.expires_at > now()
"""


async def find_open(conn: Connection, *, digest: bytes) -> OpenInvitation | None:
    """What this link leads to while it counts: a look-up that knows no tenant yet."""
    row = await conn.fetchrow(FLEET_FIND_OPEN, digest)
    return row and OpenInvitation(**{**dict(row), "role": Role(row["role"])})


ACCEPT = """
UPDATE invitations SET accepted_at = now(), accepted_by = $3
WHERE tenant_id = $1 AND id = $2 AND accepted_at IS NULL AND revoked_at IS NULL AND expires_at > now() RETURNING id
"""


async def accept(conn: Connection, *, tenant_id: TenantId, invitation_id: UUID, user_id: UUID) -> bool:
    """Use the link up; False when somebody was faster, or it ran out."""
    return await conn.fetchval(ACCEPT, tenant_id, invitation_id, user_id) is not None


INSERT_SETUP = "INSERT INTO setup_links (tenant_id, digest, expires_at) VALUES ($1, $2, now() + $3::interval)"


async def insert_setup(conn: Connection, *, tenant_id: TenantId, digest: bytes, lasts: timedelta) -> None:
    """The link of a first run."""
    await conn.execute(INSERT_SETUP, tenant_id, digest, lasts)


class OpenSetup(Struct, frozen=True):
    """The tenant that a setup link is for."""

    tenant_id: TenantId
    tenant_name: str


FLEET_FIND_SETUP = """
SELECT l.tenant_id, t.name AS tenant_name FROM setup_links AS l JOIN tenants AS t ON t.id = l.tenant_id
WHERE l.digest = $1 AND l.used_at IS NULL AND l.expires_at > now()
  AND NOT EXISTS (SELECT FROM members AS m WHERE m.tenant_id = l.tenant_id AND m.role = 'owner')
"""


async def find_setup(conn: Connection, *, digest: bytes) -> OpenSetup | None:
    """What this link sets up, while it counts and its tenant has no owner."""
    row = await conn.fetchrow(FLEET_FIND_SETUP, digest)
    return row and OpenSetup(**row)


USE_SETUP = """
UPDATE setup_links SET used_at = now() WHERE tenant_id = $1 AND digest = $2 AND used_at IS NULL AND expires_at > now()
RETURNING tenant_id
"""


async def use_setup(conn: Connection, *, tenant_id: TenantId, digest: bytes) -> bool:
    """Use the link up; False when somebody was faster, or it ran out."""
    return await conn.fetchval(USE_SETUP, tenant_id, digest) is not None


def _invitation(row: Connection) -> Invitation:
    fields = {name: value for name, value in row.items() if name != "total"}
    return Invitation(**{**fields, "role": Role(row["role"])})
