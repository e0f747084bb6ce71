"""Make and change private regions for their tenant, behind row-level security."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from control_plane.domain.tenants.plan import PlanTerms, require_room
from control_plane.errors import Conflict, Forbidden, NotFound
from control_plane.services.fleet.change_region import CHANGEABLE
from control_plane.services.fleet.create_region import write_region
from control_plane.store import agents, regions, tenants
from control_plane.store.pool import Connection, Database
from control_plane.store.regions import Region
from shared.ids import TenantId


async def create_private_region(
    database: Database, *, tenant_id: TenantId, slug: str, fields: Mapping[str, Any], terms: PlanTerms
) -> Region:
    """The new region. Its id is the tenant's own: that another tenant has the same is nobody's business.

    Raises Conflict ID_TAKEN for an id of its own or of a shared region, Refused QUOTA_EXCEEDED.
    """
    async with database.tenant_transaction(tenant_id) as conn:
        await tenants.hold_counters(conn, tenant_id=tenant_id)
        require_room(terms, "private_regions", current=await regions.count_own(conn, tenant_id=tenant_id))
        if await regions.get_choice(conn, tenant_id=tenant_id, slug=slug) is not None:
            raise Conflict("A region of that id exists already.", code="ID_TAKEN", field="/id")
        await write_region(conn, slug=slug, tenant_id=tenant_id, fields=fields)
        return await _known(conn, tenant_id, slug)


async def change_private_region(
    database: Database,
    *,
    tenant_id: TenantId,
    slug: str,
    fields: Mapping[str, Any],
    check_revision: Callable[[int], None],
) -> Region:
    """The changed region. Raises NotFound, Forbidden REGION_SHARED, and what `check_revision` raises."""
    async with database.tenant_transaction(tenant_id) as conn:
        key, revision = await hold_private(conn, tenant_id=tenant_id, slug=slug)
        check_revision(revision)
        stored = await _known(conn, tenant_id, slug)
        old = {name: getattr(stored, name) for name in CHANGEABLE}
        await regions.update(conn, key=key, fields=old | dict(fields))
        await agents.hint_assignments(conn, region_id=key)
        return await _known(conn, tenant_id, slug)


async def hold_private(conn: Connection, *, tenant_id: TenantId, slug: str) -> tuple[int, int]:
    """Key and revision of the tenant's region, held until commit. Raises NotFound, Forbidden REGION_SHARED."""
    held = await regions.hold_own(conn, tenant_id=tenant_id, slug=slug)
    if held is None:
        await require_private(conn, tenant_id=tenant_id, slug=slug)
        raise unknown_region()
    return held


async def require_private(conn: Connection, *, tenant_id: TenantId, slug: str) -> None:
    """Raise NotFound for a region that the tenant does not see, Forbidden REGION_SHARED for one that all share."""
    seen = await regions.get_choice(conn, tenant_id=tenant_id, slug=slug)
    if seen is None:
        raise unknown_region()
    if seen.tenant_id is None:
        message = f"{slug} is a shared region, which the operator keeps: make a private one with POST /api/v1/regions"
        raise Forbidden(message, code="REGION_SHARED")


def unknown_region() -> NotFound:
    return NotFound("There is no such region", code="REGION_NOT_FOUND")


async def _known(conn: Connection, tenant_id: TenantId, slug: str) -> Region:
    region = await regions.get_choice(conn, tenant_id=tenant_id, slug=slug)
    assert region is not None, "it is held"
    return region
