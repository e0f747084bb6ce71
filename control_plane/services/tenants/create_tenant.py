"""Create a tenant."""

from __future__ import annotations

from control_plane.services.installation.identity import new_id
from control_plane.store import tenants
from control_plane.store.pool import Database
from control_plane.store.tenants import Tenant
from shared.ids import TenantId


async def create_tenant(database: Database, *, name: str, plan: str) -> Tenant:
    """A tenant without keys. Raises BadRequest INVALID_PLAN."""
    async with database.app_transaction() as conn:
        return await tenants.insert(conn, tenant_id=TenantId(new_id()), name=name, plan=plan)
