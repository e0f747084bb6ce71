"""Take one region out of a monitor: the one action that a regional advisory offers."""

from __future__ import annotations

from control_plane.errors import NotFound, PreconditionFailed, Refused
from control_plane.sealing import Sealer
from control_plane.services.monitors.change_monitor import change_monitor
from control_plane.store import monitor_reads
from control_plane.store.monitor_reads import MonitorView
from control_plane.store.pool import Database
from shared.ids import MonitorId, TenantId
from shared.netpolicy import PortProfile

_TRIES = 5


async def drop_region(
    database: Database,
    sealer: Sealer,
    *,
    tenant_id: TenantId,
    monitor_id: MonitorId,
    region: str,
    write_source: str,
    ports: PortProfile,
    accepted: frozenset[int] | None = None,
) -> None:
    """Leave the monitor's other regions as they are, whatever somebody else changes meanwhile.

    Raises NotFound MONITOR_NOT_FOUND or REGION_NOT_FOUND, Refused INVALID_REGIONS for the last one, PreconditionFailed.
    """
    for tries_left in reversed(range(_TRIES)):
        view = await _view(database, tenant_id=tenant_id, monitor_id=monitor_id)
        try:
            await change_monitor(
                database,
                sealer,
                tenant_id=tenant_id,
                monitor_id=monitor_id,
                body={"regions": _without(view, region)},
                write_source=write_source,
                ports=ports,
                accepted=frozenset({view.revision}) if accepted is None else accepted,
            )
        except PreconditionFailed:
            if accepted is not None or not tries_left:
                raise
        else:
            return


async def _view(database: Database, *, tenant_id: TenantId, monitor_id: MonitorId) -> MonitorView:
    async with database.tenant(tenant_id) as conn:
        view = await monitor_reads.get_monitor(conn, tenant_id=tenant_id, monitor_id=monitor_id)
    if view is None:
        raise NotFound("There is no such monitor", code="MONITOR_NOT_FOUND")
    return view


def _without(view: MonitorView, region: str) -> list[str]:
    slugs = [one.slug for one in view.regions]
    if region not in slugs:
        raise NotFound("The monitor is not checked from such a region", code="REGION_NOT_FOUND")
    rest = [slug for slug in slugs if slug != region]
    if not rest:
        message = f"{region} is the monitor's last region: choose another with PUT …/regions first, or pause it"
        raise Refused(message, code="INVALID_REGIONS")
    return rest
