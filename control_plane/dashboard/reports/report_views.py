"""Months and reports as pages show them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import Struct

from control_plane.dashboard.words import SLA_STANDS, budget_left, count, lasting, milliseconds
from control_plane.services.uptime.monthly_report import ReportLine

HERE = "/app/reports"
_DOORS = "/api/v1/reports"
_WORST: Mapping[str | None, int] = {"breached": 0, "at_risk": 1, "met": 2, None: 2}


class MonthLine(Struct, frozen=True, kw_only=True):
    """A month in the list. `files`: the same for programs, as names and addresses."""

    name: str
    href: str
    incidents: str
    note: str
    files: Sequence[tuple[str, str]]


class ReportRow(Struct, frozen=True, kw_only=True):
    """A monitor in a report. `mark` and `stands` are empty without a target."""

    id: UUID
    name: str
    group: str
    uptime: str
    downtime: str
    incidents: int
    mttr: str
    target: str
    mark: str
    stands: str
    left: str
    p95: str


def month_key(day: date) -> str:
    """As the address has it: 2026-05."""
    return f"{day:%Y-%m}"


def month_name(day: date) -> str:
    return f"{day:%B %Y}"


def months(first: datetime, *, kept: datetime, now: datetime, zone: ZoneInfo) -> list[date]:
    """The first days of the months that may have figures, the newest first."""
    oldest = max(first, kept).astimezone(zone).date().replace(day=1)
    at, found = now.astimezone(zone).date().replace(day=1), []
    while at >= oldest:
        found.append(at)
        at = (at - timedelta(days=1)).replace(day=1)
    return found


def month_lines(days: Sequence[date], incidents: Mapping[date, int], *, zone: str) -> list[MonthLine]:
    return [
        MonthLine(
            name=month_name(day),
            href=address(month_key(day), zone),
            incidents=count(incidents.get(day, 0), "incident"),
            note="under way" if place == 0 else "",
            files=files(month_key(day), zone),
        )
        for place, day in enumerate(days)
    ]


def address(month: str, zone: str) -> str:
    """Where a month's page is; UTC goes without saying."""
    return f"{HERE}/{month}" + ("" if zone == "UTC" else f"?{urlencode({'tz': zone})}")


def files(month: str, zone: str) -> list[tuple[str, str]]:
    """The month for programs and for keeping."""
    tz = {} if zone == "UTC" else {"tz": zone}
    formats = (("CSV", "csv"), ("JSON", "json"), ("HTML", "html"))
    return [(title, f"{_DOORS}/{month}?{urlencode({'format': form, **tz})}") for title, form in formats]


def worst_first(lines: Sequence[ReportLine]) -> list[ReportLine]:
    """Breached targets, those at risk, then by uptime; of as much, as they are numbered."""
    return sorted(lines, key=_badness)


def _badness(line: ReportLine) -> tuple[int, float, int]:
    stands = _WORST[line.sla.state] if line.sla else _WORST["met"]
    return stands, 101.0 if line.uptime_pct is None else line.uptime_pct, line.number


def report_row(line: ReportLine) -> ReportRow:
    sla = line.sla
    mark, stands = SLA_STANDS[sla.state] if sla else ("", "")
    return ReportRow(
        id=line.id,
        name=line.name,
        group=line.group or "",
        uptime="–" if line.uptime_pct is None else f"{line.uptime_pct:.3f} %",
        downtime=lasting(line.downtime_secs) if line.downtime_secs else "none" if line.uptime_pct is not None else "–",
        incidents=line.incidents,
        mttr=lasting(line.mttr_secs),
        target=f"{sla.target:g} %" if sla else "",
        mark=mark,
        stands=stands,
        left=budget_left(sla.left) if sla and sla.state else "",
        p95=milliseconds(line.p95_ms) or "–",
    )
