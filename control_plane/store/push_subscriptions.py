"""Browsers that want to be told. The address and the keys of each are its channel's, sealed."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from control_plane.store.pool import Connection
from shared.ids import TenantId


class Owner(Struct, frozen=True):
    """Whose it is: a person's, or a key's."""

    user_id: UUID | None
    key_id: UUID | None


class Subscription(Struct, frozen=True, kw_only=True):
    """A subscription and the health of its channel. `service` is the host of the push service."""

    id: UUID
    name: str
    service: str | None
    enabled: bool
    disabled_reason: str | None
    route_id: UUID | None
    consecutive_failures: int
    last_delivered_at: datetime | None
    last_error: str | None
    created_at: datetime
    revision: int


_VIEW = """
SELECT s.id, c.name, c.host AS service, c.enabled, c.disabled_reason, s.route_id, c.consecutive_failures,
    c.last_delivered_at, c.last_error, s.created_at, c.revision
FROM push_subscriptions s
JOIN channels c ON c.tenant_id = s.tenant_id AND c.id = s.id
WHERE s.tenant_id = $1 AND (s.user_id = $2 OR s.key_id = $3)
"""

LIST = f"{_VIEW} ORDER BY s.created_at, s.id LIMIT $4 OFFSET $5"


async def list_of(
    conn: Connection, *, tenant_id: TenantId, owner: Owner, limit: int, offset: int
) -> list[Subscription]:
    """One owner's, oldest first."""
    rows = await conn.fetch(LIST, tenant_id, owner.user_id, owner.key_id, limit, offset)
    return [Subscription(**row) for row in rows]


COUNT = "SELECT count(*) FROM push_subscriptions WHERE tenant_id = $1 AND (user_id = $2 OR key_id = $3)"


async def count_of(conn: Connection, *, tenant_id: TenantId, owner: Owner) -> int:
    """How many one owner has."""
    count: int = await conn.fetchval(COUNT, tenant_id, owner.user_id, owner.key_id)
    return count


GET = f"{_VIEW} AND s.id = $4"


async def find(conn: Connection, *, tenant_id: TenantId, owner: Owner, channel_id: UUID) -> Subscription | None:
    """One of the owner's; None: the owner has no such."""
    row = await conn.fetchrow(GET, tenant_id, owner.user_id, owner.key_id, channel_id)
    return None if row is None else Subscription(**row)


class Known(Struct, frozen=True):
    """A browser that is subscribed already, and whose."""

    channel_id: UUID
    user_id: UUID | None
    key_id: UUID | None


FIND_ENDPOINT = """
SELECT id AS channel_id, user_id, key_id FROM push_subscriptions WHERE tenant_id = $1 AND endpoint_digest = $2
"""


async def find_endpoint(conn: Connection, *, tenant_id: TenantId, digest: bytes) -> Known | None:
    """The subscription of this browser, whoever's it is."""
    row = await conn.fetchrow(FIND_ENDPOINT, tenant_id, digest)
    return None if row is None else Known(**row)


INSERT = """
INSERT INTO push_subscriptions (tenant_id, id, user_id, key_id, endpoint_digest, route_id)
VALUES ($1, $2, $3, $4, $5, $6)
"""


async def insert(
    conn: Connection, *, tenant_id: TenantId, channel_id: UUID, owner: Owner, digest: bytes, route_id: UUID | None
) -> None:
    """Of a channel that has just been made."""
    await conn.execute(INSERT, tenant_id, channel_id, owner.user_id, owner.key_id, digest, route_id)
