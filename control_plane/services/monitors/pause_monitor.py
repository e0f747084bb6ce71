"""Pause a monitor, and resume it: its assignments go, and come back as a new check version."""

from __future__ import annotations

from control_plane.sealing import Sealer
from control_plane.services.monitors.change_monitor import change_monitor
from control_plane.store.pool import Database
from shared.ids import MonitorId, TenantId


async def pause_monitor(
    database: Database,
    sealer: Sealer,
    *,
    tenant_id: TenantId,
    monitor_id: MonitorId,
    write_source: str,
    accepted: frozenset[int] | None = None,
) -> None:
    """Stop the checks and resolve an open incident without notice. Pausing a paused monitor does nothing."""
    await change_monitor(
        database,
        sealer,
        tenant_id=tenant_id,
        monitor_id=monitor_id,
        body={"enabled": False},
        write_source=write_source,
        ports="any",  # no check is read here
        accepted=accepted,
    )


async def resume_monitor(
    database: Database,
    sealer: Sealer,
    *,
    tenant_id: TenantId,
    monitor_id: MonitorId,
    write_source: str,
    accepted: frozenset[int] | None = None,
) -> None:
    """Start the checks again, the first slot now; older votes count no more. Resuming a running one does nothing."""
    await change_monitor(
        database,
        sealer,
        tenant_id=tenant_id,
        monitor_id=monitor_id,
        body={"enabled": True},
        write_source=write_source,
        ports="any",  # no check is read here
        accepted=accepted,
    )
