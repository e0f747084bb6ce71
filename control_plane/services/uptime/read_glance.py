"""What a list shows of each of many monitors: the last day as spans of state, uptime, and the p95 of its latency.

All of a page at once, in three statements however many monitors there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from msgspec import Struct

from control_plane.domain.uptime import availability
from control_plane.domain.uptime.availability import History, Span
from control_plane.services.uptime.read_availability import Horizon, read_histories
from control_plane.services.uptime.read_day_p95 import DAY, read_day_p95s
from control_plane.store.monitor_reads import MonitorView
from control_plane.store.pool import Connection
from control_plane.store.uptime_reads import UptimeMonitor
from shared.clock import to_unix_ms

MONTH = timedelta(days=30)


class Glance(Struct, frozen=True, kw_only=True):
    """`spans`: the states of [since_ms, until_ms), which is a day; none before the monitor was made.

    Uptime in per cent and `p95_ms` of the last day (read_day_p95); None where nothing is known.
    """

    since_ms: int
    until_ms: int
    spans: tuple[Span, ...] = ()
    uptime_day: float | None = None
    uptime_month: float | None = None
    p95_ms: float | None = None


async def read_glances(
    conn: Connection, monitors: Sequence[MonitorView], *, tenant_id: UUID, horizon: Horizon
) -> dict[UUID, Glance]:
    """A glance at each of these monitors of the tenant."""
    asked = [_uptime_monitor(view) for view in monitors]
    histories = await read_histories(
        conn, asked, tenant_id=tenant_id, start=horizon.now - MONTH, end=horizon.now, horizon=horizon
    )
    p95s = await read_day_p95s(conn, [view.id for view in monitors], tenant_id=tenant_id, now=horizon.now)
    now_ms = to_unix_ms(horizon.now)
    return {each: _glance(history, now_ms, p95s.get(each)) for each, history in histories.items()}


def _uptime_monitor(view: MonitorView) -> UptimeMonitor:
    return UptimeMonitor(
        id=view.id,
        number=view.number,
        name=view.name,
        kind=view.kind,
        group=view.group,
        created_at=view.created_at,
        sla_target=view.sla_target,
        sla_period_days=view.sla_period_days,
    )


def _glance(history: History, now_ms: int, p95_ms: float | None) -> Glance:
    day_ms = round(DAY.total_seconds()) * 1000
    since = now_ms - day_ms
    spans = tuple(availability.spans(history, start_ms=since, end_ms=now_ms, now_ms=now_ms))
    month = availability.durations(history, start_ms=now_ms - 30 * day_ms, end_ms=now_ms, now_ms=now_ms)
    return Glance(
        since_ms=since,
        until_ms=now_ms,
        spans=spans,
        uptime_day=availability.uptime_pct(availability.durations_of(spans)),
        uptime_month=availability.uptime_pct(month),
        p95_ms=p95_ms,
    )
