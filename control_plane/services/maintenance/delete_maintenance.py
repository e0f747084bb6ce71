"""Delete a maintenance window. One that holds ends now; what it has covered stays with the monitors."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from control_plane.services.maintenance.advance_maintenance import advance_window
from control_plane.services.maintenance.maintenance_rows import holds, lock_window
from control_plane.store import maintenance, maintenance_advance
from control_plane.store.pool import Database
from shared.ids import TenantId


async def delete_maintenance(
    database: Database, *, tenant_id: TenantId, window_id: UUID, check_revision: Callable[[int], None]
) -> None:
    """Raises NotFound, or what `check_revision` raises."""
    await advance_window(database, tenant_id=tenant_id, window_id=window_id)
    async with database.tenant_transaction(tenant_id) as conn:
        row = await lock_window(conn, tenant_id=tenant_id, window_id=window_id, check_revision=check_revision)
        now = await maintenance_advance.clock(conn)
        if not holds(row, now):
            await maintenance.delete_window(conn, tenant_id=tenant_id, window_id=window_id)
            return
        await maintenance.cut_window(
            conn, tenant_id=tenant_id, window_id=window_id, at=now, delete=True, write_source=None
        )
    await advance_window(database, tenant_id=tenant_id, window_id=window_id)
