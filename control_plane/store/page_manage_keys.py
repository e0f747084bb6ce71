"""manage_keys of status pages; and which pages and monitors the page of those without an account lists."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from control_plane.store.hints import KEY_HINT
from control_plane.store.monitor_reads import SHOWN
from control_plane.store.pool import Connection
from shared.ids import TenantId


class PageManageKey(Struct, frozen=True):
    """The manage key of a status page, without its secret."""

    id: UUID
    page_id: UUID
    prefix: str
    created_at: datetime
    last_used_at: datetime | None


_COLUMNS = "id, page_id, prefix, created_at, last_used_at"

PUT = f"""
INSERT INTO manage_keys (tenant_id, id, page_id, prefix, digest) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT ON CONSTRAINT manage_keys_page_key DO UPDATE
SET prefix = excluded.prefix, digest = excluded.digest, created_at = now(), last_used_at = NULL
WHERE manage_keys.tenant_id = $1
RETURNING {_COLUMNS}
"""


async def put(
    conn: Connection, *, tenant_id: TenantId, key_id: UUID, page_id: UUID, prefix: str, digest: bytes
) -> PageManageKey:
    """Store the key of a page in place of the one before, which keeps its id."""
    return PageManageKey(**await conn.fetchrow(PUT, tenant_id, key_id, page_id, prefix, digest))


GET = f"SELECT {_COLUMNS} FROM manage_keys WHERE tenant_id = $1 AND page_id = $2"


async def get(conn: Connection, *, tenant_id: TenantId, page_id: UUID) -> PageManageKey | None:
    """The page's manage key, if it has one."""
    row = await conn.fetchrow(GET, tenant_id, page_id)
    return row and PageManageKey(**row)


# FOR UPDATE: of two who replace the key at once, the second tells of the key that the first one made.
TELL_ENDED = f"""
WITH held AS MATERIALIZED (
    SELECT {KEY_HINT} AS hint FROM manage_keys WHERE tenant_id = $1 AND page_id = $2 FOR UPDATE
)
SELECT hint, pg_notify('farwatch_callers', hint) FROM held
"""


async def tell_ended(conn: Connection, *, tenant_id: TenantId, page_id: UUID) -> str | None:
    """Hold the page's key, which is about to end. The hint that every process is given when the transaction commits;
    None when it has no key.
    """
    hint: str | None = await conn.fetchval(TELL_ENDED, tenant_id, page_id)
    return hint


DELETE = "DELETE FROM manage_keys WHERE tenant_id = $1 AND page_id = $2"


async def delete(conn: Connection, *, tenant_id: TenantId, page_id: UUID) -> None:
    """Nobody manages the page any more."""
    await conn.execute(DELETE, tenant_id, page_id)


SET_PUBLIC = "UPDATE status_pages SET is_public = $3 WHERE tenant_id = $1 AND id = $2 AND is_public <> $3"


async def set_public(conn: Connection, *, tenant_id: TenantId, page_id: UUID, is_public: bool) -> None:
    """Whether the tenant's page lists this page, once it is published."""
    await conn.execute(SET_PUBLIC, tenant_id, page_id, is_public)


PUBLIC = "SELECT id FROM status_pages WHERE tenant_id = $1 AND id = ANY($2::uuid[]) AND is_public"


async def public_among(conn: Connection, *, tenant_id: TenantId, page_ids: Collection[UUID]) -> frozenset[UUID]:
    """Those of these pages that the tenant's page lists."""
    return frozenset(row["id"] for row in await conn.fetch(PUBLIC, tenant_id, list(page_ids)))


class ListedMonitor(Struct, frozen=True):
    """A monitor that everybody may see. `shown`: a verdict, maintenance or paused."""

    name: str
    shown: str
    regions_up: int
    since: datetime


class ListedPage(Struct, frozen=True):
    """A status page that everybody may find."""

    slug: str
    title: str


# What is wrong stands first.
LIST_MONITORS = f"""
SELECT m.name, {SHOWN} AS shown, s.fresh_up AS regions_up, s.since
FROM monitors m JOIN monitor_states s ON s.tenant_id = m.tenant_id AND s.monitor_id = m.id
WHERE m.tenant_id = $1 AND m.is_public
ORDER BY array_position(ARRAY['down', 'degraded', 'maintenance', 'unknown', 'up', 'paused'], {SHOWN}::text),
    m.name, m.id
LIMIT $2 OFFSET $3
"""
COUNT_MONITORS = "SELECT count(*) FROM monitors WHERE tenant_id = $1 AND is_public"
LIST_PAGES = """
SELECT slug, title FROM status_pages
WHERE tenant_id = $1 AND is_public AND state = 'published' AND password_digest IS NULL ORDER BY title, id LIMIT $2
"""


async def listed_monitors(
    conn: Connection, *, tenant_id: TenantId, limit: int, offset: int
) -> tuple[list[ListedMonitor], int]:
    """A page of the public monitors, what is wrong first, and how many there are."""
    rows = await conn.fetch(LIST_MONITORS, tenant_id, limit, offset)
    return [ListedMonitor(**row) for row in rows], await conn.fetchval(COUNT_MONITORS, tenant_id)


async def listed_pages(conn: Connection, *, tenant_id: TenantId, limit: int) -> list[ListedPage]:
    """The first of the public pages that need no password, by title."""
    return [ListedPage(**row) for row in await conn.fetch(LIST_PAGES, tenant_id, limit)]
