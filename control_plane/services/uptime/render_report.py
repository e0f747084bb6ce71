"""A month's report as JSON, as CSV, or as a page that needs nothing else."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct, field

from control_plane.domain.span_words import milliseconds
from control_plane.notify.report_page import PageLine, PageNoisy, ReportPage, report_html, seconds_in_words
from control_plane.services.uptime.monthly_report import Report, ReportLine, ReportSummary

Format = Literal["json", "csv", "html"]

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
    summary: ReportSummary
    monitors: list[ReportLine]


class RenderedReport(Struct, frozen=True, kw_only=True):
    """Text in UTF-8. `filename`: under which it is kept; None for what is shown."""

    content_type: str
    filename: str | None
    content: bytes


def rendered(made: Report, form: Format) -> RenderedReport:
    """The report in this form."""
    match form:
        case "json":
            return RenderedReport(
                content_type="application/json", filename=None, content=msgspec.json.encode(report_json(made))
            )
        case "csv":
            name = f"farwatch-{made.month}.csv"
            return RenderedReport(content_type="text/csv", filename=name, content=_csv(made).encode())
        case "html":
            return RenderedReport(content_type="text/html", filename=None, content=report_html(_page(made)).encode())


def report_json(made: Report) -> ReportJson:
    """The report as programs see it."""
    return ReportJson(
        month=made.month,
        tz=made.tz,
        from_=made.from_,
        to=made.to,
        made_at=made.made_at,
        summary=made.summary,
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
    lines = [_page_line(line) for line in made.monitors]
    noisiest = [
        PageNoisy(each.name, str(each.incidents), seconds_in_words(each.open_secs)) for each in made.summary.noisiest
    ]
    return ReportPage(f"Uptime in {first:%B %Y}", span, made_at, figures(made.summary), noisiest, lines)


def figures(summary: ReportSummary, spelt: Callable[[int | None], str] = seconds_in_words) -> list[tuple[str, str]]:
    """What is known of all monitors together, as names and words; `spelt` puts seconds into words."""
    sla = summary.sla
    stands = [(sla.met, "met"), (sla.at_risk, "at risk"), (sla.breached, "breached"), (sla.unknown, "nothing known")]
    return [
        ("Uptime", "–" if summary.uptime_pct is None else f"{summary.uptime_pct:.3f} %"),
        ("Downtime, added up", spelt(summary.downtime_secs)),
        ("Incidents", str(summary.incidents)),
        ("Time to acknowledge", spelt(summary.mtta_secs)),
        ("Time to repair", spelt(summary.mttr_secs)),
        ("SLA", ", ".join(f"{number} {word}" for number, word in stands if number) or "no target"),
    ]


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
        p95="–" if line.p95_ms is None else milliseconds(line.p95_ms),
    )
