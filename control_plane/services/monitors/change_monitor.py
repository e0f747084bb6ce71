"""Change a monitor: merge the body onto what is stored, under its lock, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from msgspec import structs

from control_plane.domain.checks.heartbeat_check import HeartbeatCheck
from control_plane.domain.checks.kinds import MonitorCheck
from control_plane.domain.checks.regionless import timeout_ms
from control_plane.domain.monitors.monitor_rules import MonitorConfig, read_monitor, same_schedule
from control_plane.errors import NotFound
from control_plane.sealing import Sealer
from control_plane.services.heartbeats.keep_heartbeat import Schedule, follow_change
from control_plane.services.incidents.close_incident import resolve_quietly
from control_plane.services.installation.require_revision import require_revision
from control_plane.services.judging.judge_monitors import judge_monitors
from control_plane.services.monitors.change_dependencies import (
    change_dependencies,
    hold_named,
    refuse_circle_of_composites,
)
from control_plane.services.monitors.credentials import monitor_context, seal_check
from control_plane.services.monitors.monitor_rows import (
    assign,
    binding_rows,
    masked_check,
    opened_check,
    plain_columns,
    read_surroundings,
    stored_config,
)
from control_plane.services.safety.refuse_target import refuse_port_scan
from control_plane.store import certificates, dependencies, monitors, pauses
from control_plane.store.monitors import MonitorRow
from control_plane.store.pool import Connection, Database
from shared.checks.tls_cert import TlsCertCheck
from shared.ids import MonitorId, TenantId
from shared.netpolicy import PortProfile


async def change_monitor(
    database: Database,
    sealer: Sealer,
    *,
    tenant_id: TenantId,
    monitor_id: MonitorId,
    body: Mapping[str, Any],
    write_source: str,
    ports: PortProfile,
    accepted: frozenset[int] | None = None,
) -> None:
    """Merge the body (RFC 7396) onto the monitor. A body that changes nothing writes nothing.

    `accepted`: the revisions that If-Match allows, None for any. Raises NotFound, PreconditionFailed, Conflict
    KEY_TAKEN, Refused DEPENDENCY_CYCLE, and BadRequest or Refused as domain/monitor_rules says.
    """
    async with database.tenant_transaction(tenant_id) as conn:
        along = await hold_named(conn, tenant_id=tenant_id, body=body)
        row = await lock(conn, tenant_id=tenant_id, monitor_id=monitor_id, accepted=accepted, along=along)
        surroundings = await read_surroundings(conn, tenant_id=tenant_id, body=body, ports=ports)
        bindings = await monitors.read_bindings(conn, tenant_id=tenant_id, monitor_id=monitor_id)
        upstreams = await dependencies.read_upstreams(conn, tenant_id=tenant_id, monitor_id=monitor_id)
        check = opened_check(sealer, row) if "check" in body else masked_check(row)
        old = stored_config(row, check=check, bindings=bindings, regions=surroundings.regions, depends_on=upstreams)
        new = read_monitor(body, stored=old, surroundings=surroundings)
        if new.check != old.check:
            settings = surroundings.gate.settings
            await refuse_port_scan(conn, settings, tenant_id=tenant_id, check=new.check, regions=new.regions)
        if new != old:
            await write_change(conn, sealer, row=row, old=old, new=new, write_source=write_source)


async def lock(
    conn: Connection,
    *,
    tenant_id: TenantId,
    monitor_id: MonitorId,
    accepted: frozenset[int] | None = None,
    along: Sequence[UUID] = (),
) -> MonitorRow:
    """The monitor, locked until commit. Raises NotFound MONITOR_NOT_FOUND, PreconditionFailed."""
    row = await monitors.lock_monitor(conn, tenant_id=tenant_id, monitor_id=monitor_id, along=along)
    if row is None:
        raise NotFound("There is no such monitor", code="MONITOR_NOT_FOUND")
    require_revision(row.revision, accepted)
    return row


async def write_change(
    conn: Connection,
    sealer: Sealer,
    *,
    row: MonitorRow,
    old: MonitorConfig,
    new: MonitorConfig,
    write_source: str,
) -> None:
    """Write what differs, inside the transaction of the caller, who holds the monitor's state and its row."""
    columns: dict[str, Any] = {**plain_columns(new), "write_source": write_source}
    if new.check != old.check:
        context = monitor_context(row.tenant_id, row.id)
        columns["check"], columns["sealed"] = seal_check(sealer, new.check, context=context)
    resumed = new.enabled and not old.enabled
    if resumed or not same_schedule(old, new):
        columns["check_version"] = row.check_version + 1
        columns["first_slot"] = await monitors.now_ms(conn)
    changed = structs.replace(row, **columns)
    if new.check != old.check:
        await refuse_circle_of_composites(conn, tenant_id=row.tenant_id, monitor_id=row.id, check=new.check)
    if new.depends_on != old.depends_on:
        await change_dependencies(conn, tenant_id=row.tenant_id, monitor_id=row.id, depends_on=new.depends_on)
    await monitors.update_monitor(conn, changed)
    if isinstance(old.check, HeartbeatCheck) and isinstance(new.check, HeartbeatCheck):
        before, after = Schedule(old.check, old.enabled), Schedule(new.check, new.enabled)
        await follow_change(
            conn, tenant_id=TenantId(row.tenant_id), monitor_id=MonitorId(row.id), old=before, new=after
        )
    if server_of(new.check) != server_of(old.check):
        await certificates.forget_certificates(conn, tenant_id=row.tenant_id, monitor_id=row.id)
    if (new.alerts, new.escalations) != (old.alerts, old.escalations):
        await monitors.replace_bindings(conn, tenant_id=row.tenant_id, monitor_id=row.id, bindings=binding_rows(new))
    if agents_see(row, changed):
        await assign(conn, changed, timeout_ms=timeout_ms(new.check))
    if resumed:
        await pauses.end_pause(conn, tenant_id=row.tenant_id, monitor_id=row.id)
    if old.enabled and not new.enabled:
        await pauses.begin_pause(conn, tenant_id=row.tenant_id, monitor_id=row.id)
        await resolve_quietly(conn, tenant_id=row.tenant_id, monitor_id=row.id, resolution="paused")
    if new.depends_on != old.depends_on or judged_on(row) != judged_on(changed):
        await judge_monitors(conn, [row.id])


def server_of(check: MonitorCheck) -> tuple[object, ...] | None:
    """Whose certificate is read: another server's is no change of this one's."""
    return (check.host, check.port, check.server_name) if isinstance(check, TlsCertCheck) else None


def agents_see(row: MonitorRow, changed: MonitorRow) -> bool:
    """Whether assignments change."""
    return (row.check_version, row.enabled) != (changed.check_version, changed.enabled)


def judged_on(row: MonitorRow) -> tuple[object, ...]:
    """What a verdict or an incident rests on besides the votes."""
    policy = (row.region_policy, row.region_policy_count, row.confirmations)
    return (row.check_version, row.enabled, *policy, row.alert_on, row.backoff_when_down)
