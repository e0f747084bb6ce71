"""channel_verifications: links by which addresses say yes. Only digests are stored."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from control_plane.store.pool import Connection
from shared.ids import TenantId

INSERT = """
INSERT INTO channel_verifications (tenant_id, id, channel_id, address, digest, expires_at)
VALUES ($1, $2, $3, $4, $5, now() + $6::interval) RETURNING created_at
"""


async def insert(
    conn: Connection,
    *,
    tenant_id: TenantId,
    verification_id: UUID,
    channel_id: UUID,
    address: str,
    digest: bytes,
    lasts: timedelta,
) -> datetime:
    """Keep a new link; when it was made."""
    made: datetime = await conn.fetchval(INSERT, tenant_id, verification_id, channel_id, address, digest, lasts)
    return made


COUNT_RECENT = """
SELECT count(*) FILTER (WHERE channel_id = $2) AS of_channel, count(*) AS of_tenant
FROM channel_verifications WHERE tenant_id = $1 AND created_at > now() - $3::interval
"""


class Recent(Struct, frozen=True):
    """How many links were made lately."""

    of_channel: int
    of_tenant: int


async def count_recent(conn: Connection, *, tenant_id: TenantId, channel_id: UUID, within: timedelta) -> Recent:
    """To decide by it, hold the tenant's counters."""
    return Recent(**await conn.fetchrow(COUNT_RECENT, tenant_id, channel_id, within))


VERIFIED_AT = """
SELECT min(verified_at) FROM channels
WHERE tenant_id = $1 AND kind = 'email' AND config ->> 'to' = $2 AND verified_at IS NOT NULL
"""


async def verified_at(conn: Connection, *, tenant_id: TenantId, address: str) -> datetime | None:
    """When this address first said yes to a channel of this tenant that it has not said no to since."""
    at: datetime | None = await conn.fetchval(VERIFIED_AT, tenant_id, address)
    return at


class OpenLink(Struct, frozen=True):
    """What a link that still counts is for."""

    tenant_id: UUID
    tenant_name: str
    channel_id: UUID
    channel_name: str
    address: str


# The address is the channel's still: after a change the older links are for nothing.
FLEET_FIND_OPEN = """
SELECT v.tenant_id, t.name AS tenant_name, c.id AS channel_id, c.name AS channel_name, v.address
FROM channel_verifications v
JOIN tenants t ON t.id = v.tenant_id
JOIN channels c ON c.tenant_id = v.tenant_id AND c.id = v.channel_id
WHERE v.digest = $1 AND v.used_at IS NULL AND v.expires_at > now() AND c.config ->> 'to' = v.address
"""


async def find_open(conn: Connection, *, digest: bytes) -> OpenLink | None:
    """What this link is for while it counts: a look-up that knows no tenant yet."""
    row = await conn.fetchrow(FLEET_FIND_OPEN, digest)
    return row and OpenLink(**row)


# With the link, all others of the channel: none of them is needed any more.
USE = """
UPDATE channel_verifications SET used_at = now() WHERE tenant_id = $1 AND channel_id = $2 AND used_at IS NULL
"""
VERIFY = """
UPDATE channels SET verified_at = now(), updated_at = now(), revision = revision + 1 WHERE tenant_id = $1 AND id = $2
"""


async def verify(conn: Connection, *, tenant_id: TenantId, channel_id: UUID) -> None:
    """The address of a channel that is locked said yes. Its links count no more."""
    await conn.execute(USE, tenant_id, channel_id)
    await conn.execute(VERIFY, tenant_id, channel_id)


WITHDRAW = """
UPDATE channels
SET verified_at = NULL, enabled = false, disabled_reason = $3, updated_at = now(), revision = revision + 1
WHERE tenant_id = $1 AND id = $2
"""


async def withdraw(conn: Connection, *, tenant_id: TenantId, channel_id: UUID, reason: str) -> None:
    """The address of a channel that is locked said no: it is disabled, and has to be verified again to be told."""
    await conn.execute(WITHDRAW, tenant_id, channel_id, reason)
    await conn.execute(USE, tenant_id, channel_id)


ASKED = "UPDATE channels SET verification_sent_at = $3 WHERE tenant_id = $1 AND id = $2"


async def note_asked(conn: Connection, *, tenant_id: TenantId, channel_id: UUID, at: datetime) -> None:
    """A new link went to the address of a channel that is locked."""
    await conn.execute(ASKED, tenant_id, channel_id, at)
