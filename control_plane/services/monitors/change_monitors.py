"""Change many monitors in one transaction, as change_monitor does one: what most need is written for all at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from msgspec import Struct, structs

from control_plane.domain.checks.composite_check import CompositeCheck
from control_plane.domain.checks.heartbeat_check import HeartbeatCheck
from control_plane.domain.checks.regionless import timeout_ms
from control_plane.domain.monitors.monitor_rules import MonitorConfig, Surroundings, read_monitor, same_schedule
from control_plane.errors import FarwatchError, NotFound
from control_plane.sealing import Sealer
from control_plane.services.incidents.close_incident import resolve_quietly
from control_plane.services.judging.judge_monitors import judge_monitors
from control_plane.services.monitors.change_dependencies import hold_all_named
from control_plane.services.monitors.change_monitor import agents_see, judged_on, server_of, write_change
from control_plane.services.monitors.create_monitors import Outcome
from control_plane.services.monitors.credentials import monitor_context, seal_check
from control_plane.services.monitors.monitor_rows import (
    assignment_rows,
    masked_check,
    opened_check,
    plain_columns,
    read_surroundings_of,
    stored_config,
)
from control_plane.services.safety.refuse_scans_of_many import scans_among
from control_plane.store import assignments_write, certificates, monitor_bulk, monitors
from control_plane.store.monitors import BindingRow, MonitorRow
from control_plane.store.pool import Connection
from shared.ids import TenantId
from shared.netpolicy import PortProfile

_AT_ONCE = 10

Patch = Callable[[MonitorRow], Mapping[str, Any]]
"""The merge patch (RFC 7396) of one monitor."""


class MonitorChange(Struct, frozen=True):
    """A monitor that becomes another; `after` is its row to be."""

    before: MonitorRow
    after: MonitorRow
    old: MonitorConfig
    new: MonitorConfig

    @property
    def resumed(self) -> bool:
        return self.new.enabled and not self.old.enabled

    @property
    def paused(self) -> bool:
        return self.old.enabled and not self.new.enabled

    @property
    def plain(self) -> bool:
        """It touches neither the bindings, the graph nor a heartbeat: those are written one by one."""
        one, other = self.old, self.new
        same = all(getattr(one, name) == getattr(other, name) for name in ("alerts", "escalations", "depends_on"))
        rests_on_others = one.check != other.check and isinstance(other.check, CompositeCheck)
        return same and not rests_on_others and not isinstance(other.check, HeartbeatCheck)


class _Locked(Struct, frozen=True):
    """The monitors and what goes with them, all locked."""

    rows: Mapping[UUID, MonitorRow]
    surroundings: Surroundings
    bindings: Mapping[UUID, Sequence[BindingRow]]
    upstreams: Mapping[UUID, Sequence[UUID]]
    now_ms: int


async def change_many(
    conn: Connection,
    sealer: Sealer,
    *,
    tenant_id: TenantId,
    monitor_ids: Sequence[UUID],
    named: Mapping[str, Any],
    patch_of: Patch,
    write_source: str,
    ports: PortProfile,
) -> list[Outcome]:
    """Merge onto each monitor its patch, inside the caller's transaction; one outcome for each, in their order.

    `named`: a body that names whatever any of the patches names. A refused patch leaves its monitor as it is and keeps
    no other from being changed. Raises what the database refuses in spite of the rules, and DEPENDENCY_CYCLE: the
    transaction is lost then, and the caller tries again with fewer.
    """
    along = await hold_all_named(conn, tenant_id=tenant_id, bodies=[named])
    rows = await monitor_bulk.lock_monitors(conn, tenant_id=tenant_id, monitor_ids=monitor_ids, along=along)
    locked = _Locked(
        rows=rows,
        surroundings=await read_surroundings_of(conn, tenant_id=tenant_id, bodies=[named], ports=ports),
        bindings=await monitor_bulk.read_all_bindings(conn, tenant_id=tenant_id, monitor_ids=monitor_ids),
        upstreams=await monitor_bulk.read_all_upstreams(conn, tenant_id=tenant_id, monitor_ids=monitor_ids),
        now_ms=await monitors.now_ms(conn),
    )
    outcomes: list[Outcome] = []
    changes: dict[int, MonitorChange] = {}
    for index, monitor_id in enumerate(monitor_ids):
        change, outcome = _judge(sealer, locked, monitor_id, index, patch_of=patch_of, write_source=write_source)
        outcomes.append(outcome)
        if change is not None:
            changes[index] = change
        if index % _AT_ONCE == _AT_ONCE - 1:
            await asyncio.sleep(0)
    checks = {index: one.new for index, one in changes.items() if one.new.check != one.old.check}
    settings = locked.surroundings.gate.settings
    for index, error in (await scans_among(conn, settings, tenant_id=tenant_id, configs=checks)).items():
        outcomes[index] = structs.replace(outcomes[index], name=changes.pop(index).old.name, error=error)
    await write_changes(conn, sealer, [*changes.values()], tenant_id=tenant_id, write_source=write_source)
    return outcomes


def _judge(
    sealer: Sealer, locked: _Locked, monitor_id: UUID, index: int, *, patch_of: Patch, write_source: str
) -> tuple[MonitorChange | None, Outcome]:
    row = locked.rows.get(monitor_id)
    if row is None:
        error = NotFound("There is no such monitor", code="MONITOR_NOT_FOUND")
        return None, Outcome(index=index, id=monitor_id, error=error)
    told = Outcome(index=index, id=row.id, number=row.number, name=row.name)
    try:
        old, new = _configs(sealer, locked, row, patch_of(row))
    except FarwatchError as refusal:
        return None, structs.replace(told, error=refusal)
    if new == old:
        return None, structs.replace(told, changed=False)
    change = change_of(row, old=old, new=new, now_ms=locked.now_ms, write_source=write_source)
    return change, structs.replace(told, name=new.name)


def change_of(
    row: MonitorRow, *, old: MonitorConfig, new: MonitorConfig, now_ms: int, write_source: str
) -> MonitorChange:
    """The change that makes the monitor's configuration `new`."""
    columns: dict[str, Any] = {**plain_columns(new), "write_source": write_source}
    if (new.enabled and not old.enabled) or not same_schedule(old, new):
        columns |= {"check_version": row.check_version + 1, "first_slot": now_ms}
    return MonitorChange(row, structs.replace(row, **columns), old, new)


