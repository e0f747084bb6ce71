"""Maintenance as pages show it: a month of days, windows in words, times by the clocks of a zone. Pure."""

from __future__ import annotations

import re
from calendar import Calendar, month_name
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import Struct

from control_plane.dashboard.words import count, interval
from control_plane.domain.maintenance.maintenance import Occurrence, Schedule, between
from control_plane.services.maintenance.maintenance_rows import schedule_of
from control_plane.store.maintenance import WindowRow

_MOST = 100
"""Times of one window that a month shows."""
_MONTH = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")
_STATES: Mapping[str, tuple[str, str]] = {
    "active": ("maintenance", "Holds now"),
    "planned": ("unknown", "Planned"),
    "ended": ("paused", "Over"),
}


class Month(Struct, frozen=True):
    """A month of UTC."""

    year: int
    month: int

    @property
    def start(self) -> datetime:
        return datetime(self.year, self.month, 1, tzinfo=UTC)

    @property
    def end(self) -> datetime:
        return self.moved(1).start

    @property
    def word(self) -> str:
        return f"{month_name[self.month]} {self.year}"

    @property
    def value(self) -> str:
        return f"{self.year:04}-{self.month:02}"

    def moved(self, by: int) -> Month:
        """So many months later."""
        years, month = divmod(self.month - 1 + by, 12)
        return Month(self.year + years, month + 1)


def month_of(asked: str, now: datetime) -> Month:
    """The month that the address names; this one for what is none within a century."""
    found = _MONTH.fullmatch(asked)
    if found is not None and 2001 <= int(found[1]) <= 2198:
        return Month(int(found[1]), int(found[2]))
    return Month(now.year, now.month)


class Entry(Struct, frozen=True):
    """A window on a day."""

    id: UUID
    title: str
    time: str


class Day(Struct, frozen=True):
    """A day of the calendar; `outside`: of the months beside it, where it is left empty."""

    day: date
    outside: bool
    today: bool
    entries: Sequence[Entry]


def weeks(month: Month, rows: Sequence[WindowRow], *, now: datetime) -> list[list[Day]]:
    """The month in weeks from Monday on."""
    entries: dict[date, list[Entry]] = {}
    for row in rows:
        for one in held(row, month):
            _enter(entries, row, one)
    days = Calendar().monthdatescalendar(month.year, month.month)
    return [[_day(day, month, entries, now) for day in week] for week in days]


def _day(day: date, month: Month, entries: Mapping[date, Sequence[Entry]], now: datetime) -> Day:
    outside = day.month != month.month
    return Day(day, outside, day == now.date(), () if outside else entries.get(day, ()))


def held(row: WindowRow, month: Month) -> list[Occurrence]:
    """The times of a window that a month sees: none before it was written, none after it was ended."""
    since = max(month.start, row.created_at if row.duration_s is not None else row.starts_at)
    found = between(schedule_of(row), since=since, until=month.end, limit=_MOST)
    return [one for one in found if row.ended_at is None or one.starts_at < row.ended_at]


def _enter(entries: dict[date, list[Entry]], row: WindowRow, one: Occurrence) -> None:
    """On every day that it touches."""
    first, last = one.starts_at.date(), (one.ends_at - timedelta(microseconds=1)).date()
    for offset in range((last - first).days + 1):
        day = first + timedelta(days=offset)
        begins = f"{one.starts_at:%H:%M}" if day == first else "…"
        ends = f"{one.ends_at:%H:%M}" if day == last else "…"
        entries.setdefault(day, []).append(Entry(row.id, row.title, f"{begins} to {ends}"))


class WindowLine(Struct, frozen=True, kw_only=True):
    """A window in a list."""

    id: UUID
    title: str
    about: str
    when: str
    next: str
    mark: str
    word: str
    public: bool
    state: str


def window_line(row: WindowRow, following: Sequence[Occurrence], names: Mapping[UUID, str]) -> WindowLine:
    mark, word = _STATES[row.state]
    zone = ZoneInfo(row.timezone)
    return WindowLine(
        id=row.id,
        title=row.title,
        about=covered(row, names),
        when=schedule_words(schedule_of(row)),
        next=span_words(following[0], zone) if following and row.duration_s is not None else "",
        mark=mark,
        word=word,
        public=row.public,
        state=row.state,
    )


def covered(row: WindowRow, names: Mapping[UUID, str]) -> str:
    """What a window covers: "Every monitor", "Shop, Bank and whatever is tagged db"."""
    if row.covers_all:
        return "Every monitor"
    known = [names[each] for each in row.monitors if each in names]
    rest = len(row.monitors) - len(known)
    words = [", ".join([*known, *([count(rest, "monitor") + " more"] if rest else [])])] if row.monitors else []
    words += [f"whatever is tagged {' or '.join(row.tags)}"] if row.tags else []
    return " and ".join(words)


def schedule_words(schedule: Schedule) -> str:
    """When a window holds, in words."""
    zone = ZoneInfo(schedule.timezone)
    if schedule.ends_at is not None:
        return span_words(Occurrence(schedule.starts_at, schedule.ends_at), zone)
    rule = f"cron {schedule.cron}" if schedule.cron else f"rule {schedule.rrule}"
    until = f", until {schedule.until.astimezone(zone):%-d %B %Y}" if schedule.until else ""
    return f"Again and again, {interval(schedule.duration_s or 0)} each time: {rule} ({schedule.timezone}){until}"


def span_words(one: Occurrence, zone: ZoneInfo) -> str:
    """ "Sun 3 May 2026, 02:00 to 04:00 CEST"."""
    starts, ends = one.starts_at.astimezone(zone), one.ends_at.astimezone(zone)
    until = f"{ends:%H:%M %Z}" if starts.date() == ends.date() else f"{ends:%a %-d %B %Y, %H:%M %Z}"
    return f"{starts:%a %-d %B %Y, %H:%M} to {until}"
