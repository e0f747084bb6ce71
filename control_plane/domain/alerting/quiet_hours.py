"""Quiet hours: a part of each day, in local time, in which notices wait for its end.

A period begins at `start` and is over at `end`, by the clocks of its zone; with an end at or before its start it goes
on past midnight. Where clocks skip a wall time, it is the first instant after the gap; where they repeat one, a period
begins at the first of the two and ends at the second: nobody is woken within the hour that comes twice.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from control_plane.domain import field_rules
from control_plane.domain.checks.cron import read_zone
from control_plane.domain.field_rules import Findings, refuse

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SEVERITIES = ("minor", "major", "critical")
FIELDS = ("start", "end", "time_zone", "days", "except_severities")
LONGEST_WAIT = timedelta(days=7)
"""What waits for several that never leave a gap is sent after so long."""

_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)", re.ASCII)
_DAY = timedelta(days=1)


class QuietHours(Struct, frozen=True, kw_only=True):
    """`start` and `end` as HH:MM. `days` are those on which a period begins; empty is every day.

    Notices of incidents of `except_severities` never wait.
    """

    start: str
    end: str
    time_zone: str
    days: tuple[str, ...] = ()
    except_severities: tuple[str, ...] = ()


def read_quiet_hours(value: object, pointer: str = "/quiet_hours") -> QuietHours:
    """Quiet hours of a decoded JSON value. Raises BadRequest INVALID_QUIET_HOURS, INVALID_TYPE, UNKNOWN_FIELD."""
    if not isinstance(value, dict):
        message = "quiet_hours is an object like {start: 22:00, end: 07:00, time_zone: Europe/Berlin}, or null"
        refuse("INVALID_TYPE", message, pointer)
    findings = Findings()
    field_rules.refuse_unknown(value, known=FIELDS, pointer=pointer, findings=findings)
    start = findings.take(_time, value.get("start"), f"{pointer}/start")
    end = findings.take(_time, value.get("end"), f"{pointer}/end")
    zone = findings.take(_zone, value.get("time_zone"), f"{pointer}/time_zone")
    days = findings.take(_days, value.get("days") or [], f"{pointer}/days")
    excepted = findings.take(_severities, value.get("except_severities") or [], f"{pointer}/except_severities")
    findings.raise_any()
    assert start is not None
    assert end is not None
    assert zone is not None
    assert days is not None
    assert excepted is not None
    if start == end:
        refuse("INVALID_QUIET_HOURS", "start and end are the same: disable the channel instead", f"{pointer}/end")
    return QuietHours(start=start, end=end, time_zone=zone, days=days, except_severities=excepted)


def written(quiet: QuietHours | None) -> dict[str, Any] | None:
    """As JSON writes them and rows keep them: empty lists are left out."""
    if quiet is None:
        return None
    plain = {"start": quiet.start, "end": quiet.end, "time_zone": quiet.time_zone}
    lists = {"days": list(quiet.days), "except_severities": list(quiet.except_severities)}
    return plain | {name: listed for name, listed in lists.items() if listed}


def read_stored(value: object) -> dict[str, Any] | None:
    """What a row keeps of a given value, null for none. Raises what `read_quiet_hours` raises."""
    return None if value is None else written(read_quiet_hours(value))


def of_row(stored: dict[str, Any] | None) -> QuietHours | None:
    """What `written` kept."""
    if stored is None:
        return None
    return msgspec.convert(stored, QuietHours)


def quiet_until(quiet: QuietHours, instant: datetime, *, severity: str | None = None) -> datetime | None:
    """The end of the period in which the instant lies, in UTC; None: it lies in none, or the severity never waits."""
    if severity is not None and severity in quiet.except_severities:
        return None
    today = instant.astimezone(ZoneInfo(quiet.time_zone)).date()
    # Zones have moved by a whole day, across the date line: what began two days ago by the calendar may go on.
    periods = (period(quiet, today + offset * _DAY) for offset in (-2, -1, 0, 1))
    ends = [end for start, end in (each for each in periods if each is not None) if start <= instant < end]
    return max(ends, default=None)


def period(quiet: QuietHours, day: date) -> tuple[datetime, datetime] | None:
    """The half-open period in UTC that begins on this local day; None: none does. It is empty where clocks skip it."""
    if quiet.days and DAYS[day.weekday()] not in quiet.days:
        return None
    start, end = time.fromisoformat(quiet.start), time.fromisoformat(quiet.end)
    last = day if start < end else day + _DAY
    return _instant(day, start, quiet.time_zone, fold=0), _instant(last, end, quiet.time_zone, fold=1)


def quiet_of_all(
    groups: Sequence[Sequence[QuietHours | None]], instant: datetime, *, severity: str | None
) -> tuple[datetime, int] | None:
    """Until when something waits, and for which group last; None: it need not wait.

    A group is quiet while all of its members are, one without quiet hours never; what waits does so while any group
    is quiet, and LONGEST_WAIT at most.
    """
    latest, until, by = instant + LONGEST_WAIT, instant, None
    while until < latest:
        found = [(end, place) for place, group in enumerate(groups) if (end := _together(group, until, severity))]
        if not found:
            break
        until, by = max(found)
    return None if by is None else (min(until, latest), by)


def _together(group: Sequence[QuietHours | None], instant: datetime, severity: str | None) -> datetime | None:
    ends = [None if quiet is None else quiet_until(quiet, instant, severity=severity) for quiet in group]
    known = [end for end in ends if end is not None]
    return min(known) if known and len(known) == len(ends) else None


def _instant(day: date, wall: time, zone: str, *, fold: int) -> datetime:
    """The instant of a wall time; of one that is skipped, the first one after the gap (PEP 495)."""
    tz = ZoneInfo(zone)
    local = datetime.combine(day, wall, tzinfo=tz)
    early, late = local.replace(fold=0), local.replace(fold=1)
    before, after = early.utcoffset(), late.utcoffset()
    assert before is not None
    assert after is not None
    if before < after:  # a gap: the clocks jump within it
        return _jump(local.replace(fold=1).astimezone(UTC), local.replace(fold=0).astimezone(UTC), tz)
    return local.replace(fold=fold).astimezone(UTC)


def _jump(low: datetime, high: datetime, tz: ZoneInfo) -> datetime:
    """The instant in (low, high] from which on the zone's offset is that of `high`, to the second."""
    after = high.astimezone(tz).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = (low + (high - low) / 2).replace(microsecond=0)
        if middle.astimezone(tz).utcoffset() == after:
            high = middle
        else:
            low = middle
    return high


