"""Delete many monitors in one transaction, as delete_monitor does one."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from control_plane.domain.judging.dependency_graph import distances
from control_plane.errors import NotFound
from control_plane.services.incidents.close_incident import resolve_quietly
from control_plane.services.judging.judge_monitors import judge_monitors
from control_plane.services.monitors.create_monitors import Outcome
from control_plane.store import assignments_write, dependencies, monitor_bulk
from control_plane.store.monitors import MonitorRow
from control_plane.store.pool import Connection
from shared.ids import TenantId

_JUDGED_AT_ONCE = 500


async def delete_many(conn: Connection, *, tenant_id: TenantId, monitor_ids: Sequence[UUID]) -> list[Outcome]:
    """Delete them inside the caller's transaction; one outcome for each, in their order. Their incidents stay."""
    await dependencies.hold_graph(conn, tenant_id=tenant_id)
    freed = await held_by(conn, tenant_id=tenant_id, monitor_ids=monitor_ids)
    rows = await monitor_bulk.lock_monitors(conn, tenant_id=tenant_id, monitor_ids=monitor_ids, along=freed)
    if rows:
        await _delete(conn, tenant_id=tenant_id, monitor_ids=sorted(rows))
    if freed:
        await judge_monitors(conn, freed)
    return [_outcome(index, monitor_id, rows.get(monitor_id)) for index, monitor_id in enumerate(monitor_ids)]


async def _delete(conn: Connection, *, tenant_id: TenantId, monitor_ids: Sequence[UUID]) -> None:
    for monitor_id in await monitor_bulk.with_open_incidents(conn, tenant_id=tenant_id, monitor_ids=monitor_ids):
        await resolve_quietly(conn, tenant_id=tenant_id, monitor_id=monitor_id, resolution="deleted")
    none: dict[UUID, list[int]] = {monitor_id: [] for monitor_id in monitor_ids}
    removed = await monitor_bulk.remove_other_assignments(conn, tenant_id=tenant_id, kept=none)
    every = dict.fromkeys(monitor_ids, None)
    await monitor_bulk.drop_all_stale_dispatches(conn, tenant_id=tenant_id, versions=every)
    await monitor_bulk.delete_monitors(conn, tenant_id=tenant_id, monitor_ids=monitor_ids)
    await assignments_write.notify_regions(conn, sorted(removed))


async def held_by(conn: Connection, *, tenant_id: TenantId, monitor_ids: Sequence[UUID]) -> list[UUID]:
    """The monitors that those of them hold that are down. Of very many, the sweep judges the rest."""
    down = await monitor_bulk.down_among(conn, tenant_id=tenant_id, monitor_ids=monitor_ids)
    if not down:
        return []
    edges = await dependencies.edges_above(conn, tenant_id=tenant_id, monitor_ids=down)
    held = {above for one in down for above in distances(edges, one)}
    return sorted(held.difference(monitor_ids))[:_JUDGED_AT_ONCE]


def _outcome(index: int, monitor_id: UUID, row: MonitorRow | None) -> Outcome:
    if row is None:
        error = NotFound("There is no such monitor", code="MONITOR_NOT_FOUND")
        return Outcome(index=index, id=monitor_id, error=error)
    return Outcome(index=index, id=monitor_id, number=row.number, name=row.name)
