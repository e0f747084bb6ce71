"""Delete a monitor. Its incidents stay; its assignments become tombstones that tell the agents."""

from __future__ import annotations

from uuid import UUID

from control_plane.domain.judging.dependency_graph import distances
from control_plane.services.incidents.close_incident import resolve_quietly
from control_plane.services.judging.judge_monitors import judge_monitors
from control_plane.services.monitors.change_monitor import lock
from control_plane.store import assignments_write, dependencies, monitors
from control_plane.store.pool import Connection, Database
from shared.ids import MonitorId, TenantId

_JUDGED_AT_ONCE = 500


async def delete_monitor(
    database: Database, *, tenant_id: TenantId, monitor_id: MonitorId, accepted: frozenset[int] | None = None
) -> None:
    """Raises NotFound MONITOR_NOT_FOUND, PreconditionFailed."""
    async with database.tenant_transaction(tenant_id) as conn:
        await dependencies.hold_graph(conn, tenant_id=tenant_id)
        freed = await held_by(conn, tenant_id=tenant_id, monitor_id=monitor_id)
        await lock(conn, tenant_id=tenant_id, monitor_id=monitor_id, accepted=accepted, along=freed)
        await remove_monitor(conn, tenant_id=tenant_id, monitor_id=monitor_id)
        if freed:
            await judge_monitors(conn, freed)


async def remove_monitor(conn: Connection, *, tenant_id: TenantId, monitor_id: MonitorId) -> None:
    """Delete it inside the transaction of the caller, who holds the graph, its state and its row, and judges after."""
    await resolve_quietly(conn, tenant_id=tenant_id, monitor_id=monitor_id, resolution="deleted")
    removed = await assignments_write.remove_assignments(conn, tenant_id=tenant_id, monitor_id=monitor_id)
    await assignments_write.drop_stale_dispatches(conn, tenant_id=tenant_id, monitor_id=monitor_id, check_version=None)
    await monitors.delete_monitor(conn, tenant_id=tenant_id, monitor_id=monitor_id)
    await assignments_write.notify_regions(conn, removed)


async def held_by(conn: Connection, *, tenant_id: TenantId, monitor_id: MonitorId) -> list[UUID]:
    """The monitors that this one holds if it is down. Of very many, the sweep judges the rest."""
    if await dependencies.verdict_of(conn, tenant_id=tenant_id, monitor_id=monitor_id) != "down":
        return []
    edges = await dependencies.edges_above(conn, tenant_id=tenant_id, monitor_ids=[monitor_id])
    return sorted(distances(edges, monitor_id))[:_JUDGED_AT_ONCE]
