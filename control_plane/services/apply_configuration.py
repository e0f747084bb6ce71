"""Make what is stored equal to a configuration file, in one transaction: all of it, or nothing.

Planning takes seconds for 10,000 monitors and holds no lock. What it planned is taken only if nothing of the
configuration has changed meanwhile, which is asked once everything that will be written is locked; else it plans anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any
from uuid import UUID

from msgspec import Struct

from control_plane.domain.plan import require_channel_kind, require_room
from control_plane.domain.safety_scan import Touch, touch_of
from control_plane.errors import Conflict, Refused
from control_plane.sealing import Sealer
from control_plane.services import channel_config
from control_plane.services.advance_maintenance import advance_window
from control_plane.services.change_monitors import change_of, write_changes
from control_plane.services.create_monitors import Draft, insert_drafts
from control_plane.services.credentials import monitor_context, seal_check
from control_plane.services.delete_monitors import delete_many, held_by
from control_plane.services.maintenance_rows import holds, row_values
from control_plane.services.plan_configuration import plan_configuration
from control_plane.services.plan_steps import (
    SECRET_MISSING,
    WRITES,
    ChannelStep,
    Means,
    MonitorStep,
    Planned,
    WindowStep,
)
from control_plane.services.read_configuration import Stored, read_configuration
from control_plane.services.refuse_target import refuse_destination, refuse_scans
from control_plane.store import (
    channels,
    configuration,
    deliveries,
    dependencies,
    maintenance,
    maintenance_advance,
    monitors,
    tenants,
)
from control_plane.store.channels import ChannelWrite
from control_plane.store.pool import Connection, Database
from shared.ids import MonitorId, TenantId

WRITE_SOURCE = "file"
_ATTEMPTS = 3


class Applied(Struct, frozen=True):
    """What was done, and the secrets that were made for new channels, by name: shown once."""

    planned: Planned
    made: Mapping[str, Mapping[str, Any]]


async def apply_configuration(
    database: Database,
    *,
    tenant_id: TenantId,
    document: object,
    means: Means,
    allow: Callable[[Planned], None],
    digest: str | None = None,
) -> Applied:
    """Plan the document and take the plan's steps. `digest`: of the plan that was approved.

    `allow` raises when the caller may not do what is planned. Raises what it and planning raise, Conflict PLAN_STALE
    when the plan is not the approved one, or when others change the configuration all the time, Refused
    SECRET_MISSING, QUOTA_EXCEEDED.
    """
    for _ in range(_ATTEMPTS):
        async with database.tenant(tenant_id) as conn:
            stored = await read_configuration(conn, tenant_id=tenant_id)
        planned = await asyncio.to_thread(partial(plan_configuration, stored, document, means))
        allow(planned)
        _refuse_unapproved(planned, digest)
        if not planned.writes:
            return Applied(planned, {})
        _refuse_missing(planned)
        for window in _written(planned.windows):
            if window.row is not None:
                await advance_window(database, tenant_id=tenant_id, window_id=window.row.id)
        if await _take(database.tenant_transaction(tenant_id), stored, planned, means):
            await _follow_windows(database, planned, tenant_id=tenant_id)
            made = {
                s.change.name: s.prepared.made for s in _written(planned.channels) if s.prepared and s.prepared.made
            }
            return Applied(planned, made)
    raise Conflict("Others are changing the configuration at the same time: plan again", code="PLAN_STALE")


def _refuse_unapproved(planned: Planned, digest: str | None) -> None:
    if digest is not None and digest != planned.digest:
        raise Conflict(
            "Applying would not do any more what this plan said: plan again, and look at what changed",
            code="PLAN_STALE",
            details={"digest": planned.digest},
        )


def _refuse_missing(planned: Planned) -> None:
    gone = [warning for warning in planned.warnings if warning.code == SECRET_MISSING]
    if gone:
        first = gone[0]
        raise Refused(
            f"{first.kind} {first.key}: {first.message}",
            code=SECRET_MISSING,
            field=first.field,
            details={"missing": [{"kind": one.kind, "key": one.key, "field": one.field} for one in gone[:100]]},
        )


async def _take(
    transaction: AbstractAsyncContextManager[Connection], stored: Stored, planned: Planned, means: Means
) -> bool:
    """Whether the plan was taken: not if anything has moved since it was read."""
    tenant_id = stored.tenant_id
    async with transaction as conn:
        await dependencies.hold_graph(conn, tenant_id=tenant_id)
        await _hold_states(conn, planned, tenant_id=tenant_id)
        await tenants.hold_counters(conn, tenant_id=tenant_id)
        if await configuration.fingerprint(conn, tenant_id=tenant_id) != stored.fingerprint:
            return False
        await _write_channels(conn, planned.channels, means.sealer, stored)
        await _write_monitors(conn, planned.monitors, means.sealer, stored)
        await _write_windows(conn, planned.windows, stored)
        await _delete(conn, planned, tenant_id=tenant_id)
    return True


async def _hold_states(conn: Connection, planned: Planned, *, tenant_id: TenantId) -> None:
    """Lock all that will be written, in the order of docs/adr/0024."""
    windows = [step.row.id for step in _written(planned.windows) if step.row is not None]
    await configuration.hold_windows(conn, tenant_id=tenant_id, ids=windows)
    freed = await held_by(conn, tenant_id=tenant_id, monitor_ids=_deleted(planned))
    steps = _written(planned.monitors)
    touched = [step.row.id for step in steps if step.row is not None]
    upstream = {one for step in steps if step.after is not None for one in step.after.depends_on}
    await monitors.lock_states(conn, tenant_id=tenant_id, monitor_ids=[*touched, *upstream, *freed])
    channel_ids = [step.row.id for step in _written(planned.channels) if step.row is not None]
    await configuration.hold_rows(conn, tenant_id=tenant_id, monitor_ids=touched, channel_ids=channel_ids)


async def _write_channels(conn: Connection, steps: Sequence[ChannelStep], sealer: Sealer, stored: Stored) -> None:
    tenant_id = stored.tenant_id
    new = [step for step in steps if step.change.action == "create"]
    if new:
        current = await channels.count_channels(conn, tenant_id=tenant_id)
        require_room(stored.terms, "channels", current=current, more=len(new))
    for step in new:
        if step.prepared is not None:
            require_channel_kind(stored.terms, step.prepared.kind)
    for step in _written(steps):
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
    await refuse_scans(conn, stored.gate.settings, tenant_id=tenant_id, touches=_touches(steps))
    drafts = await asyncio.to_thread(_drafts, steps, sealer, tenant_id)
    if drafts:
        current = await monitors.count_monitors(conn, tenant_id=tenant_id)
        require_room(stored.terms, "max_monitors", current=current, more=len(drafts))
        await insert_drafts(conn, drafts, tenant_id=tenant_id, write_source=WRITE_SOURCE)
    now_ms = await monitors.now_ms(conn)
    changes = [
        change_of(step.row, old=step.before, new=step.after, now_ms=now_ms, write_source=WRITE_SOURCE)
        for step in steps
        if step.change.action == "update" and step.row and step.before and step.after
    ]
    await write_changes(conn, sealer, changes, tenant_id=tenant_id, write_source=WRITE_SOURCE)


def _touches(steps: Sequence[MonitorStep]) -> list[Touch]:
    """The ports that checks which are new or changed name, where a shared region runs them."""
    changed = [s.after for s in _written(steps) if s.after and (s.before is None or s.before.check != s.after.check)]
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


def _deleted(planned: Planned) -> list[UUID]:
    return [step.row.id for step in planned.monitors if step.change.action == "delete" and step.row is not None]


async def _write_windows(conn: Connection, steps: Sequence[WindowStep], stored: Stored) -> None:
    tenant_id = stored.tenant_id
    new = [step for step in steps if step.change.action == "create"]
    if new:
        current = await maintenance.count_unended(conn, tenant_id=tenant_id)
        require_room(stored.terms, "maintenance", current=current, more=len(new))
    for step in _written(steps):
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
    if deleted := _deleted(planned):
        await delete_many(conn, tenant_id=tenant_id, monitor_ids=deleted)
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


async def _follow_windows(database: Database, planned: Planned, *, tenant_id: TenantId) -> None:
    """Windows whose time has come hold from now on; those that were cut end."""
    for step in _written(planned.windows):
        if step.change.id is not None:
            await advance_window(database, tenant_id=tenant_id, window_id=step.change.id)


def _written(steps: Sequence[Any]) -> list[Any]:
    return [step for step in steps if step.change.action in WRITES]