def _time(value: object, pointer: str) -> str:
    if not isinstance(value, str):
        refuse("INVALID_TYPE", "this must be a time of day like 22:00, as a string", pointer)
    if not _TIME.fullmatch(value):
        refuse("INVALID_QUIET_HOURS", "this must be a time of day from 00:00 to 23:59", pointer)
    return value


def _zone(value: object, pointer: str) -> str:
    if not isinstance(value, str):
        refuse("INVALID_TYPE", "time_zone must be an IANA name like Europe/Berlin", pointer)
    return read_zone(value, pointer)


def _days(value: object, pointer: str) -> tuple[str, ...]:
    return _words(value, pointer, allowed=DAYS)


def _severities(value: object, pointer: str) -> tuple[str, ...]:
    return _words(value, pointer, allowed=SEVERITIES)


def _words(value: object, pointer: str, *, allowed: Sequence[str]) -> tuple[str, ...]:
    """Words of a list in the order of the allowed ones, each once."""
    if not isinstance(value, list):
        refuse("INVALID_TYPE", "this must be a list of strings", pointer)
    for place, word in enumerate(value[:100]):
        field_rules.choice(word, f"{pointer}/{place}", allowed=allowed, code="INVALID_QUIET_HOURS")
    return tuple(word for word in allowed if word in value)
