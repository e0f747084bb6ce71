"""Rename, re-plan, suspend or release a tenant."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import UNSET, UnsetType

from control_plane.domain.tenants.plan import merged_overrides
from control_plane.errors import NotFound
from control_plane.store import assignments, hints, tenants
from control_plane.store.pool import Database
from control_plane.store.tenants import Tenant
from shared.ids import TenantId


async def change_tenant(
    database: Database,
    tenant_id: TenantId,
    *,
    check_revision: Callable[[int], None],
    name: str | UnsetType = UNSET,
    plan: str | UnsetType = UNSET,
    suspended: bool | UnsetType = UNSET,
    overrides: Mapping[str, Any] | UnsetType = UNSET,
) -> Tenant:
    """The changed tenant. `check_revision` raises when the caller meant another one. `overrides` is a merge patch.

    Agents hear of a suspension, and of its end, with their next poll; processes that remember its callers hear of any
    change at once. Raises NotFound, BadRequest INVALID_PLAN.
    """
    async with database.app_transaction() as conn:
        stored = await tenants.lock(conn, tenant_id=tenant_id)
        if stored is None:
            raise NotFound("There is no such tenant", code="TENANT_NOT_FOUND")
        check_revision(stored.revision)
        if suspended is not UNSET and suspended != (stored.suspended_at is not None):
            await assignments.touch_tenant(conn, tenant_id=tenant_id)
        await hints.notify_tenant(conn, tenant_id=tenant_id)
        over = UNSET if overrides is UNSET else merged_overrides(stored.overrides, overrides)
        return await tenants.update(
            conn, tenant_id=tenant_id, name=name, plan=plan, suspended=suspended, overrides=over
        )


async def rename_tenant(
    database: Database, tenant_id: TenantId, *, check_revision: Callable[[int], None], name: str
) -> Tenant:
    """As the tenant itself. Raises NotFound when it is gone, BadRequest for a name that is none."""
    async with database.tenant_transaction(tenant_id) as conn:
        stored = await tenants.lock(conn, tenant_id=tenant_id)
        if stored is None:
            raise NotFound("There is no such tenant", code="TENANT_NOT_FOUND")
        check_revision(stored.revision)
        return await tenants.rename(conn, tenant_id=tenant_id, name=name)
