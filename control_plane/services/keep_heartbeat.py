"""The heartbeat of a monitor follows its configuration: made with it, at rest while it is paused, counted anew after.

Each is one part of the transaction that changes the monitor, under its state row; what has no heartbeat is left alone.
"""

from __future__ import annotations

from uuid import uuid4

from msgspec import Struct, structs

from control_plane.domain.heartbeat import advance, rescheduled, rested, resumed
from control_plane.domain.heartbeat_check import HeartbeatCheck
from control_plane.services.take_pings import ended_row
from control_plane.store import cases, heartbeat_reads, heartbeats
from control_plane.store.heartbeats import HeartbeatRow
from control_plane.store.pool import Connection
from shared.ids import MonitorId, TenantId


class _Whose(Struct, frozen=True):
    tenant_id: TenantId
    monitor_id: MonitorId


async def make_heartbeat(conn: Connection, *, tenant_id: TenantId, monitor_id: MonitorId) -> None:
    """With a ping id of 122 random bits: whoever knows it may ping."""
    await heartbeat_reads.add_heartbeat(conn, tenant_id=tenant_id, monitor_id=monitor_id, ping_id=uuid4())


async def rest_heartbeat(conn: Connection, *, tenant_id: TenantId, monitor_id: MonitorId) -> None:
    """The monitor is paused: its deadline rests."""
    row = await _read(conn, tenant_id, monitor_id)
    if row is not None:
        await heartbeats.save_heartbeats(conn, [structs.replace(row, state=rested(row.state))])


async def resume_heartbeat(conn: Connection, *, tenant_id: TenantId, monitor_id: MonitorId) -> None:
    """The monitor is watched again, by its schedule of now: nothing is proven, and deadlines count from now."""
    row = await _read(conn, tenant_id, monitor_id)
    if row is None:
        return
    applied = resumed(row.state, row.check, now_ms=await cases.database_clock_ms(conn))
    await heartbeats.save_heartbeats(conn, [structs.replace(row, state=applied.state)])
    if applied.ended:
        await heartbeats.end_runs(conn, [ended_row(row, run) for run in applied.ended])


async def reschedule_heartbeat(
    conn: Connection, *, tenant_id: TenantId, monitor_id: MonitorId, old: HeartbeatCheck, new: HeartbeatCheck
) -> None:
    """Another schedule: what was missed under the old one stays missed, and deadlines count from now."""
    row = await _read(conn, tenant_id, monitor_id)
    if row is None or old == new or not row.enabled:
        return
    now_ms = await cases.database_clock_ms(conn)
    state = rescheduled(advance(row.state, old, now_ms=now_ms), new, now_ms=now_ms)
    await heartbeats.save_heartbeats(conn, [structs.replace(row, state=state)])


async def _read(conn: Connection, tenant_id: TenantId, monitor_id: MonitorId) -> HeartbeatRow | None:
    return (await heartbeats.read_heartbeats(conn, [_Whose(tenant_id, monitor_id)])).get(monitor_id)
