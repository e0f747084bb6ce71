"""Make, replace and revoke the manage key of a status page. The key itself is in the answer and nowhere else."""

from __future__ import annotations

import os
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from control_plane.domain.tenants.credentials import ENTROPY_BYTES, KeyKind, key_digest, key_prefix, make_key
from control_plane.errors import NotFound
from control_plane.services.installation.identity import new_id
from control_plane.store import page_manage_keys
from control_plane.store.page_manage_keys import PageManageKey
from control_plane.store.pool import Connection, Database
from shared.ids import TenantId


class IssuedPageKey(Struct, frozen=True):
    """A manage key: its record, the secret that is shown once, and the hint of the key that it replaced, if any."""

    record: PageManageKey
    key: str
    ended: str | None = None


async def write_page_key(conn: Connection, *, tenant_id: TenantId, page_id: UUID, pepper: bytes) -> IssuedPageKey:
    """Draw and store the page's key inside the caller's transaction, in place of the one before."""
    key = make_key(KeyKind.MANAGE, os.urandom(ENTROPY_BYTES))
    record = await page_manage_keys.put(
        conn,
        tenant_id=tenant_id,
        key_id=new_id(),
        page_id=page_id,
        prefix=key_prefix(key),
        digest=key_digest(key, pepper),
    )
    return IssuedPageKey(record, key)


async def rotate_page_key(database: Database, *, tenant_id: TenantId, page_id: UUID, pepper: bytes) -> IssuedPageKey:
    """Replace the key; the one before stops at once. Raises NotFound KEY_NOT_FOUND where the page has none."""
    async with database.tenant_transaction(tenant_id) as conn:
        ended = await _end_key(conn, tenant_id=tenant_id, page_id=page_id)
        issued = await write_page_key(conn, tenant_id=tenant_id, page_id=page_id, pepper=pepper)
    return replace(issued, ended=ended)


async def revoke_page_key(database: Database, *, tenant_id: TenantId, page_id: UUID) -> str:
    """Take the key away: the page stays, and nobody changes it any more. Raises NotFound KEY_NOT_FOUND.

    The hint by which whoever remembers the key forgets it.
    """
    async with database.tenant_transaction(tenant_id) as conn:
        ended = await _end_key(conn, tenant_id=tenant_id, page_id=page_id)
        await page_manage_keys.delete(conn, tenant_id=tenant_id, page_id=page_id)
    return ended


async def read_page_key(database: Database, *, tenant_id: TenantId, page_id: UUID) -> PageManageKey:
    """The key without its secret. Raises NotFound KEY_NOT_FOUND."""
    async with database.tenant(tenant_id) as conn:
        found = await page_manage_keys.get(conn, tenant_id=tenant_id, page_id=page_id)
    if found is None:
        raise _none()
    return found


async def _end_key(conn: Connection, *, tenant_id: TenantId, page_id: UUID) -> str:
    ended = await page_manage_keys.tell_ended(conn, tenant_id=tenant_id, page_id=page_id)
    if ended is None:
        raise _none()
    return ended


def _none() -> NotFound:
    return NotFound("This status page has no manage key", code="KEY_NOT_FOUND")
