"""A tenant's status pages, and their logos."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from control_plane.domain.pages.page_rules import State
from control_plane.domain.pages.public_page import Language
from control_plane.store.pool import Connection
from shared.ids import TenantId


class PageRow(Struct, frozen=True, kw_only=True):
    """A page as stored. `components`: how many it has. `domain_proven`: whether its domain leads to it."""

    tenant_id: UUID
    id: UUID
    number: int
    key: str | None
    slug: str
    title: str
    description: str
    state: State
    listed: bool
    password_digest: str | None
    language: Language
    branding: dict[str, str]
    logo_digest: str | None
    header_text: str
    footer_text: str
    custom_domain: str | None
    show_uptime: bool
    show_latency: bool
    history_days: int
    write_source: str
    created_at: datetime
    updated_at: datetime
    revision: int
    components: int
    domain_proven: bool


class PageWrite(Struct, frozen=True, kw_only=True):
    """What a write sets, in the order of the statements' parameters."""

    key: str | None
    slug: str
    title: str
    description: str
    state: str
    listed: bool
    password_digest: str | None
    language: str
    branding: dict[str, str]
    header_text: str
    footer_text: str
    custom_domain: str | None
    show_uptime: bool
    show_latency: bool
    history_days: int
    write_source: str

    def values(self) -> tuple[object, ...]:
        return tuple(getattr(self, name) for name in self.__struct_fields__)


COLUMNS = """p.tenant_id, p.id, p.number, p.key, p.slug, p.title, p.description, p.state, p.listed, p.password_digest,
    p.language, p.branding, p.logo_digest, p.header_text, p.footer_text, p.custom_domain, p.show_uptime, p.show_latency,
    p.history_days, p.write_source, p.created_at, p.updated_at, p.revision,
    (SELECT count(*) FROM page_components c WHERE c.tenant_id = p.tenant_id AND c.page_id = p.id)::int AS components,
    p.custom_domain IS NOT NULL AND EXISTS (
        SELECT FROM domains d WHERE d.tenant_id = p.tenant_id AND d.state IN ('verified', 'grace')
            AND (d.domain = p.custom_domain OR right(p.custom_domain, char_length(d.domain) + 1) = '.' || d.domain)
    ) AS domain_proven"""

GET_PAGE = f"SELECT {COLUMNS} FROM status_pages p WHERE p.tenant_id = $1 AND p.id = $2"


async def get_page(conn: Connection, *, tenant_id: TenantId, page_id: UUID) -> PageRow | None:
    """One page; None: the tenant has no such."""
    row = await conn.fetchrow(GET_PAGE, tenant_id, page_id)
    return None if row is None else PageRow(**row)


class PageFilter(Struct, frozen=True, kw_only=True):
    """Which pages; None does not filter. `q` is looked for in title and slug, without regard to case."""

    q: str | None = None
    state: str | None = None
    number: int | None = None


_MATCHING = """
FROM status_pages p
WHERE p.tenant_id = $1 AND ($2::text IS NULL OR strpos(lower(concat_ws(' ', p.title, p.slug)), lower($2)) > 0)
    AND ($3::text IS NULL OR p.state = $3) AND ($4::bigint IS NULL OR p.number = $4)
"""
LIST_PAGES = f"SELECT {COLUMNS} {_MATCHING} ORDER BY p.number LIMIT $5 OFFSET $6"
COUNT_MATCHING = f"SELECT count(*) {_MATCHING}"


async def list_pages(
    conn: Connection, *, tenant_id: TenantId, wanted: PageFilter, limit: int, offset: int
) -> tuple[list[PageRow], int]:
    """One page of the list, oldest first, and how many match."""
    filters = (tenant_id, wanted.q, wanted.state, wanted.number)
    rows = await conn.fetch(LIST_PAGES, *filters, limit, offset)
    total: int = await conn.fetchval(COUNT_MATCHING, *filters)
    return [PageRow(**row) for row in rows], total


COUNT_PAGES = "SELECT count(*) FROM status_pages WHERE tenant_id = $1"


async def count_pages(conn: Connection, *, tenant_id: TenantId) -> int:
    """How many the tenant has."""
    count: int = await conn.fetchval(COUNT_PAGES, tenant_id)
    return count


HOLD_PAGE = "SELECT FROM status_pages WHERE tenant_id = $1 AND id = $2 FOR UPDATE"


async def hold_page(conn: Connection, *, tenant_id: TenantId, page_id: UUID) -> PageRow | None:
    """The page, locked until commit. Whoever changes its components holds it first."""
    await conn.execute(HOLD_PAGE, tenant_id, page_id)
    return await get_page(conn, tenant_id=tenant_id, page_id=page_id)


