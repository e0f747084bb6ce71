"""/reports/{yyyy-mm}: the month as JSON, CSV or a page."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from aiohttp import web
from msgspec import Meta, Struct, field

from control_plane.domain.cron import read_zone
from control_plane.notify.report_page import (
    CONTENT_SECURITY_POLICY,
    PageLine,
    ReportPage,
    report_html,
    seconds_in_words,
)
from control_plane.services.monthly_report import Report, ReportLine, monthly_report
from control_plane.tenant_api.uptime import horizon
from control_plane.web.call import Call, Reply
from control_plane.web.dispatch import READ
from control_plane.web.routes import Door, Route

_COLUMNS = (
    *("number", "id", "name", "kind", "group", "uptime_pct", "up_secs", "degraded_secs", "downtime_secs"),
    *("maintenance_secs", "paused_secs", "unknown_secs", "incidents", "mttr_secs"),
    *("sla_target", "sla_error_budget_secs", "sla_left_secs", "sla_state", "p95_ms"),
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet would compute (OWASP, CSV injection)."""

_STATES = {"met": "met", "at_risk": "at risk", "breached": "breached", None: "nothing known"}


class ReportJson(Struct, frozen=True, kw_only=True):
    """A month of every monitor that there was in it and still is; one under way as far as it has come."""

    month: str
    tz: str
    from_: datetime = field(name="from")
    to: datetime
    made_at: datetime
    monitors: list[ReportLine]


class ReportQuery(Struct, frozen=True):
    """`format` json, csv, or html for a page that needs nothing else. The month's days are those of the zone `tz`."""

    format: Literal["json", "csv", "html"] = "json"
    tz: Annotated[str, Meta(description="IANA time zone, such as Europe/Berlin")] = "UTC"


async def report(call: Call) -> Reply | web.Response:
    query: ReportQuery = call.query
    zone = ZoneInfo(read_zone(query.tz, "/tz"))
    tenant_id = call.tenant().tenant_id
    async with call.deps.database.tenant(tenant_id) as conn:
        made = await monthly_report(
            conn, tenant_id=tenant_id, month=call.path["month"], zone=zone, horizon=horizon(call)
        )
    match query.format:
        case "json":
            return Reply(_json(made))
        case "csv":
            return _file(_csv(made), kind="text/csv", name=f"farwatch-{made.month}.csv")
        case "html":
            return _file(report_html(_page(made)), kind="text/html", name=None)


def _file(text: str, *, kind: str, name: str | None) -> web.Response:
    headers = {"Cache-Control": READ, "X-Content-Type-Options": "nosniff"}
    if name is None:
        headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    else:
        headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return web.Response(text=text, content_type=kind, charset="utf-8", headers=headers)


def _json(made: Report) -> ReportJson:
    return ReportJson(
        month=made.month,
        tz=made.tz,
        from_=made.from_,
        to=made.to,
        made_at=made.made_at,
        monitors=list(made.monitors),
    )


def _csv(made: Report) -> str:
    """RFC 4180. An empty cell is null."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(_COLUMNS)
    for line in made.monitors:
        writer.writerow(["" if cell is None else cell for cell in _cells(line)])
    return out.getvalue()


def _cells(line: ReportLine) -> tuple[object, ...]:
    seconds, sla = line.seconds, line.sla
    return (
        *(line.number, line.id, _text(line.name), line.kind, _text(line.group or "")),
        *(line.uptime_pct, seconds.up, seconds.degraded, seconds.down),
        *(seconds.maintenance, seconds.paused, seconds.unknown, line.incidents, line.mttr_secs),
        *((sla.target, sla.error_budget_secs, sla.left, sla.state) if sla else (None,) * 4),
        line.p95_ms,
    )


def _text(value: str) -> str:
    return f"'{value}" if value.startswith(_FORMULA) else value


def _page(made: Report) -> ReportPage:
    zone = ZoneInfo(made.tz)
    first, last, at = (when.astimezone(zone) for when in (made.from_, made.to, made.made_at))
    span = f"{first:%-d %B %Y %H:%M} to {last:%-d %B %Y %H:%M}, {made.tz}"
    made_at = f"Made {at:%-d %B %Y %H:%M}"
    return ReportPage(f"Uptime in {first:%B %Y}", span, made_at, [_page_line(line) for line in made.monitors])


def _page_line(line: ReportLine) -> PageLine:
    return PageLine(
        name=line.name,
        group=line.group or "",
        uptime="–" if line.uptime_pct is None else f"{line.uptime_pct:.3f} %",
        downtime=seconds_in_words(line.downtime_secs),
        incidents=str(line.incidents),
        mttr=seconds_in_words(line.mttr_secs),
        sla="–" if line.sla is None else f"{line.sla.target:g} %",
        state="" if line.sla is None else _STATES[line.sla.state],
        p95="–" if line.p95_ms is None else f"{line.p95_ms:.0f} ms",
    )


ROUTES = (
    Route(
        method="GET",
        path="/api/v1/reports/{month}",
        handler=report,
        operation="get_report",
        summary="A month of all monitors: uptime, incidents, repair times, SLA, latency",
        tag="uptime",
        door=Door.TENANT,
        scope="monitors:read",
        query=ReportQuery,
        reply=ReportJson,
        also=("text/csv", "text/html"),
        errors=("INVALID_MONTH", "INVALID_TIMEZONE", "INVALID_FORMAT"),
    ),
)
