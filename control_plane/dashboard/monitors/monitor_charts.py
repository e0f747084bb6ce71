"""The charts of a monitor's page: latency over a range, uptime by day. Read when the page is loaded, not live."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from msgspec import Struct

from control_plane.dashboard.charts.latency_chart import LatencyChart, Shade, latency_chart
from control_plane.dashboard.monitors.uptime_days import UptimeDays, uptime_days
from control_plane.dashboard.monitors.uptime_figures import UptimeFigures, lengths, uptime_figures
from control_plane.dashboard.visit import Visit
from control_plane.domain.checks.regionless import kind_is_regionless
from control_plane.domain.uptime.availability import History
from control_plane.services.uptime.read_availability import Horizon, read_days, read_histories
from control_plane.services.uptime.read_day_p95 import DAY, read_day_p95s
from control_plane.services.uptime.read_latency import read_latency
from control_plane.store import uptime_reads
from control_plane.store.incidents_read import IncidentView
from control_plane.store.monitor_reads import MonitorView
from control_plane.store.pool import Connection
from shared.clock import from_unix_ms

RANGES: Mapping[str, timedelta] = {
    "1h": timedelta(hours=1),
    "24h": timedelta(days=1),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
    "90d": timedelta(days=90),
}
_YOUNG = timedelta(hours=6)
"""A younger monitor's chart is of the last hour unless another range is asked for: a day would be mostly gap."""
DAYS = 90


class RangeChoice(Struct, frozen=True):
    """A range that the chart may have."""

    name: str
    href: str
    chosen: bool


class MonitorCharts(Struct, frozen=True, kw_only=True):
    """`latency` is None for a kind without regions: nothing measures it. `region` is empty for all of them."""

    latency: LatencyChart | None
    uptime: UptimeFigures
    days: UptimeDays
    ranges: Sequence[RangeChoice]
    range: str
    region: str
    regions: Sequence[tuple[str, str]]


async def monitor_charts(visit: Visit, view: MonitorView, incidents: Sequence[IncidentView]) -> MonitorCharts:
    """The charts that the URL asks for with ?range= and ?region=; what it cannot mean is ignored."""
    wanted, asked = visit.query("range"), visit.query("region")
    region = asked if any(each.slug == asked for each in view.regions) else ""
    now = visit.deps.now()
    chosen = wanted if wanted in RANGES else _usual_range(view, now)
    horizon = Horizon(now, timedelta(days=visit.deps.settings.retention.transitions_days))
    async with visit.deps.database.tenant(visit.tenant_id) as conn:
        (monitor,) = await uptime_reads.uptime_monitors(conn, tenant_id=visit.tenant_id, monitor_ids=[view.id])
        today = now.astimezone(UTC).date()
        days = await read_days(
            conn, monitor, tenant_id=visit.tenant_id, zone=UTC, last=today, days=DAYS, horizon=horizon
        )
        since = now - max(RANGES[chosen], *lengths(monitor))
        (history,) = (
            await read_histories(conn, [monitor], tenant_id=visit.tenant_id, start=since, end=now, horizon=horizon)
        ).values()
        latency = None
        if not kind_is_regionless(view.kind):
            shades = _of_incidents(incidents, now)
            shades += _of_maintenance(history, now)
            latency = await _latency(conn, visit, view, shades, long=RANGES[chosen], now=now, region=region)
    return MonitorCharts(
        latency=latency,
        uptime=uptime_figures(monitor, history, now=now),
        days=uptime_days(days),
        ranges=[RangeChoice(name, _href(view, name, region), name == chosen) for name in RANGES],
        range=chosen,
        region=region,
        regions=[("", "All regions"), *((each.slug, each.slug) for each in view.regions)],
    )


def _usual_range(view: MonitorView, now: datetime) -> str:
    return "1h" if now - view.created_at < _YOUNG else "24h"


def _href(view: MonitorView, name: str, region: str) -> str:
    also = f"&region={region}" if region else ""
    return f"/app/monitors/{view.id}?range={name}{also}#latency"


async def _latency(
    conn: Connection,
    visit: Visit,
    view: MonitorView,
    shades: Sequence[Shade],
    *,
    long: timedelta,
    now: datetime,
    region: str,
) -> LatencyChart:
    start = now - long
    chart = await read_latency(
        conn,
        tenant_id=visit.tenant_id,
        monitor_id=view.id,
        start=start,
        end=now,
        now=now,
        kept=visit.deps.settings.retention,
        region=region or None,
    )
    p95s: Mapping[UUID, float] = {}
    if long == DAY and not region:
        p95s = await read_day_p95s(conn, [view.id], tenant_id=visit.tenant_id, now=now)
    within = [shade for shade in shades if shade.end > start]
    return latency_chart(chart, shades=within, p95=p95s.get(view.id))


def _of_incidents(incidents: Sequence[IncidentView], now: datetime) -> list[Shade]:
    return [
        Shade(
            "incident",
            each.started_at,
            each.resolved_at or now,
            f"Incident {each.number}: {_span(each.started_at, each.resolved_at)}.",
        )
        for each in incidents
    ]


def _of_maintenance(history: History, now: datetime) -> list[Shade]:
    shades = []
    for kind, start_ms, end_ms in history.periods:
        since, until = from_unix_ms(start_ms), None if end_ms is None else from_unix_ms(end_ms)
        shades.append(Shade(kind, since, until or now, f"{kind.capitalize()}: {_span(since, until)}."))
    return shades


def _span(start: datetime, end: datetime | None) -> str:
    shape = "%-d %b %H:%M"
    return f"{start.astimezone(UTC):{shape}} to {'now' if end is None else end.astimezone(UTC).strftime(shape)}"
