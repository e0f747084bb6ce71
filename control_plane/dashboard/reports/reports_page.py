"""/app/reports: the months that there is something to tell of, and one month as a page that may be printed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from aiohttp import web

from control_plane.dashboard.fields import zones
from control_plane.dashboard.reports.report_views import (
    HERE,
    MonthLine,
    address,
    files,
    month_lines,
    month_name,
    months,
    report_row,
    worst_first,
)
from control_plane.dashboard.visit import Visit, page, show
from control_plane.dashboard.words import count, lasting
from control_plane.domain.checks.cron import read_zone
from control_plane.errors import BadRequest
from control_plane.services.uptime.monthly_report import Report, monthly_report
from control_plane.services.uptime.read_availability import Horizon
from control_plane.services.uptime.render_report import figures
from control_plane.store import report_reads, tenants
from control_plane.web.routes import Route

_MOST = 500
"""Monitors on one page; more are in the files."""


async def show_months(visit: Visit) -> web.StreamResponse:
    zone, problem = _zone(visit)
    within = _horizon(visit)
    lines: list[MonthLine] = []
    async with visit.deps.database.tenant(visit.tenant_id) as conn:
        first = await report_reads.first_monitor(conn, tenant_id=visit.tenant_id)
        if first is not None:
            days = months(first, kept=within.begins, now=within.now, zone=zone)
            counted = await report_reads.incidents_by_month(
                conn, tenant_id=visit.tenant_id, since=within.begins, zone=zone.key
            )
            lines = month_lines(days, counted, zone=zone.key)
    context = {
        "months": lines,
        "before": _before(first, within, zone),
        "zone": zone.key,
        "zones": zones(),
        "problem": problem,
    }
    return show(visit, "reports.html", context, status=400 if problem else 200)


async def show_report(visit: Visit) -> web.StreamResponse:
    """The month as far as it has come. Raises BadRequest INVALID_MONTH."""
    zone, problem = _zone(visit)
    within, tenant_id = _horizon(visit), visit.tenant_id
    async with visit.deps.database.tenant(tenant_id) as conn:
        made = await monthly_report(
            conn, tenant_id=tenant_id, month=visit.call.path["month"], zone=zone, horizon=within
        )
        tenant = await tenants.get(conn, tenant_id=tenant_id)
        first = await report_reads.first_monitor(conn, tenant_id=tenant_id)
    context: dict[str, Any] = {
        **_months_beside(made, first, within, zone),
        **_told(made),
        "team": tenant.name if tenant else "",
        "span": _span(made, zone),
        "made_at": f"{made.made_at.astimezone(zone):%-d %B %Y, %H:%M}",
        "zone": zone.key,
        "zones": zones(),
        "here": f"{HERE}/{made.month}",
        "files": files(made.month, zone.key),
        "all_months": HERE,
        "too_old": made.to <= within.begins,
        "first": "" if first is None else f"{first.astimezone(zone):%-d %B %Y}",
        "problem": problem,
    }
    return show(visit, "report.html", context, status=400 if problem else 200)


def _told(made: Report) -> dict[str, Any]:
    rows = worst_first(made.monitors)
    noisiest = [
        (each.id, each.name, f"{count(each.incidents, 'incident')}, {lasting(each.open_secs)} in all")
        for each in made.summary.noisiest
    ]
    return {
        "figures": figures(made.summary, lasting),
        "noisiest": noisiest,
        "rows": [report_row(line) for line in rows[:_MOST]],
        "left_out": max(0, len(rows) - _MOST),
        "total": count(len(rows), "monitor"),
        "has_targets": any(line.sla for line in rows),
    }


def _months_beside(made: Report, first: datetime | None, within: Horizon, zone: ZoneInfo) -> dict[str, Any]:
    """The name of the month, and the ways to its neighbours as far as there is anything in them."""
    start = made.from_.astimezone(zone).date()
    known = [] if first is None else months(first, kept=within.begins, now=within.now, zone=zone)
    before = (start - timedelta(days=1)).replace(day=1)
    after = (start + timedelta(days=31)).replace(day=1)
    return {
        "title": month_name(start),
        "under_way": bool(known) and start == known[0],
        "previous": (month_name(before), address(f"{before:%Y-%m}", zone.key)) if before in known else None,
        "next": (month_name(after), address(f"{after:%Y-%m}", zone.key)) if after in known else None,
    }


def _span(made: Report, zone: ZoneInfo) -> str:
    first, last = made.from_.astimezone(zone), made.to.astimezone(zone)
    return f"{first:%-d %B %Y, %H:%M} to {last:%-d %B %Y, %H:%M}"


def _before(first: datetime | None, within: Horizon, zone: ZoneInfo) -> str:
    """Why the list ends where it does."""
    if first is None:
        return ""
    if first < within.begins:
        return f"Figures are kept for {within.kept.days} days, so there is nothing of the months before."
    name = f"{first.astimezone(zone):%-d %B %Y}"
    return f"The oldest of the monitors was added on {name}, so there is nothing of the months before."


def _zone(visit: Visit) -> tuple[ZoneInfo, str]:
    """The zone that the address names; UTC, and what is wrong, for a name that is none."""
    try:
        return ZoneInfo(read_zone(visit.query("tz") or "UTC", "/tz")), ""
    except BadRequest as error:
        return ZoneInfo("UTC"), f"{error.message.rstrip('.')}. The days shown are those of UTC."


def _horizon(visit: Visit) -> Horizon:
    return Horizon(visit.deps.now(), timedelta(days=visit.deps.settings.retention.transitions_days))


ROUTES: tuple[Route, ...] = (
    page(HERE, show_months, operation="show_reports", summary="The months to report on", scope="monitors:read"),
    page(f"{HERE}/{{month}}", show_report, operation="show_report", summary="A month", scope="monitors:read"),
)
