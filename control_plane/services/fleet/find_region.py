"""Find the region that the operator names: `eu-west`, or `<tenant id>:office` where several tenants have that id."""

from __future__ import annotations

from uuid import UUID

from control_plane.errors import Conflict, NotFound
from control_plane.store import regions
from control_plane.store.pool import Connection


async def find_region(conn: Connection, name: str, *, tenant_id: UUID | None = None, field: str | None = None) -> int:
    """The region's key. `tenant_id`: whose private one it must be. Raises NotFound, Conflict REGION_AMBIGUOUS."""
    owner, _, slug = name.rpartition(":")
    found = []
    if not owner or _is_uuid(owner):
        found = await regions.find(conn, slug=slug, tenant_id=tenant_id or (UUID(owner) if owner else None))
    if not found:
        raise NotFound("There is no such region", code="REGION_NOT_FOUND", field=field)
    if len(found) > 1:
        message = f"Several tenants have a private region {slug}: name it with its tenant, as <tenant id>:{slug}"
        raise Conflict(message, code="REGION_AMBIGUOUS", field=field)
    return found[0]


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False
