"""Make an API key. The key itself is in the answer and nowhere else."""

from __future__ import annotations

import os
from collections.abc import Sequence

from msgspec import Struct

from control_plane.domain.tenants.credentials import ENTROPY_BYTES, KeyKind, key_digest, key_prefix, make_key
from control_plane.domain.tenants.plan import require_room
from control_plane.errors import NotFound
from control_plane.services.installation.identity import new_id
from control_plane.store import api_keys, plans, tenants
from control_plane.store.api_keys import ApiKey
from control_plane.store.pool import Connection, Database
from shared.ids import TenantId


class IssuedKey(Struct, frozen=True):
    """A new key: its record, and the secret that is shown once."""

    record: ApiKey
    key: str


async def issue_api_key(
    database: Database, tenant_id: TenantId, *, label: str, scopes: Sequence[str], pepper: bytes
) -> IssuedKey:
    """A new key of the tenant. Raises NotFound for an unknown tenant, Refused QUOTA_EXCEEDED."""
    async with database.tenant_transaction(tenant_id) as conn:
        tenant = await tenants.lock(conn, tenant_id=tenant_id)
        if tenant is None:
            raise NotFound("There is no such tenant", code="TENANT_NOT_FOUND")
        terms = await plans.read_terms(conn, tenant_id=tenant_id)
        require_room(terms, "keys", current=await api_keys.count_lasting(conn, tenant_id=tenant_id))
        return await write_key(conn, tenant_id, label=label, scopes=scopes, pepper=pepper)


async def write_key(
    conn: Connection, tenant_id: TenantId, *, label: str, scopes: Sequence[str], pepper: bytes
) -> IssuedKey:
    """Draw and store a key inside the caller's transaction, whatever the quota."""
    key = make_key(KeyKind.TENANT, os.urandom(ENTROPY_BYTES))
    record = await api_keys.insert(
        conn,
        tenant_id=tenant_id,
        key_id=new_id(),
        number=await tenants.next_key_number(conn, tenant_id=tenant_id),
        label=label,
        prefix=key_prefix(key),
        digest=key_digest(key, pepper),
        scopes=sorted(set(scopes)),
    )
    return IssuedKey(record=record, key=key)
