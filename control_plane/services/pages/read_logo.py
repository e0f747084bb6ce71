"""A page's logo as its own tenant reads it, draft or not."""

from __future__ import annotations

from uuid import UUID

from control_plane.errors import NotFound
from control_plane.services.pages.page_rows import unknown_page
from control_plane.store import page_reads, status_pages
from control_plane.store.page_reads import Logo
from control_plane.store.pool import Database
from shared.ids import TenantId


async def read_logo(database: Database, *, tenant_id: TenantId, page_id: UUID) -> Logo:
    """The picture as it was encoded here. Raises NotFound STATUS_PAGE_NOT_FOUND, LOGO_NOT_FOUND."""
    async with database.tenant(tenant_id) as conn:
        logo = await page_reads.logo_of_page(conn, tenant_id=tenant_id, page_id=page_id)
        if logo is None and await status_pages.get_page(conn, tenant_id=tenant_id, page_id=page_id) is None:
            raise unknown_page()
    if logo is None:
        raise NotFound("This page has no logo", code="LOGO_NOT_FOUND")
    return logo
