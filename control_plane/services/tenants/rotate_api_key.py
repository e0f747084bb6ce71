"""Replace an API key by a new one with the same label and scopes; both count for five minutes."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from control_plane.domain.tenants.credentials import beyond
from control_plane.errors import Conflict, Forbidden, NotFound
from control_plane.services.tenants.issue_api_key import IssuedKey, write_key
from control_plane.store import api_keys, tenants
from control_plane.store.pool import Database
from shared.ids import TenantId

OVERLAP = timedelta(minutes=5)
"""How long a rotated key still counts."""


async def rotate_api_key(
    database: Database, tenant_id: TenantId, key_id: UUID, *, own_scopes: Collection[str], pepper: bytes
) -> IssuedKey:
    """The new key. Raises NotFound, Conflict KEY_EXPIRING for one that was rotated already, Forbidden for a key with
    more scopes than the caller's own.
    """
    async with database.tenant_transaction(tenant_id) as conn:
        await tenants.hold_counters(conn, tenant_id=tenant_id)
        stored = await api_keys.get_live(conn, tenant_id=tenant_id, key_id=key_id)
        if stored is None:
            raise NotFound("There is no such key", code="KEY_NOT_FOUND")
        if stored.expires_at is not None:
            raise Conflict("This key was rotated already and is about to expire", code="KEY_EXPIRING")
        if missing := beyond(stored.scopes, own_scopes):
            message = f"This key may do more than yours ({', '.join(missing)}), so yours cannot take its place"
            raise Forbidden(message, code="MISSING_SCOPE", details={"scopes": missing})
        await api_keys.expire_after(conn, tenant_id=tenant_id, key_id=key_id, overlap=OVERLAP)
        return await write_key(conn, tenant_id, label=stored.label, scopes=stored.scopes, pepper=pepper)