def _configs(
    sealer: Sealer, locked: _Locked, row: MonitorRow, body: Mapping[str, Any]
) -> tuple[MonitorConfig, MonitorConfig]:
    check = opened_check(sealer, row) if "check" in body else masked_check(row)
    old = stored_config(
        row,
        check=check,
        bindings=locked.bindings.get(row.id, ()),
        regions=locked.surroundings.regions,
        depends_on=locked.upstreams.get(row.id, ()),
    )
    return old, read_monitor(body, stored=old, surroundings=locked.surroundings)


async def write_changes(
    conn: Connection, sealer: Sealer, changes: Sequence[MonitorChange], *, tenant_id: TenantId, write_source: str
) -> None:
    """Write them inside the transaction of the caller, who holds the graph, their states and their rows."""
    plain = [change for change in changes if change.plain]
    if plain:
        await _write_plain(conn, [_with_check(sealer, change) for change in plain], tenant_id=tenant_id)
    for one in changes:
        if not one.plain:
            await write_change(conn, sealer, row=one.before, old=one.old, new=one.new, write_source=write_source)


def _with_check(sealer: Sealer, change: MonitorChange) -> MonitorChange:
    """With the new check in its row, its secrets sealed."""
    row, check = change.before, change.new.check
    if check == change.old.check:
        return change
    document, sealed = seal_check(sealer, check, context=monitor_context(row.tenant_id, row.id))
    return structs.replace(change, after=structs.replace(change.after, check=document, sealed=sealed))


async def _write_plain(conn: Connection, changes: Sequence[MonitorChange], *, tenant_id: TenantId) -> None:
    await monitor_bulk.update_monitors(conn, [change.after for change in changes])
    for change in changes:
        if server_of(change.old.check) != server_of(change.new.check):
            await certificates.forget_certificates(conn, tenant_id=tenant_id, monitor_id=change.before.id)
    seen = [change for change in changes if agents_see(change.before, change.after)]
    if seen:
        await _assign(conn, seen, tenant_id=tenant_id)
    resumed = [change.before.id for change in changes if change.resumed]
    if resumed:
        await monitor_bulk.end_pauses(conn, tenant_id=tenant_id, monitor_ids=resumed)
    paused = [change.before.id for change in changes if change.paused]
    if paused:
        await monitor_bulk.begin_pauses(conn, tenant_id=tenant_id, monitor_ids=paused)
        for monitor_id in await monitor_bulk.with_open_incidents(conn, tenant_id=tenant_id, monitor_ids=paused):
            await resolve_quietly(conn, tenant_id=tenant_id, monitor_id=monitor_id, resolution="paused")
    judged = [change.before.id for change in changes if judged_on(change.before) != judged_on(change.after)]
    if judged:
        await judge_monitors(conn, sorted(judged))


async def _assign(conn: Connection, changes: Sequence[MonitorChange], *, tenant_id: TenantId) -> None:
    """As monitor_rows.assign does for one."""
    shares = [(one.after, assignment_rows(one.after, timeout_ms=timeout_ms(one.new.check))) for one in changes]
    kept = {row.id: [assigned.region_id for assigned in share] for row, share in shares}
    removed = await monitor_bulk.remove_other_assignments(conn, tenant_id=tenant_id, kept=kept)
    await monitor_bulk.upsert_all_assignments(conn, [(row, share) for row, share in shares if share])
    versions = {row.id: row.check_version if row.enabled else None for row, _ in shares}
    await monitor_bulk.drop_all_stale_dispatches(conn, tenant_id=tenant_id, versions=versions)
    await assignments_write.notify_regions(conn, sorted(removed.union(*kept.values())))
