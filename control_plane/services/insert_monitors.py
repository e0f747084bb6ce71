"""Write many new monitors of one tenant inside the caller's transaction, a few statements for all of them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple
from uuid import uuid4

from control_plane.domain.check_rules import rules_of
from control_plane.domain.heartbeat_check import HeartbeatCheck
from control_plane.domain.monitor_rules import MonitorConfig
from control_plane.domain.plan import PlanTerms, require_room
from control_plane.domain.regionless import timeout_ms
from control_plane.domain.schedule import phase_ms, vote_window_ms
from control_plane.sealing import Sealer
from control_plane.services.credentials import monitor_context, seal_check
from control_plane.services.judge_monitors import judge_monitors
from control_plane.services.monitor_rows import plain_columns
from control_plane.store import assignments_write, monitors, monitors_insert
from control_plane.store.monitors import MonitorRow
from control_plane.store.monitors_insert import NewAssignment, NewBinding, StateRow
from control_plane.store.pool import Connection
from shared.clock import from_unix_ms
from shared.ids import MonitorId, TenantId

_JUDGED_AT_ONCE = 500


class NewMonitor(NamedTuple):
    """What is to be, under an id of the caller's."""

    id: MonitorId
    config: MonitorConfig


class _Rows(NamedTuple):
    monitors: list[MonitorRow]
    states: list[StateRow]
    bindings: list[NewBinding]
    assignments: list[NewAssignment]


async def insert_monitors(
    conn: Connection,
    sealer: Sealer,
    *,
    tenant_id: TenantId,
    terms: PlanTerms,
    new: Sequence[NewMonitor],
    write_source: str,
) -> None:
    """They may depend on each other, and on others whose states the caller holds, as well as the graph.

    Raises Refused QUOTA_EXCEEDED, Conflict KEY_TAKEN, and what is said of channels and regions that are gone.
    """
    if not new:
        return
    first = await monitors_insert.take_numbers_of_monitors(conn, tenant_id=tenant_id, count=len(new))
    current = await monitors.count_monitors(conn, tenant_id=tenant_id)
    require_room(terms, "max_monitors", current=current, more=len(new))
    now_ms = await monitors.now_ms(conn)
    rows = await asyncio.to_thread(_rows, sealer, tenant_id, new, first=first, now_ms=now_ms, write_source=write_source)
    channel_ids = {binding.channel_id for binding in rows.bindings}
    await monitors_insert.hold_channels(conn, tenant_id=tenant_id, channel_ids=sorted(channel_ids))
    await monitors_insert.insert_monitors(conn, rows.monitors, rows.states, rows.bindings)
    edges = [(one.id, upstream) for one in new for upstream in one.config.depends_on]
    await monitors_insert.insert_upstreams(conn, tenant_id=tenant_id, edges=edges)
    await monitors_insert.insert_assignments(conn, rows.assignments)
    paused = [one.id for one in new if not one.config.enabled]
    await monitors_insert.begin_pauses(conn, tenant_id=tenant_id, monitor_ids=paused)
    pings = [(one.id, uuid4()) for one in new if isinstance(one.config.check, HeartbeatCheck)]
    await monitors_insert.add_heartbeats(conn, tenant_id=tenant_id, pings=pings)
    sole = [one.id for one in new if rules_of(one.config.check).regionless]
    for begin in range(0, len(sole), _JUDGED_AT_ONCE):
        await judge_monitors(conn, sole[begin : begin + _JUDGED_AT_ONCE])
    await assignments_write.notify_regions(conn, sorted({row.region_id for row in rows.assignments}))


def _rows(
    sealer: Sealer, tenant_id: TenantId, new: Sequence[NewMonitor], *, first: int, now_ms: int, write_source: str
) -> _Rows:
    rows = _Rows([], [], [], [])
    now = from_unix_ms(now_ms)
    for number, (monitor_id, config) in enumerate(new, start=first):
        document, sealed = seal_check(sealer, config.check, context=monitor_context(tenant_id, monitor_id))
        row = MonitorRow(
            tenant_id=tenant_id,
            id=monitor_id,
            number=number,
            kind=document["type"],
            check=document,
            sealed=sealed,
            check_version=1,
            first_slot=now_ms,
            write_source=write_source,
            created_at=now,
            updated_at=now,
            revision=1,
            **plain_columns(config),
        )
        shares = _shares(row, config) if row.enabled else []
        rows.monitors.append(row)
        rows.states.append(StateRow(tenant_id, monitor_id, len(shares), rules_of(config.check).regionless))
        rows.assignments.extend(shares)
        rows.bindings.extend(
            NewBinding(tenant_id, monitor_id, one.channel_id, None if one.events is None else list(one.events))
            for one in config.alerts
        )
    return rows


def _shares(row: MonitorRow, config: MonitorConfig) -> list[NewAssignment]:
    interval_ms, count = row.interval_s * 1000, len(row.regions)
    window_ms = vote_window_ms(cadence_ms=interval_ms, timeout_ms=timeout_ms(config.check))
    return [
        NewAssignment(
            row.tenant_id,
            row.id,
            region_id,
            window_ms,
            phase_ms(row.tenant_id, row.number, region_index=index, region_count=count, interval_ms=interval_ms),
        )
        for index, region_id in enumerate(row.regions)
    ]
