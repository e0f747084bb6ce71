"""What a share link shows, from the same figures as everything else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

from control_plane.domain.pages.badge_words import PERIODS
from control_plane.errors import NotFound
from control_plane.services.monitors.find_incapable import find_incapable
from control_plane.services.pages.shared_view import (
    SharedIncident,
    SharedLatency,
    SharedSlice,
    SharedUptime,
    SharedView,
    SharedVote,
    incident_title,
    sentence,
)
from control_plane.services.uptime.read_availability import Horizon, read_spans
from control_plane.services.uptime.read_day_p95 import DAY, read_day_p95s
from control_plane.services.uptime.read_latency import Chart, read_latency
from control_plane.settings import RetentionSettings
from control_plane.store import monitor_reads, public_monitors, uptime_reads
from control_plane.store.monitor_reads import MonitorView
from control_plane.store.pool import Connection, Database
from control_plane.store.shares import SharedMonitor
from shared.clock import from_unix_ms
from shared.ids import TenantId

INCIDENTS_SINCE = timedelta(days=90)
MAX_INCIDENTS = 10


async def read_share(database: Database, shared: SharedMonitor, *, kept: RetentionSettings) -> SharedView:
    """The monitor as it is now. Raises NotFound MONITOR_NOT_FOUND for one that was deleted just now."""
    tenant_id = TenantId(shared.tenant_id)
    async with database.tenant(tenant_id) as conn:
        view = await monitor_reads.get_monitor(conn, tenant_id=tenant_id, monitor_id=shared.monitor_id)
    if view is None:
        raise NotFound("There is no such monitor", code="MONITOR_NOT_FOUND")
    view = await find_incapable(database, view, tenant_id=tenant_id)
    votes = _votes(view)
    now = from_unix_ms(view.now_ms)
    async with database.tenant(tenant_id) as conn:
        chart = await read_latency(
            conn, tenant_id=tenant_id, monitor_id=view.id, start=now - DAY, end=now, now=now, kept=kept
        )
        p95s = await read_day_p95s(conn, [view.id], tenant_id=tenant_id, now=now)
        horizon = Horizon(now, timedelta(days=kept.transitions_days))
        return SharedView(
            name=view.name,
            state=cast("Any", view.shown),
            sentence=sentence(view.shown, votes),
            since=view.since,
            at=now,
            votes=votes,
            uptime=await _uptime(conn, view, tenant_id=tenant_id, horizon=horizon),
            latency=_latency(chart, p95s.get(view.id)),
            incidents=await _incidents(conn, view, tenant_id=tenant_id, horizon=horizon),
        )


def _votes(view: MonitorView) -> list[SharedVote]:
    return [
        SharedVote(region=region.slug, name=region.name, state=cast("Any", region.shown(view.now_ms)))
        for region in view.regions
    ]


async def _uptime(conn: Connection, view: MonitorView, *, tenant_id: TenantId, horizon: Horizon) -> list[SharedUptime]:
    monitors = await uptime_reads.uptime_monitors(conn, tenant_id=tenant_id, monitor_ids=[view.id])
    if not monitors:
        return []
    found = await read_spans(
        conn, monitors[0], tenant_id=tenant_id, spans=list(PERIODS.values()), end=horizon.now, horizon=horizon
    )
    return [
        SharedUptime(period=period, uptime_pct=of.uptime_pct, down_s=of.seconds.down)
        for period, of in zip(PERIODS, found, strict=True)
    ]


def _latency(chart: Chart, p95: float | None) -> SharedLatency:
    """The chart, with the p95 of the day; of a monitor that is too young to have one, that of the chart."""
    series = chart.series[0]
    return SharedLatency(
        p50=series.whole.p50,
        p95=series.whole.p95 if p95 is None else p95,
        bucket_seconds=chart.slice_s,
        buckets=[
            SharedSlice(t=each.start, p50=each.latency.p50, p95=each.latency.p95, samples=each.latency.samples)
            for each in series.slices
        ],
    )


async def _incidents(
    conn: Connection, view: MonitorView, *, tenant_id: TenantId, horizon: Horizon
) -> list[SharedIncident]:
    rows = await public_monitors.public_incidents(
        conn, tenant_id=tenant_id, monitor_id=view.id, since=horizon.now - INCIDENTS_SINCE, limit=MAX_INCIDENTS
    )
    return [
        SharedIncident(
            title=incident_title(row.public_title, name=view.name, type_=row.type),
            type=cast("Any", row.type),
            state="resolved" if row.state == "resolved" else "open",
            started_at=row.started_at,
            resolved_at=row.resolved_at,
        )
        for row in rows
    ]
