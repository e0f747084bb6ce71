"""Status pages as configuration files need them: all of a tenant's at once, and written many at a time."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from control_plane.store.page_components import VIEW, ComponentRow, ComponentWrite
from control_plane.store.pool import Connection
from control_plane.store.status_pages import COLUMNS, PageRow
from shared.ids import TenantId

ALL_PAGES = f"SELECT {COLUMNS} FROM status_pages p WHERE p.tenant_id = $1 ORDER BY p.number"


async def all_pages(conn: Connection, *, tenant_id: TenantId) -> list[PageRow]:
    """The tenant's pages, oldest first."""
    return [PageRow(**record) for record in await conn.fetch(ALL_PAGES, tenant_id)]


ALL_COMPONENTS = f"{VIEW} WHERE c.tenant_id = $1 ORDER BY c.page_id, c.position, c.id"


async def all_components(conn: Connection, *, tenant_id: TenantId) -> dict[UUID, list[ComponentRow]]:
    """The components of each page, in its order."""
    found: dict[UUID, list[ComponentRow]] = {}
    for record in await conn.fetch(ALL_COMPONENTS, tenant_id):
        found.setdefault(record["page_id"], []).append(ComponentRow(**record))
    return found


PROVEN_DOMAINS = "SELECT domain FROM domains WHERE tenant_id = $1 AND state IN ('verified', 'grace')"


async def proven_domains(conn: Connection, *, tenant_id: TenantId) -> frozenset[str]:
    """The domains that the tenant has proven; those below them are as good."""
    return frozenset(record["domain"] for record in await conn.fetch(PROVEN_DOMAINS, tenant_id))


LOCK_PAGES = "SELECT FROM status_pages WHERE tenant_id = $1 AND id = ANY ($2::uuid[]) ORDER BY id FOR UPDATE"


async def hold_pages(conn: Connection, *, tenant_id: TenantId, ids: Sequence[UUID]) -> None:
    """Lock these pages until commit."""
    await conn.execute(LOCK_PAGES, tenant_id, list(ids))


# In the order of monitors, in which those that are deleted take their components along.
LOCK_COMPONENTS = """
SELECT FROM page_components WHERE tenant_id = $1 AND page_id = ANY ($2::uuid[]) ORDER BY monitor_id, id FOR UPDATE
"""


async def hold_components(conn: Connection, *, tenant_id: TenantId, page_ids: Sequence[UUID]) -> None:
    """Lock the components of these pages, which are held, until commit."""
    await conn.execute(LOCK_COMPONENTS, tenant_id, list(page_ids))


INSERT_COMPONENTS = """
INSERT INTO page_components (tenant_id, id, page_id, monitor_id, name, description, "group", show_uptime, show_latency,
    write_source, position)
SELECT $1, one.id, $2, one.monitor_id, one.name, one.description, one.heading, one.show_uptime, one.show_latency,
    one.write_source,
    place + (SELECT coalesce(max(position), 0) FROM page_components WHERE tenant_id = $1 AND page_id = $2)
FROM unnest($3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::boolean[], $9::boolean[], $10::text[])
    WITH ORDINALITY AS one (id, monitor_id, name, description, heading, show_uptime, show_latency, write_source, place)
"""


async def insert_components(
    conn: Connection, *, tenant_id: TenantId, page_id: UUID, components: Sequence[tuple[UUID, UUID, ComponentWrite]]
) -> None:
    """Put them, each with its id and its monitor's, at the end of the page, which is held, in this order."""
    rows = [(one, monitor_id, *write.values()) for one, monitor_id, write in components]
    if rows:
        await conn.execute(INSERT_COMPONENTS, tenant_id, page_id, *(list(column) for column in zip(*rows, strict=True)))


DELETE_COMPONENTS = "DELETE FROM page_components WHERE tenant_id = $1 AND page_id = $2 AND id = ANY ($3::uuid[])"


async def delete_components(conn: Connection, *, tenant_id: TenantId, page_id: UUID, ids: Sequence[UUID]) -> None:
    """Take these components from a page that is held; their monitors stay."""
    await conn.execute(DELETE_COMPONENTS, tenant_id, page_id, list(ids))


# Domains that move from page to page within one file are nobody's in between.
FREE_DOMAINS = "UPDATE status_pages SET custom_domain = NULL WHERE tenant_id = $1 AND id = ANY ($2::uuid[])"


async def free_domains(conn: Connection, *, tenant_id: TenantId, ids: Sequence[UUID]) -> None:
    """Take the domains from pages that are held, and that are about to be written."""
    await conn.execute(FREE_DOMAINS, tenant_id, list(ids))
