"""Take a subscriber off a status page: nothing is left of them but a count."""

from __future__ import annotations

from uuid import UUID

from control_plane.services.pages.page_rows import unknown_page
from control_plane.services.pages.read_subscribers import unknown_subscriber
from control_plane.store import page_subscribers, status_pages
from control_plane.store.pool import Database
from shared.ids import TenantId


async def remove_subscriber(database: Database, *, tenant_id: TenantId, page_id: UUID, subscriber_id: UUID) -> None:
    """With what they are owed. Raises NotFound STATUS_PAGE_NOT_FOUND, SUBSCRIBER_NOT_FOUND."""
    async with database.tenant_transaction(tenant_id) as conn:
        if await status_pages.get_page(conn, tenant_id=tenant_id, page_id=page_id) is None:
            raise unknown_page()
        await page_subscribers.hold_list(conn, tenant_id=tenant_id, page_id=page_id)
        row = await page_subscribers.hold_subscriber(conn, tenant_id=tenant_id, subscriber_id=subscriber_id)
        if row is None or row.page_id != page_id:
            raise unknown_subscriber()
        await page_subscribers.end_subscriber(conn, tenant_id=tenant_id, subscriber_id=subscriber_id)
