"""Write what was planned of a configuration file, inside the transaction of whoever applies it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

from control_plane.domain.safety.safety_scan import Touch, touch_of
from control_plane.domain.tenants.plan import require_channel_kind, require_room
from control_plane.sealing import Sealer
from control_plane.services.alerting import channel_config
from control_plane.services.alerting.ask_address import with_consent
from control_plane.services.configuration.plan_steps import (
    WRITES,
    ChannelStep,
    Means,
    MonitorStep,
    Planned,
    WindowStep,
)
from control_plane.services.configuration.read_configuration import Stored
from control_plane.services.configuration.write_pages import write_pages
from control_plane.services.configuration.write_routes import delete_routes, write_routes
from control_plane.services.installation.spare_others import each
from control_plane.services.maintenance.maintenance_rows import holds, row_values
from control_plane.services.monitors.change_monitors import MonitorChange, change_of, write_changes
from control_plane.services.monitors.create_monitors import Draft, insert_drafts
from control_plane.services.monitors.credentials import monitor_context, seal_check
from control_plane.services.monitors.delete_monitors import delete_many
from control_plane.services.safety.refuse_target import refuse_destination, refuse_scans
from control_plane.store import channels, deliveries, maintenance, maintenance_advance, monitors
from control_plane.store.channels import ChannelWrite
from control_plane.store.pool import Connection
from shared.ids import MonitorId, TenantId

WRITE_SOURCE = "file"


async def write_planned(conn: Connection, planned: Planned, *, stored: Stored, means: Means) -> None:
    """Take every step. The caller holds all that is written, in the order of docs/adr/0024, and what was planned on.

    Raises Refused QUOTA_EXCEEDED, what the rules about destinations and ports raise, and what writing pages raises.
    """
    sealer = means.sealer
    await _write_channels(conn, planned.channels, sealer, stored)
    await _write_monitors(conn, planned.monitors, sealer, stored)
    await write_routes(conn, planned.routes, tenant_id=stored.tenant_id, terms=stored.terms, write_source=WRITE_SOURCE)
    await _write_windows(conn, planned.windows, stored)
    await write_pages(
        conn,
        planned.pages,
        tenant_id=stored.tenant_id,
        terms=stored.terms,
        new_id=means.new_id,
        write_source=WRITE_SOURCE,
    )
    await delete_routes(conn, planned.routes, tenant_id=stored.tenant_id)
    await _delete(conn, planned, tenant_id=stored.tenant_id)


def written(steps: Sequence[Any]) -> list[Any]:
    """The steps that change anything."""
    return [step for step in steps if step.change.action in WRITES]


def deleted(planned: Planned) -> list[UUID]:
    """The monitors that go."""
    return [step.row.id for step in planned.monitors if step.change.action == "delete" and step.row is not None]


async def _write_channels(conn: Connection, steps: Sequence[ChannelStep], sealer: Sealer, stored: Stored) -> None:
    tenant_id = stored.tenant_id
    new = [step for step in steps if step.change.action == "create"]
    if new:
        current = await channels.count_channels(conn, tenant_id=tenant_id)
        require_room(stored.terms, "channels", current=current, more=len(new))
    for step in new:
        if step.prepared is not None:
            require_channel_kind(stored.terms, step.prepared.kind)
    for step in written(steps):
        prepared = step.prepared
        if prepared is None or step.change.id is None:
            continue
        await refuse_destination(conn, tenant_id=tenant_id, host=prepared.host, settings=prepared.secrets)
        write = ChannelWrite(
            name=step.change.name,
            config=prepared.shown,
            sealed=channel_config.seal(prepared, sealer, tenant_id=tenant_id, channel_id=step.change.id),
            host=prepared.host,
            enabled=step.enabled,
            write_source=WRITE_SOURCE,
            verified_at=None if step.row is None else step.row.verified_at,
            templates=None if step.row is None else step.row.templates,
            quiet_hours=step.quiet_hours,
        )
        write = await with_consent(
            conn,
            write,
            before=step.row,
            kind=prepared.kind,
            tenant_id=tenant_id,
            channel_id=step.change.id,
            sealer=sealer,
        )
        await _write_channel(conn, step, write, tenant_id=tenant_id, channel_id=step.change.id, kind=prepared.kind)


async def _write_channel(
    conn: Connection, step: ChannelStep, write: ChannelWrite, *, tenant_id: TenantId, channel_id: UUID, kind: str
) -> None:
    if step.row is None:
        await channels.insert_channel(conn, tenant_id=tenant_id, channel_id=channel_id, kind=kind, write=write)
        return
    await channels.update_channel(conn, tenant_id=tenant_id, channel_id=channel_id, write=write)
    if step.row.enabled and not write.enabled:
        await deliveries.cancel_for_channel(
            conn, tenant_id=tenant_id, channel_id=channel_id, reason="The channel was disabled"
        )


async def _write_monitors(conn: Connection, steps: Sequence[MonitorStep], sealer: Sealer, stored: Stored) -> None:
    tenant_id = stored.tenant_id
    touches = await asyncio.to_thread(_touches, steps)
    await refuse_scans(conn, stored.gate.settings, tenant_id=tenant_id, touches=touches)
    drafts = await asyncio.to_thread(_drafts, steps, sealer, tenant_id)
    if drafts:
        current = await monitors.count_monitors(conn, tenant_id=tenant_id)
        require_room(stored.terms, "max_monitors", current=current, more=len(drafts))
        await insert_drafts(conn, drafts, tenant_id=tenant_id, write_source=WRITE_SOURCE)
    now_ms = await monitors.now_ms(conn)
    changes = await each((step for step in steps if step.change.action == "update"), partial(_change_of, now_ms=now_ms))
    await write_changes(conn, sealer, changes, tenant_id=tenant_id, write_source=WRITE_SOURCE)


def _change_of(step: MonitorStep, *, now_ms: int) -> MonitorChange:
    assert step.row
    assert step.before
    assert step.after
    return change_of(step.row, old=step.before, new=step.after, now_ms=now_ms, write_source=WRITE_SOURCE)


def _touches(steps: Sequence[MonitorStep]) -> list[Touch]:
    """The ports that checks which are new or changed name, where a shared region runs them."""
    changed = [s.after for s in written(steps) if s.after and (s.before is None or s.before.check != s.after.check)]
    shared = [config for config in changed if not all(region.private for region in config.regions)]
    return list({touch for config in shared if (touch := touch_of(config.check)) is not None})


def _drafts(steps: Sequence[MonitorStep], sealer: Sealer, tenant_id: TenantId) -> list[Draft]:
    drafts: list[Draft] = []
    for step in steps:
        if step.change.action == "create" and step.after is not None and step.change.id is not None:
            monitor_id = MonitorId(step.change.id)
            sealed = seal_check(sealer, step.after.check, context=monitor_context(tenant_id, monitor_id))
            drafts.append(Draft(len(drafts), monitor_id, step.after, *sealed))
    return drafts


async def _write_windows(conn: Connection, steps: Sequence[WindowStep], stored: Stored) -> None:
    tenant_id = stored.tenant_id
    new = [step for step in steps if step.change.action == "create"]
    if new:
        current = await maintenance.count_unended(conn, tenant_id=tenant_id)
        require_room(stored.terms, "maintenance", current=current, more=len(new))
    for step in written(steps):
        if step.after is None or step.change.id is None:
            continue
        write = row_values(step.after, following=step.following, write_source=WRITE_SOURCE)
        if step.row is None:
            await maintenance.insert_window(conn, tenant_id=tenant_id, window_id=step.change.id, write=write)
        else:
            await maintenance.update_window(
                conn, tenant_id=tenant_id, window_id=step.row.id, write=write, current_ends_at=step.current_end
            )


async def _delete(conn: Connection, planned: Planned, *, tenant_id: TenantId) -> None:
    if gone := deleted(planned):
        await delete_many(conn, tenant_id=tenant_id, monitor_ids=gone)
    for channel in planned.channels:
        if channel.change.action == "delete" and channel.row is not None:
            await deliveries.cancel_for_channel(
                conn, tenant_id=tenant_id, channel_id=channel.row.id, reason="The channel was deleted"
            )
            await channels.delete_channel(conn, tenant_id=tenant_id, channel_id=channel.row.id)
    now = await maintenance_advance.clock(conn)
    for window in planned.windows:
        if window.change.action == "delete" and window.row is not None:
            await _delete_window(conn, window, now=now, tenant_id=tenant_id)


async def _delete_window(conn: Connection, step: WindowStep, *, now: Any, tenant_id: TenantId) -> None:
    """One that holds ends now, and goes with its end."""
    assert step.row is not None
    row = await maintenance.lock_window(conn, tenant_id=tenant_id, window_id=step.row.id)
    if row is not None and holds(row, now):
        await maintenance.cut_window(
            conn, tenant_id=tenant_id, window_id=row.id, at=now, delete=True, write_source=None
        )
    elif row is not None:
        await maintenance.delete_window(conn, tenant_id=tenant_id, window_id=row.id)
