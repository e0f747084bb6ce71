"""Heartbeats, pings and runs as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from msgspec import Struct

from control_plane.domain.checks.heartbeat_check import HeartbeatCheck
from control_plane.domain.heartbeats.heartbeat import Run, run_limit
from control_plane.store import heartbeat_reads
from control_plane.store.heartbeat_reads import HeartbeatView, RunView
from control_plane.store.monitor_reads import MonitorView
from control_plane.web.call import Call
from shared.clock import from_unix_ms, to_unix_ms

_MAY_PING = frozenset({"heartbeats:write", "monitors:write"})


class HeartbeatPartJson(Struct, frozen=True, kw_only=True):
    """What the read of a heartbeat monitor carries besides: where to ping, what came last and when the next is due.

    `ping_url` is null to a key that may only read, for whoever knows it may ping. `due_at` is null while nothing is
    expected: before the first ping, and while paused. `running_since` is the start of the oldest open run.
    `previous_url_until`: how long the URL before the last rotation still counts.
    """

    ping_url: str | None
    previous_url_until: datetime | None
    last_ping_at: datetime | None
    last_ping_kind: str | None
    pings: int
    due_at: datetime | None
    running_since: datetime | None


class HeartbeatJson(HeartbeatPartJson, frozen=True, kw_only=True):
    """A heartbeat by itself; `check` and `verdict` of its monitor are at /monitors/{monitor_id}."""

    monitor_id: UUID
    number: int
    name: str
    enabled: bool


class RunJson(Struct, frozen=True, kw_only=True):
    """From start to finish. `outcome`: running, success, fail, overdue (past its limit), abandoned (never finished).

    `number` is that of the ping that began it. A run past its limit is shown overdue before anybody has finished it.
    """

    number: int
    rid: UUID | None
    started_at: datetime
    finished_at: datetime | None
    duration_ms: int | None
    exit_code: int | None
    outcome: str


def part_json(call: Call, view: HeartbeatView) -> HeartbeatPartJson:
    """The part of a monitor's JSON that belongs to its heartbeat."""
    may_ping = not call.tenant().scopes.isdisjoint(_MAY_PING)
    return HeartbeatPartJson(
        ping_url=f"{_home(call)}/ping/{view.ping_id}" if may_ping else None,
        previous_url_until=view.previous_until,
        last_ping_at=view.last_ping_at,
        last_ping_kind=view.last_kind,
        pings=view.pings,
        due_at=view.due_at,
        running_since=from_unix_ms(view.open_runs[0][1]) if view.open_runs else None,
    )


async def parts_of(call: Call, views: Sequence[MonitorView]) -> dict[UUID, HeartbeatPartJson]:
    """The parts of those of these monitors that are heartbeats. Nothing is asked for others."""
    beating = [view.id for view in views if view.kind == "heartbeat"]
    if not beating:
        return {}
    tenant_id = call.tenant().tenant_id
    async with call.deps.database.tenant(tenant_id) as conn:
        found = await heartbeat_reads.get_heartbeats(conn, tenant_id=tenant_id, monitor_ids=beating)
    return {monitor_id: part_json(call, view) for monitor_id, view in found.items()}


def heartbeat_json(call: Call, view: HeartbeatView) -> HeartbeatJson:
    part = msgspec.structs.asdict(part_json(call, view))
    return HeartbeatJson(monitor_id=view.monitor_id, number=view.number, name=view.name, enabled=view.enabled, **part)


def run_json(run: RunView, view: HeartbeatView, *, now: datetime) -> RunJson:
    outcome = "overdue" if run.outcome == "running" and _is_overdue(run, view, now=now) else run.outcome
    return RunJson(
        number=run.number,
        rid=run.rid,
        started_at=run.started_at,
        finished_at=run.finished_at,
        duration_ms=run.duration_ms,
        exit_code=run.exit_code,
        outcome=outcome,
    )


def _is_overdue(run: RunView, view: HeartbeatView, *, now: datetime) -> bool:
    check = msgspec.convert(view.check, HeartbeatCheck)
    limit_ms = run_limit(check, Run(run.number, to_unix_ms(run.started_at), run.rid))
    return view.enabled and now - from_unix_ms(limit_ms) >= timedelta()


def _home(call: Call) -> str:
    """Where this installation is reached: by setting, else as the caller has reached it."""
    url = call.deps.settings.server.public_url.rstrip("/")
    return url or f"{call.request.scheme}://{call.request.host}"