INSERT_PAGE = """
WITH counted AS (
    UPDATE tenant_counters SET status_pages = status_pages + 1 WHERE tenant_id = $1 RETURNING status_pages
)
INSERT INTO status_pages (tenant_id, id, number, key, slug, title, description, state, listed, password_digest,
    language, branding, header_text, footer_text, custom_domain, show_uptime, show_latency, history_days, write_source)
SELECT $1, $2, counted.status_pages, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18
FROM counted
"""


async def insert_page(conn: Connection, *, tenant_id: TenantId, page_id: UUID, write: PageWrite) -> None:
    """Create it. Holds the tenant's counters until commit.

    Raises Conflict SLUG_TAKEN, KEY_TAKEN, CUSTOM_DOMAIN_TAKEN.
    """
    await conn.execute(INSERT_PAGE, tenant_id, page_id, *write.values())


UPDATE_PAGE = """
UPDATE status_pages
SET key = $3, slug = $4, title = $5, description = $6, state = $7, listed = $8, password_digest = $9, language = $10,
    branding = $11, header_text = $12, footer_text = $13, custom_domain = $14, show_uptime = $15, show_latency = $16,
    history_days = $17, write_source = $18, updated_at = now(), revision = revision + 1
WHERE tenant_id = $1 AND id = $2
"""


async def update_page(conn: Connection, *, tenant_id: TenantId, page_id: UUID, write: PageWrite) -> None:
    """Change a page that is held. Raises as `insert_page` does."""
    await conn.execute(UPDATE_PAGE, tenant_id, page_id, *write.values())


TOUCH_PAGE = """
UPDATE status_pages SET updated_at = now(), revision = revision + 1, write_source = $3 WHERE tenant_id = $1 AND id = $2
"""


async def touch_page(conn: Connection, *, tenant_id: TenantId, page_id: UUID, write_source: str) -> None:
    """Its components changed: so did the page."""
    await conn.execute(TOUCH_PAGE, tenant_id, page_id, write_source)


DELETE_PAGE = "DELETE FROM status_pages WHERE tenant_id = $1 AND id = $2"


async def delete_page(conn: Connection, *, tenant_id: TenantId, page_id: UUID) -> None:
    """Delete a page that is held, with its components; their monitors stay."""
    await conn.execute(DELETE_PAGE, tenant_id, page_id)


PUT_LOGO = """
INSERT INTO page_logos (tenant_id, page_id, image, media_type) VALUES ($1, $2, $3, $4)
ON CONFLICT (tenant_id, page_id) DO UPDATE SET image = excluded.image, media_type = excluded.media_type
"""
DELETE_LOGO = "DELETE FROM page_logos WHERE tenant_id = $1 AND page_id = $2"
NAME_LOGO = """
UPDATE status_pages SET logo_digest = $3, write_source = $4, updated_at = now(), revision = revision + 1
WHERE tenant_id = $1 AND id = $2
"""


async def put_logo(
    conn: Connection,
    *,
    tenant_id: TenantId,
    page_id: UUID,
    image: bytes,
    media_type: str,
    digest: str,
    write_source: str,
) -> None:
    """Give the page, which is held, this logo in the place of the one it has."""
    await conn.execute(PUT_LOGO, tenant_id, page_id, image, media_type)
    await conn.execute(NAME_LOGO, tenant_id, page_id, digest, write_source)


async def delete_logo(conn: Connection, *, tenant_id: TenantId, page_id: UUID, write_source: str) -> None:
    """Take the logo of the page, which is held."""
    await conn.execute(DELETE_LOGO, tenant_id, page_id)
    await conn.execute(NAME_LOGO, tenant_id, page_id, None, write_source)


# A domain that its old tenant can no longer prove is free for whoever proves it now.
FLEET_RELEASE_DOMAIN = """
UPDATE status_pages p SET custom_domain = NULL, updated_at = now(), revision = revision + 1
WHERE p.custom_domain = $1 AND NOT EXISTS (
    SELECT FROM domains d WHERE d.tenant_id = p.tenant_id AND d.state IN ('verified', 'grace')
        AND (d.domain = $1 OR right($1, char_length(d.domain) + 1) = '.' || d.domain))
"""


async def release_domain(conn: Connection, *, domain: str) -> None:
    """Take the domain from a page of a tenant whose proof of it is gone. For connections that see every tenant."""
    await conn.execute(FLEET_RELEASE_DOMAIN, domain)


PROVES_DOMAIN = """
SELECT EXISTS (SELECT FROM domains d WHERE d.tenant_id = $1 AND d.state IN ('verified', 'grace')
    AND (d.domain = $2 OR right($2, char_length(d.domain) + 1) = '.' || d.domain))
"""


async def proves_domain(conn: Connection, *, tenant_id: TenantId, domain: str) -> bool:
    """Whether the tenant has proven this domain, or one above it."""
    proven: bool = await conn.fetchval(PROVES_DOMAIN, tenant_id, domain)
    return proven
