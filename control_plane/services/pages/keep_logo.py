"""Give a status page a logo, or take it."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from uuid import UUID

from control_plane.services.pages.draw_logo import MEDIA_TYPE, draw_logo
from control_plane.services.pages.page_rows import held_page, unknown_page
from control_plane.store import status_pages
from control_plane.store.pool import Database
from control_plane.store.status_pages import PageRow
from shared.ids import TenantId


async def put_logo(
    database: Database,
    *,
    tenant_id: TenantId,
    page_id: UUID,
    picture: bytes,
    write_source: str,
    check_revision: Callable[[int], None],
) -> PageRow:
    """The page with the picture as its logo, encoded anew. The same picture again changes nothing.

    Raises NotFound STATUS_PAGE_NOT_FOUND, what `check_revision` raises, and BadRequest INVALID_IMAGE.
    """
    async with database.tenant(tenant_id) as conn:
        page = await status_pages.get_page(conn, tenant_id=tenant_id, page_id=page_id)
    if page is None:
        raise unknown_page()
    check_revision(page.revision)
    image = await draw_logo(picture)
    digest = sha256(image).hexdigest()[:32]
    async with database.tenant_transaction(tenant_id) as conn:
        row = await held_page(conn, tenant_id=tenant_id, page_id=page_id, check_revision=check_revision)
        if row.logo_digest == digest:
            return row
        await status_pages.put_logo(
            conn, tenant_id=tenant_id, page_id=page_id, image=image, media_type=MEDIA_TYPE, digest=digest,
            write_source=write_source,
        )  # fmt: skip
        changed = await status_pages.get_page(conn, tenant_id=tenant_id, page_id=page_id)
        assert changed is not None
        return changed


async def delete_logo(
    database: Database, *, tenant_id: TenantId, page_id: UUID, write_source: str, check_revision: Callable[[int], None]
) -> None:
    """Raises NotFound STATUS_PAGE_NOT_FOUND, and what `check_revision` raises. Without a logo nothing happens."""
    async with database.tenant_transaction(tenant_id) as conn:
        row = await held_page(conn, tenant_id=tenant_id, page_id=page_id, check_revision=check_revision)
        if row.logo_digest is not None:
            await status_pages.delete_logo(conn, tenant_id=tenant_id, page_id=page_id, write_source=write_source)
