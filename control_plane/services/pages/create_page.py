"""Create a status page: a draft, unless it is said otherwise."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from msgspec import UNSET

from control_plane.domain.pages.page_rules import read_page, read_password
from control_plane.domain.tenants.plan import PlanTerms, require_room
from control_plane.services.pages.hash_page_password import hash_page_password
from control_plane.services.pages.page_rows import page_values, release_domain, require_proof
from control_plane.services.pages.place_monitors import Chosen, place_chosen
from control_plane.store import status_pages
from control_plane.store.pool import Connection, Database
from control_plane.store.status_pages import PageRow, PageWrite
from shared.ids import TenantId


async def create_page(
    database: Database,
    *,
    tenant_id: TenantId,
    page_id: UUID,
    terms: PlanTerms,
    body: Mapping[str, Any],
    write_source: str,
    shows: Chosen | None = None,
    new_id: Callable[[], UUID] | None = None,
) -> PageRow:
    """The page, with what it `shows` from the beginning (then `new_id` makes ids for its components).

    Raises BadRequest as domain/page_rules says, Refused QUOTA_EXCEEDED, SLUG_RESERVED, DOMAIN_UNVERIFIED,
    Conflict SLUG_TAKEN, KEY_TAKEN, CUSTOM_DOMAIN_TAKEN, and what `place_chosen` raises.
    """
    write = await page_write(body, write_source=write_source)
    await release_domain(database, write.custom_domain)
    async with database.tenant_transaction(tenant_id) as conn:
        await require_proof(conn, tenant_id=tenant_id, domain=write.custom_domain)
        row = await insert_page(conn, write, tenant_id=tenant_id, page_id=page_id, terms=terms)
        if shows is None or new_id is None:
            return row
        await place_chosen(
            conn, tenant_id=tenant_id, page_id=page_id, chosen=shows, new_id=new_id, terms=terms,
            write_source=write_source,
        )  # fmt: skip
        return row


async def page_write(body: Mapping[str, Any], *, write_source: str) -> PageWrite:
    """A new page as it will be stored. Raises BadRequest as domain/page_rules says, Refused SLUG_RESERVED."""
    config = read_page(body, stored=None)
    password = read_password(body)
    digest = None if password is UNSET or password is None else await hash_page_password(password)
    return page_values(config, password_digest=digest, write_source=write_source)


async def insert_page(
    conn: Connection, write: PageWrite, *, tenant_id: TenantId, page_id: UUID, terms: PlanTerms
) -> PageRow:
    """The page, in the caller's transaction. Raises Refused QUOTA_EXCEEDED, and what the store raises."""
    await status_pages.insert_page(conn, tenant_id=tenant_id, page_id=page_id, write=write)
    require_room(terms, "status_pages", current=await status_pages.count_pages(conn, tenant_id=tenant_id) - 1)
    row = await status_pages.get_page(conn, tenant_id=tenant_id, page_id=page_id)
    assert row is not None
    return row
