"""Uptime day by day as bars: geometry for an inline SVG, with the same as a table. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from control_plane.dashboard.monitors.overview_views import percent
from control_plane.dashboard.words import duration
from control_plane.services.uptime.read_availability import Day

_STEP, _BAR, _HEIGHT = 8, 6, 40
_TALL: Mapping[str, int] = {"none": 2, "up": 26, "degraded": 33, "down": 40}
"""Height tells how the day was, too."""

ALARMING_PCT = 99.0
"""A day with less uptime than this (a quarter of an hour down, about) is drawn as down, one with more as degraded."""


class DayRow(Struct, frozen=True):
    """A day in words."""

    day: str
    uptime: str
    down: str


class UptimeDays(Struct, frozen=True):
    """One SVG path per state, of `width` × 40, and the days as rows."""

    width: int
    paths: tuple[tuple[str, str], ...]
    rows: tuple[DayRow, ...]
    text: str


def uptime_days(days: Sequence[Day]) -> UptimeDays:
    """The days, oldest first."""
    drawn: dict[str, list[str]] = {}
    for place, day in enumerate(days):
        state = state_of(day)
        tall = _TALL[state]
        drawn.setdefault(state, []).append(f"M{place * _STEP} {_HEIGHT - tall}h{_BAR}v{tall}h-{_BAR}z")
    known = [day for day in days if day.availability.uptime_pct is not None]
    bad = sum(day.availability.durations.down > 0 for day in known)
    text = f"Of the last {len(days)} days {len(known)} are known, {bad} of them with time down."
    paths = tuple((state, "".join(bars)) for state, bars in drawn.items())
    return UptimeDays(max(len(days) * _STEP - (_STEP - _BAR), 1), paths, tuple(_row(day) for day in days), text)


def state_of(day: Day) -> str:
    """What a day is drawn as: none where nothing is known."""
    uptime = day.availability.uptime_pct
    if uptime is None:
        return "none"
    if not day.availability.durations.down:
        return "degraded" if day.availability.durations.degraded else "up"
    return "down" if uptime < ALARMING_PCT else "degraded"


def _row(day: Day) -> DayRow:
    down = day.availability.durations.down
    said = duration(down / 1000) if down else "none"
    known = day.availability.uptime_pct is not None
    return DayRow(day.day.strftime("%-d %b %Y"), percent(day.availability.uptime_pct), said if known else "–")
