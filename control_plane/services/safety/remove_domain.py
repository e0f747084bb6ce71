"""Forget a domain that a tenant said is its own."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from control_plane.services.safety.verify_domain import unknown_domain
from control_plane.store import domains
from control_plane.store.pool import Database
from shared.ids import TenantId


async def remove_domain(
    database: Database, *, tenant_id: TenantId, domain_id: UUID, check_revision: Callable[[int], None]
) -> None:
    """What was proven is proven no longer. Raises NotFound DOMAIN_NOT_FOUND, and what `check_revision` raises."""
    async with database.tenant_transaction(tenant_id) as conn:
        revision = await domains.hold_domain(conn, tenant_id=tenant_id, domain_id=domain_id)
        if revision is None:
            raise unknown_domain()
        check_revision(revision)
        await domains.delete_domain(conn, tenant_id=tenant_id, domain_id=domain_id)
        await domains.tell_pages(conn)
