"""Deadlines of cron heartbeats in twenty zones, where clocks jump, go back, meet a leap day and a new year.

The other computation walks instants minute by minute and asks which wall times pass at each: it shares nothing with
domain/checks/cron.py but the database of zones.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest

from control_plane.domain.checks.heartbeat_check import HeartbeatCheck
from control_plane.domain.heartbeats.heartbeat import Heartbeat, Ping, PingKind, apply, sole_vote
from shared.clock import to_unix_ms

ZONES = (
    *("UTC", "Europe/Berlin", "Europe/London", "Europe/Lisbon", "Europe/Helsinki", "America/New_York"),
    *("America/Los_Angeles", "America/Sao_Paulo", "America/Santiago", "America/St_Johns", "America/Havana"),
    *("Africa/Cairo", "Africa/Casablanca", "Asia/Kolkata", "Asia/Beirut", "Asia/Tokyo", "Australia/Sydney"),
    *("Australia/Lord_Howe", "Pacific/Auckland", "Pacific/Chatham"),
)
FIXED = {"30 2 * * *": (30, 2), "0 0 * * *": (0, 0), "15 3 * * *": (15, 3)}
STARRED = {"15 * * * *": {15}, "*/20 * * * *": {0, 20, 40}}
GRACE = timedelta(seconds=600)
MINUTE = timedelta(minutes=1)
STEP = timedelta(minutes=97, seconds=13)
DAY = timedelta(days=1)


def test_there_are_twenty_zones_and_clocks_change_in_most() -> None:
    assert len(set(ZONES)) == 20
    assert sum(len(list(changes(zone, 2026))) == 2 for zone in ZONES) >= 12


@pytest.mark.parametrize("zone", ZONES)
def test_the_deadline_is_the_next_instant_and_the_grace(zone: str) -> None:
    days = [*changes(zone, 2026), datetime(2028, 2, 29, tzinfo=UTC), datetime(2026, 12, 31, 23, tzinfo=UTC)]
    for middle in days:
        start, end = middle - DAY, middle + DAY
        passing = list(walls(zone, start, end + 2 * DAY))
        for expression, (minute, hour) in FIXED.items():
            expected = [
                at for at, seen in passing if any((w.minute, w.hour, w.fold) == (minute, hour, 0) for w in seen)
            ]
            compare(expression, zone, (start, end), expected)
        for expression, minutes in STARRED.items():
            compare(expression, zone, (start, end), [at for at, seen in passing if seen[-1].minute in minutes])


@pytest.mark.parametrize("zone", ZONES)
def test_yearly_jobs_find_the_leap_day_and_the_last_minute_of_the_year(zone: str) -> None:
    tz = ZoneInfo(zone)
    leap = deadline("0 12 29 2 *", zone, datetime(2026, 6, 1, tzinfo=UTC))
    assert leap == datetime(2028, 2, 29, 12, tzinfo=tz).astimezone(UTC) + GRACE
    last = deadline("59 23 31 12 *", zone, datetime(2027, 2, 1, tzinfo=UTC))
    assert last == datetime(2027, 12, 31, 23, 59, tzinfo=tz).astimezone(UTC) + GRACE


def compare(expression: str, zone: str, within: tuple[datetime, datetime], expected: list[datetime]) -> None:
    at, end = within
    while at < end:
        wanted = expected[bisect_right(expected, at)] + GRACE
        assert deadline(expression, zone, at) == wanted, f"{expression} in {zone} after {at}"
        at += STEP


def deadline(expression: str, zone: str, at: datetime) -> datetime:
    """Until when a heartbeat that is pinged at this instant is up, from what it says of itself."""
    check = HeartbeatCheck(cron=expression, timezone=zone, grace=int(GRACE.total_seconds()))
    ping = Ping(kind=PingKind.SUCCESS, at_ms=to_unix_ms(at))
    state = apply(Heartbeat(), ping, check=check, paused=False).state
    due_ms = state.due_ms
    assert due_ms is not None
    assert sole_vote(state, check, now_ms=due_ms - 1).say == "up"
    assert sole_vote(state, check, now_ms=due_ms).say == "down"
    return datetime.fromtimestamp(due_ms / 1000, UTC)


@cache
def changes(zone: str, year: int) -> tuple[datetime, ...]:
    """The hours of a year before which the zone had another offset."""
    tz, hour = ZoneInfo(zone), timedelta(hours=1)
    start = datetime(year, 1, 1, tzinfo=UTC)
    hours = [start + n * hour for n in range(366 * 24)]
    return tuple(at for at in hours if at.astimezone(tz).utcoffset() != (at - hour).astimezone(tz).utcoffset())


def walls(zone: str, start: datetime, end: datetime) -> Iterator[tuple[datetime, list[datetime]]]:
    """Each minute with the wall times that pass at it: those that a jump leaves out pass at its end."""
    tz, at = ZoneInfo(zone), start.replace(second=0, microsecond=0)
    before = (at - MINUTE).astimezone(tz).replace(tzinfo=None, fold=0)
    while at < end:
        now = at.astimezone(tz).replace(tzinfo=None)
        skipped = max(0, (now.replace(fold=0) - before) // MINUTE - 1)
        yield at, [*(before + n * MINUTE for n in range(1, skipped + 1)), now]
        before, at = now.replace(fold=0), at + MINUTE
