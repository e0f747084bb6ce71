"""Make, replace and revoke the manage key of a monitor. The key itself is in the answer and nowhere else."""

from __future__ import annotations

import os
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from control_plane.domain.tenants.credentials import ENTROPY_BYTES, KeyKind, key_digest, key_prefix, make_key
from control_plane.errors import NotFound
from control_plane.services.installation.identity import new_id
from control_plane.store import manage_keys
from control_plane.store.manage_keys import ManageKey
from control_plane.store.pool import Connection, Database
from shared.ids import TenantId


class IssuedManageKey(Struct, frozen=True):
    """A manage key: its record, the secret that is shown once, and the hint of the key that it replaced, if any."""

    record: ManageKey
    key: str
    ended: str | None = None


async def write_manage_key(
    conn: Connection, *, tenant_id: TenantId, monitor_id: UUID, pepper: bytes
) -> IssuedManageKey:
    """Draw and store the monitor's key inside the caller's transaction, in place of the one before."""
    key = make_key(KeyKind.MANAGE, os.urandom(ENTROPY_BYTES))
    record = await manage_keys.put(
        conn,
        tenant_id=tenant_id,
        key_id=new_id(),
        monitor_id=monitor_id,
        prefix=key_prefix(key),
        digest=key_digest(key, pepper),
    )
    return IssuedManageKey(record, key)


async def rotate_manage_key(
    database: Database, *, tenant_id: TenantId, monitor_id: UUID, pepper: bytes
) -> IssuedManageKey:
    """Replace the key; the one before stops at once. Raises NotFound KEY_NOT_FOUND where the monitor has none."""
    async with database.tenant_transaction(tenant_id) as conn:
        ended = await _end_key(conn, tenant_id=tenant_id, monitor_id=monitor_id)
        issued = await write_manage_key(conn, tenant_id=tenant_id, monitor_id=monitor_id, pepper=pepper)
    return replace(issued, ended=ended)


async def revoke_manage_key(database: Database, *, tenant_id: TenantId, monitor_id: UUID) -> str:
    """Take the key away: the monitor goes on, and nobody changes it any more. Raises NotFound KEY_NOT_FOUND.

    The hint by which whoever remembers the key forgets it.
    """
    async with database.tenant_transaction(tenant_id) as conn:
        ended = await _end_key(conn, tenant_id=tenant_id, monitor_id=monitor_id)
        await manage_keys.delete(conn, tenant_id=tenant_id, monitor_id=monitor_id)
    return ended


async def read_manage_key(database: Database, *, tenant_id: TenantId, monitor_id: UUID) -> ManageKey:
    """The key without its secret. Raises NotFound KEY_NOT_FOUND."""
    async with database.tenant(tenant_id) as conn:
        found = await manage_keys.get(conn, tenant_id=tenant_id, monitor_id=monitor_id)
    if found is None:
        raise _none()
    return found


async def _end_key(conn: Connection, *, tenant_id: TenantId, monitor_id: UUID) -> str:
    ended = await manage_keys.tell_ended(conn, tenant_id=tenant_id, monitor_id=monitor_id)
    if ended is None:
        raise _none()
    return ended


def _none() -> NotFound:
    return NotFound("This monitor has no manage key", code="KEY_NOT_FOUND")
