"""A monitor's uptime over four lengths of time, and how it stands against its target. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from control_plane.dashboard.monitors.overview_views import percent
from control_plane.dashboard.words import SLA_STANDS, budget_left, lasting
from control_plane.domain.pages.badge_words import NO_DATA, PERIOD_WORDS, PERIODS
from control_plane.domain.uptime.availability import History, Sla
from control_plane.services.uptime.read_availability import Availability, spans_of
from control_plane.store.uptime_reads import UptimeMonitor


class SlaLine(Struct, frozen=True, kw_only=True):
    """A target in words. `budget` is empty while nothing is known."""

    target: str
    period: str
    mark: str
    stands: str
    budget: str


class UptimeFigures(Struct, frozen=True):
    """Names and figures, the shortest time first. `sla` is None without a target."""

    figures: Sequence[tuple[str, str]]
    sla: SlaLine | None


def lengths(monitor: UptimeMonitor) -> list[timedelta]:
    """The lengths of time that the figures are of; the last one is that of the SLA, where there is one."""
    days = monitor.sla_period_days
    return [*PERIODS.values(), *([] if days is None else [timedelta(days=days)])]


def uptime_figures(monitor: UptimeMonitor, history: History, *, now: datetime) -> UptimeFigures:
    """Those of a history that reaches as far back as the longest of `lengths`."""
    found = spans_of(history, lengths(monitor), end=now, now=now)
    told = [
        (PERIOD_WORDS[period], NO_DATA if of.uptime_pct is None else percent(of.uptime_pct))
        for period, of in zip(PERIODS, found, strict=False)
    ]
    return UptimeFigures(told, _sla(monitor, found[-1]))


def _sla(monitor: UptimeMonitor, of: Availability) -> SlaLine | None:
    if monitor.sla_target is None or monitor.sla_period_days is None:
        return None
    sla = of.sla(monitor.sla_target)
    mark, stands = SLA_STANDS[sla.state]
    return SlaLine(
        target=f"{monitor.sla_target:g} %",
        period=f"{monitor.sla_period_days} days" if monitor.sla_period_days != 1 else "1 day",
        mark=mark,
        stands=stands if sla.state else NO_DATA.capitalize(),
        budget=_budget(sla) if sla.state else "",
    )


def _budget(sla: Sla) -> str:
    of = "of an" if sla.left_s >= 0 else "the"
    return f"{budget_left(sla.left_s)} {of} error budget of {lasting(sla.budget_s)}"
