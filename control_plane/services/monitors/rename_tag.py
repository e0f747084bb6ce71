"""Rename a tag on all of a tenant's monitors, or take it off them."""

from __future__ import annotations

from control_plane.domain.field_rules import tag as read_tag
from control_plane.errors import NotFound
from control_plane.store import tags
from control_plane.store.pool import Connection, Database
from shared.ids import TenantId


async def rename_tag(database: Database, *, tenant_id: TenantId, old: str, new: object, write_source: str) -> str:
    """The new tag. Where it is there already the two become one; maintenance windows that name the old one follow.

    Raises NotFound TAG_NOT_FOUND, BadRequest INVALID_TAGS.
    """
    name = read_tag(new, "/name")
    async with database.tenant_transaction(tenant_id) as conn:
        if name != old:
            await tags.retag_windows(conn, tenant_id=tenant_id, old=old, new=name)
        await _retag(conn, tenant_id=tenant_id, old=old, new=name, write_source=write_source)
    return name


async def remove_tag(database: Database, *, tenant_id: TenantId, name: str, write_source: str) -> None:
    """Maintenance windows go on naming the tag, and cover whatever has it again. Raises NotFound TAG_NOT_FOUND."""
    async with database.tenant_transaction(tenant_id) as conn:
        await _retag(conn, tenant_id=tenant_id, old=name, new=None, write_source=write_source)


async def _retag(conn: Connection, *, tenant_id: TenantId, old: str, new: str | None, write_source: str) -> None:
    held = await tags.hold_tagged(conn, tenant_id=tenant_id, tag=old)
    if not held:
        raise NotFound("No monitor has such a tag", code="TAG_NOT_FOUND")
    if new != old:
        await tags.retag(conn, tenant_id=tenant_id, monitor_ids=held, old=old, new=new, write_source=write_source)
