"""When a maintenance window holds: once, or again and again by a cron expression or an RRULE (RFC 5545, 3.3.10).

Occurrences are half-open [starts_at, ends_at) in UTC. Recurrences are wall times of the window's zone: of two equal
ones the first counts, one that is skipped is the end of the gap, and a duration is elapsed time. Occurrences of one
window never overlap: one that would is cut where the next begins.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from dateutil.rrule import rrule, rrulestr
from msgspec import Struct, structs

from control_plane.domain.checks.cron import first_instant, next_after

HORIZON = timedelta(days=366 * 12)
"""How far ahead a recurrence is looked for: beyond the longest gap between two leap days."""

_DAYS_OF = {"DAILY": 1, "WEEKLY": 7}
_SECOND = timedelta(seconds=1)


class Occurrence(Struct, frozen=True):
    """One time that a window holds: [starts_at, ends_at), UTC."""

    starts_at: datetime
    ends_at: datetime


class Schedule(Struct, frozen=True, kw_only=True):
    """Once: `starts_at` and `ends_at`. Recurring: `cron` or `rrule`, and `duration_s`.

    A recurrence begins no earlier than `starts_at`, from which an RRULE also counts, and ends before `until`.
    """

    starts_at: datetime
    ends_at: datetime | None = None
    cron: str | None = None
    rrule: str | None = None
    duration_s: int | None = None
    timezone: str = "UTC"
    until: datetime | None = None

    @property
    def recurring(self) -> bool:
        return self.duration_s is not None


def occurrences(schedule: Schedule, *, after: datetime) -> Iterator[Occurrence]:
    """The occurrences that end after an instant, in order; a recurrence is followed for HORIZON."""
    if schedule.ends_at is not None:
        if schedule.ends_at > after:
            yield Occurrence(schedule.starts_at, schedule.ends_at)
        return
    assert schedule.duration_s is not None
    duration = timedelta(seconds=schedule.duration_s)
    begins: datetime | None = None
    for start in _starts(schedule, after - duration):
        if begins is not None and (ends := min(begins + duration, start)) > after:
            yield Occurrence(begins, ends)
        begins = start
    if begins is not None and begins + duration > after:
        yield Occurrence(begins, begins + duration)


def next_occurrence(schedule: Schedule, *, not_before: datetime) -> Occurrence | None:
    """The first occurrence that starts at this instant or later."""
    for occurrence in occurrences(schedule, after=not_before):
        if occurrence.starts_at >= not_before:
            return occurrence
    return None


def between(schedule: Schedule, *, since: datetime, until: datetime, limit: int) -> list[Occurrence]:
    """Up to `limit` occurrences that have an instant in [since, until)."""
    found = []
    for occurrence in islice(occurrences(schedule, after=since), limit):
        if occurrence.starts_at >= until:
            break
        found.append(occurrence)
    return found


def first_of(schedule: Schedule, *, now: datetime) -> Occurrence | None:
    """The occurrence that a window written now begins with. None: it would never hold.

    Nothing holds before it was written: what is in progress begins now if it is once, and is left out of a recurrence.
    """
    if schedule.recurring:
        return next_occurrence(schedule, not_before=now)
    first = next(occurrences(schedule, after=now), None)
    return first and structs.replace(first, starts_at=max(first.starts_at, now))


def _starts(schedule: Schedule, after: datetime) -> Iterator[datetime]:
    """Starts later than an instant, each once, ascending."""
    after = max(after, schedule.starts_at - _SECOND)
    found = _cron_starts(schedule, after) if schedule.cron is not None else _rule_starts(schedule, after)
    for start in found:
        if (schedule.until is not None and start >= schedule.until) or start - after > HORIZON:
            return
        yield start


def _cron_starts(schedule: Schedule, after: datetime) -> Iterator[datetime]:
    assert schedule.cron is not None
    while True:
        try:
            after = next_after(schedule.cron, schedule.timezone, after)
        except (ValueError, OverflowError):
            return
        yield after


def _rule_starts(schedule: Schedule, after: datetime) -> Iterator[datetime]:
    """Wall times are sought from a day before, since an instant's wall time may lie before an earlier one's."""
    tz, last = ZoneInfo(schedule.timezone), after
    sought = after.astimezone(tz).replace(tzinfo=None) - timedelta(days=1)
    for wall in _rule(schedule, tz=tz, sought=sought).xafter(sought, inc=True):
        start = first_instant(wall, tz)
        if start > last:
            yield start
            last = start


def _rule(schedule: Schedule, *, tz: ZoneInfo, sought: datetime) -> rrule:
    """The rule in wall times.

    dateutil walks from the rule's first period on; daily and weekly rules without COUNT are moved ahead by whole
    intervals, which leaves what they say as it is.
    """
    assert schedule.rrule is not None
    anchor = schedule.starts_at.astimezone(tz).replace(tzinfo=None)
    parts = dict(part.split("=") for part in schedule.rrule.split(";"))
    stride = timedelta(days=_DAYS_OF.get(parts["FREQ"], 0) * int(parts.get("INTERVAL", 1)))
    if stride and "COUNT" not in parts and sought > anchor:
        anchor += stride * max(0, (sought - anchor) // stride - 1)
    rule = rrulestr(schedule.rrule, dtstart=anchor)
    assert isinstance(rule, rrule)  # a set is what several lines make
    return rule
