"""End what a maintenance window holds now, before its time."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from control_plane.errors import Conflict
from control_plane.services.maintenance.advance_maintenance import advance_window
from control_plane.services.maintenance.maintenance_rows import holds, lock_window
from control_plane.store import maintenance, maintenance_advance
from control_plane.store.pool import Database
from shared.ids import TenantId


async def end_maintenance(
    database: Database,
    *,
    tenant_id: TenantId,
    window_id: UUID,
    write_source: str,
    check_revision: Callable[[int], None],
) -> None:
    """End it now; a recurring window holds again at its next time.

    Raises NotFound, Conflict MAINTENANCE_NOT_ACTIVE, and what `check_revision` raises.
    """
    await advance_window(database, tenant_id=tenant_id, window_id=window_id)
    async with database.tenant_transaction(tenant_id) as conn:
        row = await lock_window(conn, tenant_id=tenant_id, window_id=window_id, check_revision=check_revision)
        now = await maintenance_advance.clock(conn)
        if not holds(row, now):
            raise Conflict("This window does not hold now", code="MAINTENANCE_NOT_ACTIVE")
        await maintenance.cut_window(
            conn, tenant_id=tenant_id, window_id=window_id, at=now, delete=False, write_source=write_source
        )
    await advance_window(database, tenant_id=tenant_id, window_id=window_id)
