"""Delete a monitor. Its incidents stay; its assignments become tombstones that tell the agents."""

from __future__ import annotations

from control_plane.services.change_monitor import lock
from control_plane.services.close_incident import resolve_quietly
from control_plane.store import assignments_write, monitors
from control_plane.store.pool import Database
from shared.ids import MonitorId, TenantId


async def delete_monitor(
    database: Database, *, tenant_id: TenantId, monitor_id: MonitorId, accepted: frozenset[int] | None = None
) -> None:
    """Raises NotFound MONITOR_NOT_FOUND, PreconditionFailed."""
    async with database.tenant_transaction(tenant_id) as conn:
        await lock(conn, tenant_id=tenant_id, monitor_id=monitor_id, accepted=accepted)
        await resolve_quietly(conn, tenant_id=tenant_id, monitor_id=monitor_id, resolution="deleted")
        removed = await assignments_write.remove_assignments(conn, tenant_id=tenant_id, monitor_id=monitor_id)
        await assignments_write.drop_stale_dispatches(
            conn, tenant_id=tenant_id, monitor_id=monitor_id, check_version=None
        )
        await monitors.delete_monitor(conn, tenant_id=tenant_id, monitor_id=monitor_id)
        await assignments_write.notify_regions(conn, removed)
