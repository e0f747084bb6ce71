"""Change a status page, or delete it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from msgspec import UNSET

from control_plane.domain.pages.page_rules import read_page, read_password
from control_plane.services.pages.hash_page_password import hash_page_password
from control_plane.services.pages.page_rows import config_of, held_page, page_values, release_domain, require_proof
from control_plane.store import domains, status_pages
from control_plane.store.pool import Database
from control_plane.store.status_pages import PageRow
from shared.ids import TenantId


async def change_page(
    database: Database,
    *,
    tenant_id: TenantId,
    page_id: UUID,
    body: Mapping[str, Any],
    write_source: str,
    check_revision: Callable[[int], None],
) -> PageRow:
    """Merge the body (RFC 7396) onto the page; one that changes nothing writes nothing.

    Raises NotFound STATUS_PAGE_NOT_FOUND, and what `check_revision` and `create_page` raise.
    """
    password = read_password(body)
    digest = await hash_page_password(password) if isinstance(password, str) else None
    await release_domain(database, body.get("custom_domain"))
    async with database.tenant_transaction(tenant_id) as conn:
        row = await held_page(conn, tenant_id=tenant_id, page_id=page_id, check_revision=check_revision)
        before = config_of(row)
        after = read_page(body, stored=before)
        if password is UNSET:
            digest = row.password_digest
        if after == before and digest == row.password_digest:
            return row
        if after.custom_domain != before.custom_domain:
            await require_proof(conn, tenant_id=tenant_id, domain=after.custom_domain)
            await domains.tell_pages(conn)
        write = page_values(after, password_digest=digest, write_source=write_source)
        await status_pages.update_page(conn, tenant_id=tenant_id, page_id=page_id, write=write)
        changed = await status_pages.get_page(conn, tenant_id=tenant_id, page_id=page_id)
        assert changed is not None
        return changed


async def delete_page(
    database: Database, *, tenant_id: TenantId, page_id: UUID, check_revision: Callable[[int], None]
) -> None:
    """Raises NotFound STATUS_PAGE_NOT_FOUND, and what `check_revision` raises. Its address is free afterwards."""
    async with database.tenant_transaction(tenant_id) as conn:
        await held_page(conn, tenant_id=tenant_id, page_id=page_id, check_revision=check_revision)
        await status_pages.delete_page(conn, tenant_id=tenant_id, page_id=page_id)
