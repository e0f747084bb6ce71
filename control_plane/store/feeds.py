"""feeds: what a tenant's readers fetch by a token. Only digests are stored; a rotated token counts for a while more."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from control_plane.store.pool import Connection
from shared.ids import TenantId


class Feed(Struct, frozen=True, kw_only=True):
    """A feed as its tenant sees it. `former_until`: how long the token before still counts."""

    id: UUID
    name: str
    created_by: str
    created_at: datetime
    updated_at: datetime
    last_used_at: datetime | None
    former_until: datetime | None
    revision: int


_COLUMNS = """id, name, created_by, created_at, updated_at, last_used_at,
    CASE WHEN former_until > clock_timestamp() THEN former_until END AS former_until, revision"""

INSERT = f"""
INSERT INTO feeds (tenant_id, id, name, digest, created_by) VALUES ($1, $2, $3, $4, $5) RETURNING {_COLUMNS}
"""


async def insert_feed(
    conn: Connection, *, tenant_id: TenantId, feed_id: UUID, name: str, digest: bytes, created_by: str
) -> Feed:
    """Store a new feed. Raises Conflict NAME_TAKEN."""
    return Feed(**await conn.fetchrow(INSERT, tenant_id, feed_id, name, digest, created_by))


LIST = f"SELECT {_COLUMNS} FROM feeds WHERE tenant_id = $1 ORDER BY id DESC LIMIT $2 OFFSET $3"
COUNT = "SELECT count(*) FROM feeds WHERE tenant_id = $1"


async def list_feeds(conn: Connection, *, tenant_id: TenantId, limit: int, offset: int) -> tuple[list[Feed], int]:
    """A page of the tenant's feeds, newest first, and how many there are."""
    rows = await conn.fetch(LIST, tenant_id, limit, offset)
    return [Feed(**row) for row in rows], await count_feeds(conn, tenant_id=tenant_id)


async def count_feeds(conn: Connection, *, tenant_id: TenantId) -> int:
    count: int = await conn.fetchval(COUNT, tenant_id)
    return count


GET = f"SELECT {_COLUMNS} FROM feeds WHERE tenant_id = $1 AND id = $2"


async def get_feed(conn: Connection, *, tenant_id: TenantId, feed_id: UUID) -> Feed | None:
    row = await conn.fetchrow(GET, tenant_id, feed_id)
    return None if row is None else Feed(**row)


LOCK = f"{GET} FOR UPDATE"


async def hold_feed(conn: Connection, *, tenant_id: TenantId, feed_id: UUID) -> Feed | None:
    """The same, locked until commit."""
    row = await conn.fetchrow(LOCK, tenant_id, feed_id)
    return None if row is None else Feed(**row)


ROTATE = f"""
UPDATE feeds SET former_digest = digest, former_until = clock_timestamp() + $4::interval, digest = $3,
    updated_at = clock_timestamp(), revision = revision + 1
WHERE tenant_id = $1 AND id = $2 RETURNING {_COLUMNS}
"""


async def rotate_feed(
    conn: Connection, *, tenant_id: TenantId, feed_id: UUID, digest: bytes, overlap: timedelta
) -> Feed:
    """Give a feed that is held another token; the one before counts for `overlap` more, and any older one no more."""
    return Feed(**await conn.fetchrow(ROTATE, tenant_id, feed_id, digest, overlap))


DELETE = "DELETE FROM feeds WHERE tenant_id = $1 AND id = $2"


async def delete_feed(conn: Connection, *, tenant_id: TenantId, feed_id: UUID) -> None:
    await conn.execute(DELETE, tenant_id, feed_id)


class OpenFeed(Struct, frozen=True):
    """What a token leads to."""

    tenant_id: UUID
    feed_id: UUID
    name: str
    tenant_name: str


FLEET_FIND_FEED = """
SELECT f.tenant_id, f.id AS feed_id, f.name, t.name AS tenant_name
FROM feeds f JOIN tenants t ON t.id = f.tenant_id
WHERE (f.digest = $1 OR (f.former_digest = $1 AND f.former_until > clock_timestamp())) AND t.suspended_at IS NULL
"""


async def find_feed(conn: Connection, *, digest: bytes) -> OpenFeed | None:
    """What the token of this digest leads to while it counts: the one look-up that knows no tenant yet."""
    row = await conn.fetchrow(FLEET_FIND_FEED, digest)
    return None if row is None else OpenFeed(*row)


TOUCH = """
UPDATE feeds SET last_used_at = clock_timestamp()
WHERE tenant_id = $1 AND id = $2
    AND (last_used_at IS NULL OR last_used_at < clock_timestamp() - interval '1 minute')
"""


async def touch(conn: Connection, *, tenant_id: UUID, feed_id: UUID) -> None:
    """Note that the feed was fetched, at most once a minute."""
    await conn.execute(TOUCH, tenant_id, feed_id)


class FeedIncident(Struct, frozen=True, kw_only=True):
    """An incident, as far as a feed tells of it."""

    id: UUID
    number: int
    name: str
    type: str
    severity: str
    state: str
    phase: str
    started_at: datetime
    opened_at: datetime
    resolved_at: datetime | None
    updated_at: datetime
    regions_down: list[str]
    regions_up: list[str]


FEED_INCIDENTS = """
SELECT i.id, i.number, coalesce(i.public_title, i.title, m.name, 'A monitor that is gone') AS name, i.type, i.severity,
    i.state, i.phase, i.started_at, i.opened_at, i.resolved_at, i.updated_at, i.regions_down, i.regions_up
FROM incidents i LEFT JOIN monitors m ON m.tenant_id = i.tenant_id AND m.id = i.monitor_id
WHERE i.tenant_id = $1 ORDER BY i.opened_at DESC, i.number DESC LIMIT $2
"""


async def feed_incidents(conn: Connection, *, tenant_id: UUID, limit: int) -> list[FeedIncident]:
    """The tenant's incidents that opened last, newest first."""
    return [FeedIncident(**row) for row in await conn.fetch(FEED_INCIDENTS, tenant_id, limit)]
