"""Uptime day by day as bars: geometry for an inline SVG, with the same as a table. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from control_plane.dashboard.monitors.overview_views import percent
from control_plane.dashboard.words import lasting
from control_plane.domain.pages.public_page import ComponentState
from control_plane.domain.pages.public_state import day_state
from control_plane.services.uptime.read_availability import Day

_STEP, _BAR, _HEIGHT = 8, 6, 40
_DRAWN: Mapping[ComponentState, tuple[str, int, str]] = {
    "operational": ("up", 22, "up"),
    "degraded": ("degraded", 28, "degraded"),
    "partial_outage": ("partial", 34, "partial outage"),
    "major_outage": ("down", 40, "major outage: down for half of it or more"),
    "maintenance": ("maintenance", 12, "maintenance all day"),
    "no_data": ("none", 4, "no data"),
}
"""By what a public page calls such a day: class, height and word. Height tells how the day was, too."""


class DayRow(Struct, frozen=True):
    """A day in words."""

    day: str
    state: str
    uptime: str
    down: str


class LegendKey(Struct, frozen=True):
    """What a bar of this class and height (of 40) means."""

    name: str
    tall: int
    word: str


class UptimeDays(Struct, frozen=True):
    """One SVG path per state, of `width` × 40, what each means, and the days as rows."""

    width: int
    paths: tuple[tuple[str, str], ...]
    rows: tuple[DayRow, ...]
    legend: tuple[LegendKey, ...]
    text: str


def uptime_days(days: Sequence[Day]) -> UptimeDays:
    """The days, oldest first."""
    drawn: dict[ComponentState, list[str]] = {}
    for place, day in enumerate(days):
        state = day_state(day.availability.durations)
        tall = _DRAWN[state][1]
        drawn.setdefault(state, []).append(f"M{place * _STEP} {_HEIGHT - tall}h{_BAR}v{tall}h-{_BAR}z")
    known = [day for day in days if day.availability.uptime_pct is not None]
    bad = sum(day.availability.durations.down > 0 for day in known)
    text = f"Of the last {len(days)} days {len(known)} are known, {bad} of them with time down."
    return UptimeDays(
        width=max(len(days) * _STEP - (_STEP - _BAR), 1),
        paths=tuple((_DRAWN[state][0], "".join(bars)) for state, bars in drawn.items()),
        rows=tuple(_row(day) for day in days),
        legend=tuple(LegendKey(*drawn_as) for state, drawn_as in _DRAWN.items() if state in drawn),
        text=text,
    )


def _row(day: Day) -> DayRow:
    down = day.availability.durations.down
    said = lasting(down / 1000) if down else "none"
    known = day.availability.uptime_pct is not None
    return DayRow(
        day=day.day.strftime("%-d %b %Y"),
        state=_DRAWN[day_state(day.availability.durations)][2].partition(":")[0],
        uptime=percent(day.availability.uptime_pct),
        down=said if known else "–",
    )
