"""Rename a group of a tenant's monitors, or dissolve it."""

from __future__ import annotations

from control_plane.domain.field_rules import name as read_name
from control_plane.errors import NotFound
from control_plane.store import tags
from control_plane.store.pool import Connection, Database
from shared.ids import TenantId


async def rename_group(database: Database, *, tenant_id: TenantId, old: str, new: object, write_source: str) -> str:
    """The new name. Where there is such a group already the two become one.

    Raises NotFound GROUP_NOT_FOUND, BadRequest INVALID_GROUP.
    """
    name = read_name(new, "/name", code="INVALID_GROUP")
    async with database.tenant_transaction(tenant_id) as conn:
        await _regroup(conn, tenant_id=tenant_id, old=old, new=name, write_source=write_source)
    return name


async def dissolve_group(database: Database, *, tenant_id: TenantId, name: str, write_source: str) -> None:
    """Its monitors stay, in no group. Raises NotFound GROUP_NOT_FOUND."""
    async with database.tenant_transaction(tenant_id) as conn:
        await _regroup(conn, tenant_id=tenant_id, old=name, new=None, write_source=write_source)


async def _regroup(conn: Connection, *, tenant_id: TenantId, old: str, new: str | None, write_source: str) -> None:
    held = await tags.hold_group(conn, tenant_id=tenant_id, group=old)
    if not held:
        raise NotFound("No monitor is in such a group", code="GROUP_NOT_FOUND")
    if new != old:
        await tags.regroup(conn, tenant_id=tenant_id, monitor_ids=held, new=new, write_source=write_source)
