"""channel_links: codes by which somebody connects a chat or a channel. Only digests are stored."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from control_plane.domain.channels.channel_link import Purpose, State
from control_plane.store.pool import Connection
from shared.ids import TenantId


class ChannelLink(Struct, frozen=True, kw_only=True):
    """A link, without its code. `channel_id` is what it made; the channel may be gone since."""

    id: UUID
    state: State
    name: str | None
    kind: str | None
    channel_id: UUID | None
    created_by: str | None
    created_at: datetime
    expires_at: datetime
    consumed_at: datetime | None


class OpenLink(Struct, frozen=True, kw_only=True):
    """What a code that still counts leads to."""

    tenant_id: TenantId
    tenant_name: str
    id: UUID
    purpose: Purpose
    name: str | None
    kind: str | None
    created_by: str | None
    expires_at: datetime


_OPEN = "consumed_at IS NULL AND revoked_at IS NULL AND expires_at > now()"
_STATE = f"CASE WHEN consumed_at IS NOT NULL THEN 'consumed' WHEN {_OPEN} THEN 'pending' ELSE 'expired' END"
_COLUMNS = f"id, {_STATE} AS state, name, kind, channel_id, created_by, created_at, expires_at, consumed_at"

COUNT_PENDING = f"SELECT count(*) FROM channel_links WHERE tenant_id = $1 AND purpose = $2 AND {_OPEN}"


async def count_pending(conn: Connection, *, tenant_id: TenantId, purpose: Purpose) -> int:
    """How many codes for this are outstanding."""
    found: int = await conn.fetchval(COUNT_PENDING, tenant_id, purpose)
    return found


INSERT = f"""
INSERT INTO channel_links (tenant_id, id, purpose, name, kind, digest, created_by, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, now() + $8::interval) RETURNING {_COLUMNS}
"""


async def insert(
    conn: Connection,
    *,
    tenant_id: TenantId,
    link_id: UUID,
    purpose: Purpose,
    name: str | None,
    kind: str | None,
    digest: bytes,
    created_by: str,
    lasts: timedelta,
) -> ChannelLink:
    """A new link."""
    row = await conn.fetchrow(INSERT, tenant_id, link_id, purpose, name, kind, digest, created_by, lasts)
    return ChannelLink(**row)


GET = f"SELECT {_COLUMNS} FROM channel_links WHERE tenant_id = $1 AND purpose = $2 AND id = $3"


async def get(conn: Connection, *, tenant_id: TenantId, purpose: Purpose, link_id: UUID) -> ChannelLink | None:
    """One link."""
    row = await conn.fetchrow(GET, tenant_id, purpose, link_id)
    return None if row is None else ChannelLink(**row)


LIST = f"""
SELECT {_COLUMNS} FROM channel_links WHERE tenant_id = $1 AND purpose = $2 ORDER BY id DESC LIMIT $3 OFFSET $4
"""
COUNT = "SELECT count(*) FROM channel_links WHERE tenant_id = $1 AND purpose = $2"


async def list_all(
    conn: Connection, *, tenant_id: TenantId, purpose: Purpose, limit: int, offset: int
) -> list[ChannelLink]:
    """A page of links, newest first."""
    return [ChannelLink(**row) for row in await conn.fetch(LIST, tenant_id, purpose, limit, offset)]


async def count(conn: Connection, *, tenant_id: TenantId, purpose: Purpose) -> int:
    """How many there are."""
    found: int = await conn.fetchval(COUNT, tenant_id, purpose)
    return found


REVOKE = f"""
UPDATE channel_links SET revoked_at = now() WHERE tenant_id = $1 AND purpose = $2 AND id = $3 AND {_OPEN} RETURNING id
"""


async def revoke(conn: Connection, *, tenant_id: TenantId, purpose: Purpose, link_id: UUID) -> bool:
    """Let a code count no more; False when it did not any more."""
    return await conn.fetchval(REVOKE, tenant_id, purpose, link_id) is not None


FLEET_FIND_OPEN = """
SELECT l.tenant_id, t.name AS tenant_name, l.id, l.purpose, l.name, l.kind, l.created_by, l.expires_at
FROM channel_links AS l JOIN tenants AS t ON t.id = l.tenant_id
WHERE l.digest = $1 AND l.purpose = ANY ($2::text[]) AND l.consumed_at IS NULL AND l.revoked_at IS NULL
  AND l.expires_at > now() AND t.suspended_at IS NULL
"""


async def find_open(conn: Connection, *, digest: bytes, purposes: Sequence[Purpose]) -> OpenLink | None:
    """What this code leads to while it counts: a look-up that knows no tenant yet."""
    row = await conn.fetchrow(FLEET_FIND_OPEN, digest, list(purposes))
    return None if row is None else OpenLink(**row)


FLEET_FIND_MADE = """
SELECT c.kind, c.config FROM channel_links AS l
JOIN channels AS c ON c.tenant_id = l.tenant_id AND c.id = l.channel_id
WHERE l.digest = $1 AND l.purpose = ANY ($2::text[])
"""


class Made(Struct, frozen=True):
    """A channel that a code has made, as far as it may be read."""

    kind: str
    config: dict[str, object]


async def find_made(conn: Connection, *, digest: bytes, purposes: Sequence[Purpose]) -> Made | None:
    """What a code that was used has made, to know its sender again; None while it is open, or the channel is gone."""
    row = await conn.fetchrow(FLEET_FIND_MADE, digest, list(purposes))
    return None if row is None else Made(**row)


LOCK_OPEN = f"SELECT id FROM channel_links WHERE tenant_id = $1 AND id = $2 AND {_OPEN} FOR UPDATE"


async def lock_open(conn: Connection, *, tenant_id: TenantId, link_id: UUID) -> bool:
    """Hold a link until commit; False when it does not count any more. Who comes second waits, and is told so."""
    return await conn.fetchval(LOCK_OPEN, tenant_id, link_id) is not None


CONSUME = "UPDATE channel_links SET consumed_at = now(), channel_id = $3 WHERE tenant_id = $1 AND id = $2"


async def consume(conn: Connection, *, tenant_id: TenantId, link_id: UUID, channel_id: UUID) -> None:
    """Use a link up that is held."""
    await conn.execute(CONSUME, tenant_id, link_id, channel_id)
