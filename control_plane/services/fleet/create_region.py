"""Create a region: shared, or private to one tenant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from control_plane.errors import NotFound
from control_plane.store import regions, tenants
from control_plane.store.pool import Connection, Database
from control_plane.store.regions import Region
from shared.ids import TenantId

DEFAULTS: Mapping[str, Any] = {
    "city": None,
    "country": None,
    "latitude": None,
    "longitude": None,
    "labels": {},
    "allow_cidrs": (),
    "enabled": True,
    "selected_by_default": True,
}


async def create_region(
    database: Database, *, slug: str, tenant_id: TenantId | None, fields: Mapping[str, Any]
) -> Region:
    """The new region. Raises NotFound for an unknown tenant, Conflict ID_TAKEN."""
    async with database.app_transaction() as conn:
        if tenant_id is not None and await tenants.get(conn, tenant_id=tenant_id) is None:
            raise NotFound("There is no such tenant", code="TENANT_NOT_FOUND", field="/tenant_id")
        key = await write_region(conn, slug=slug, tenant_id=tenant_id, fields=fields)
        region = await regions.get(conn, key=key)
        assert region is not None
        return region


async def write_region(conn: Connection, *, slug: str, tenant_id: TenantId | None, fields: Mapping[str, Any]) -> int:
    """Store a region inside the caller's transaction; its key."""
    return await regions.insert(conn, slug=slug, tenant_id=tenant_id, fields={"name": slug, **DEFAULTS, **fields})
