"""The heartbeat of a monitor follows its configuration: made with it, at rest while it is paused, counted anew after.

Each is one part of the transaction that changes the monitor, under its state row; what has no heartbeat is left alone.
"""

from __future__ import annotations

from uuid import uuid4

from msgspec import Struct, structs

from control_plane.domain.checks.heartbeat_check import HeartbeatCheck
from control_plane.domain.heartbeats.heartbeat import Applied, Heartbeat, advance, rescheduled, rested, resumed
from control_plane.domain.heartbeats.ping_door import PingDoor
from control_plane.services.heartbeats.take_pings import ended_row
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


class Schedule(Struct, frozen=True):
    """What deadlines follow: they rest while it is not enabled."""

    check: HeartbeatCheck
    enabled: bool


async def follow_change(
    conn: Connection, *, tenant_id: TenantId, monitor_id: MonitorId, old: Schedule, new: Schedule
) -> None:
    """The monitor's row says `new` already. Paused, resumed or on another schedule, its deadlines follow."""
    row = await _read(conn, tenant_id, monitor_id)
    if row is None or old == new or not (old.enabled or new.enabled):
        return
    now_ms = await cases.database_clock_ms(conn)
    door = await heartbeats.door_for(conn, [row], now_ms=now_ms)
    applied = _followed(row.state, old, new, now_ms=now_ms, door=door)
    await heartbeats.save_heartbeats(conn, [structs.replace(row, state=applied.state)])
    if applied.ended:
        await heartbeats.end_runs(conn, [ended_row(row, run) for run in applied.ended])


def _followed(state: Heartbeat, old: Schedule, new: Schedule, *, now_ms: int, door: PingDoor) -> Applied:
    if not new.enabled:
        return Applied(state=rested(state))
    if not old.enabled:
        return resumed(state, new.check, now_ms=now_ms)
    judged = advance(state, old.check, now_ms=now_ms, door=door)
    kept = structs.replace(judged, runs=state.runs)  # open ones count anew, too
    return Applied(state=rescheduled(kept, new.check, now_ms=now_ms))


async def _read(conn: Connection, tenant_id: TenantId, monitor_id: MonitorId) -> HeartbeatRow | None:
    return (await heartbeats.read_heartbeats(conn, [_Whose(tenant_id, monitor_id)])).get(monitor_id)
