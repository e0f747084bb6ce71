"""Delete an API key, but not a tenant's last."""

from __future__ import annotations

from uuid import UUID

from control_plane.errors import Conflict, NotFound
from control_plane.services.installation.require_revision import require_revision
from control_plane.store import api_keys, tenants
from control_plane.store.pool import Database
from shared.ids import TenantId


async def revoke_api_key(
    database: Database,
    tenant_id: TenantId,
    key_id: UUID,
    *,
    even_last: bool = False,
    accepted: frozenset[int] | None = None,
) -> None:
    """`accepted`: the revisions that If-Match allows, None for any.

    Raises NotFound, PreconditionFailed, and Conflict LAST_KEY unless `even_last` (the operator's right).
    """
    async with database.tenant_transaction(tenant_id) as conn:
        await tenants.hold_counters(conn, tenant_id=tenant_id)
        stored = await api_keys.get_live(conn, tenant_id=tenant_id, key_id=key_id)
        if stored is None:
            raise NotFound("There is no such key", code="KEY_NOT_FOUND")
        require_revision(stored.revision, accepted)
        lasting = await api_keys.count_lasting(conn, tenant_id=tenant_id)
        if stored.expires_at is None and lasting == 1 and not even_last:
            message = "This is the last key: without it nobody could come in. Make another one first"
            raise Conflict(message, code="LAST_KEY")
        await api_keys.delete(conn, tenant_id=tenant_id, key_id=key_id)
