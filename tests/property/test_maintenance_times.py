"""When windows hold, held against computations that share nothing with ours: a walk through UTC minute by minute."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import islice, pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from control_plane.domain.checks.cron import next_after
from control_plane.domain.maintenance.maintenance import (
    Occurrence,
    Schedule,
    between,
    first_of,
    next_occurrence,
    occurrences,
)

ZONES = (
    *("Europe/Berlin", "America/New_York", "America/Sao_Paulo", "Australia/Lord_Howe", "Africa/Casablanca"),
    *("Asia/Kathmandu", "Pacific/Apia", "Pacific/Chatham", "America/St_Johns", "Asia/Tehran", "Africa/Cairo"),
    *("America/Santiago", "Pacific/Auckland", "Asia/Kolkata", "UTC", "Europe/London", "America/Los_Angeles"),
    *("Asia/Beirut", "America/Havana", "Pacific/Kiritimati", "Europe/Dublin", "Asia/Gaza"),
)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
YEAR = 2026


def changes(zone: str) -> list[datetime]:
    """The instants of the year at which the zone's clocks change, to the minute, found by walking."""
    tz, at, found = ZoneInfo(zone), datetime(YEAR, 1, 1, tzinfo=UTC), []
    while at.year == YEAR:
        after = at + timedelta(hours=1)
        if at.astimezone(tz).utcoffset() != after.astimezone(tz).utcoffset():
            minute = at
            while minute.astimezone(tz).utcoffset() == at.astimezone(tz).utcoffset():
                minute += MINUTE
            found.append(minute)
        at = after
    return found


def moments(zone: str) -> list[datetime]:
    """What is tried in each zone: both changes of clocks, the turn of the year, the leap day."""
    special = [datetime(YEAR, 12, 31, 12, tzinfo=UTC), datetime(2028, 2, 29, 0, tzinfo=UTC)]
    return [*changes(zone), *special]


def walk(tz: ZoneInfo, since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Each minute of UTC with the wall time that clocks show then."""
    at = since
    while at < until:
        yield at, at.astimezone(tz).replace(tzinfo=None, fold=0)
        at += MINUTE


def starts_by_walking(tz: ZoneInfo, hour: int, minute: int, since: datetime, until: datetime) -> list[datetime]:
    """Once for each local date: when clocks first show, or first have passed, this time of that day."""
    done: set[date] = set()
    found, before = [], None
    for at, wall in walk(tz, since - DAY, until):
        wanted = wall.replace(hour=hour, minute=minute)
        jumped = before is not None and before < wanted <= wall
        if jumped and wall.date() not in done:
            done.add(wall.date())
            found.append(at)
        before = wall
    return [at for at in found if at >= since]


def test_most_of_these_zones_change_their_clocks_twice_in_the_year() -> None:
    assert sum(len(changes(zone)) >= 2 for zone in ZONES) >= 12
    assert len(ZONES) >= 20


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("kind", ["cron", "rrule"])
def test_a_daily_window_keeps_its_wall_time_through_every_change(zone: str, kind: str) -> None:
    tz = ZoneInfo(zone)
    for moment in moments(zone):
        since, until = moment - 2 * DAY, moment + 2 * DAY
        for hour, minute in ((0, 0), (0, 15), (1, 45), (2, 15), (2, 30), (3, 0), (12, 0), (23, 59)):
            anchor = datetime(YEAR - 1, 12, 1, hour, minute, tzinfo=tz).astimezone(UTC)
            rule: dict[str, Any] = {"cron": f"{minute} {hour} * * *"} if kind == "cron" else {"rrule": "FREQ=DAILY"}
            schedule = Schedule(starts_at=anchor, duration_s=3600, timezone=zone, **rule)
            got = [one.starts_at for one in between(schedule, since=since, until=until, limit=50)]
            expected = starts_by_walking(tz, hour, minute, since, until)
            assert [at for at in got if at >= since] == expected, (zone, hour, minute)


@pytest.mark.parametrize("zone", ZONES)
def test_an_expression_with_a_star_goes_off_whenever_the_wall_time_matches(zone: str) -> None:
    tz = ZoneInfo(zone)
    for moment in moments(zone):
        since, until = moment - timedelta(hours=30), moment + timedelta(hours=30)
        for expression, hours, minutes in (
            ("*/20 * * * *", range(24), (0, 20, 40)),
            ("*/15 0-3 * * *", range(4), (0, 15, 30, 45)),
            ("30 * * * *", range(24), (30,)),
            ("*/20 3 * * *", (3,), (0, 20, 40)),
        ):
            expected = [at for at, wall in walk(tz, since, until) if wall.hour in hours and wall.minute in minutes]
            got, at = [], since - MINUTE
            while (at := next_after(expression, zone, at)) < until:
                got.append(at)
            assert got == expected, (zone, expression)


@pytest.mark.parametrize("zone", ZONES)
def test_a_single_window_covers_its_instants_whatever_clocks_do(zone: str) -> None:
    tz = ZoneInfo(zone)
    for moment in moments(zone):
        starts, ends = moment - timedelta(hours=2), moment + timedelta(hours=2)
        schedule = Schedule(starts_at=starts.astimezone(tz), ends_at=ends.astimezone(tz), timezone=zone)
        (only,) = occurrences(schedule, after=moment)
        assert (only.starts_at, only.ends_at) == (starts, ends)


@pytest.mark.parametrize("zone", ZONES)
def test_leap_days_and_year_ends_come_when_the_calendar_says(zone: str) -> None:
    tz, anchor = ZoneInfo(zone), datetime(YEAR, 1, 2, tzinfo=UTC)
    leap_rule: dict[str, Any] = {
        "rrule": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;BYHOUR=4;BYMINUTE=0;BYDAY=MO,TU,WE,TH,FR,SA,SU"
    }
    leap_cron: dict[str, Any] = {"cron": "0 4 29 2 *"}
    for rule in (leap_cron, leap_rule):
        schedule = Schedule(starts_at=anchor, duration_s=60, timezone=zone, **rule)
        walls = [
            one.starts_at.astimezone(tz).replace(tzinfo=None) for one in islice(occurrences(schedule, after=anchor), 2)
        ]
        assert walls == [datetime(2028, 2, 29, 4), datetime(2032, 2, 29, 4)]  # noqa: DTZ001
    last_cron: dict[str, Any] = {"cron": "30 23 31 12 *"}
    last_rule: dict[str, Any] = {"rrule": "FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=-1;BYHOUR=23;BYMINUTE=30"}
    for rule in (last_cron, last_rule):
        schedule = Schedule(starts_at=anchor, duration_s=3600, timezone=zone, **rule)
        one = next_occurrence(schedule, not_before=anchor)
        assert one is not None
        assert one.starts_at == datetime(YEAR, 12, 31, 23, 30, tzinfo=tz)
        assert one.ends_at == datetime(YEAR + 1, 1, 1, 0, 30, tzinfo=tz)


SCHEDULES = st.builds(
    lambda rule, duration, zone, start: Schedule(
        starts_at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=start),
        duration_s=duration,
        timezone=zone,
        **rule,
    ),
    st.one_of(
        st.sampled_from(["*/10 * * * *", "30 2 * * *", "0 * * * *", "0 0 * * 1", "15 1,2,3 * * *", "0 0 1 * *"]).map(
            lambda text: {"cron": text}
        ),
        st.sampled_from(
            [
                *("FREQ=DAILY", "FREQ=DAILY;INTERVAL=3", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SU", "FREQ=DAILY;COUNT=40"),
                *("FREQ=MONTHLY;BYDAY=-1SU", "FREQ=MONTHLY;BYMONTHDAY=31", "FREQ=DAILY;BYHOUR=1,2,3;BYMINUTE=30"),
            ]
        ).map(lambda text: {"rrule": text}),
    ),
    st.integers(60, 2 * 86_400),
    st.sampled_from(ZONES),
    st.integers(0, 525_600),
)
INSTANTS = st.integers(-10_000, 800_000).map(lambda m: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=m))


@settings(max_examples=60, deadline=None)
@given(SCHEDULES, INSTANTS)
def test_occurrences_are_in_order_disjoint_and_never_empty(schedule: Schedule, after: datetime) -> None:
    found = list(islice(occurrences(schedule, after=after), 30))
    assert all(one.starts_at < one.ends_at for one in found)
    assert all(one.ends_at - one.starts_at <= timedelta(seconds=schedule.duration_s or 0) for one in found)
    assert all(a.ends_at <= b.starts_at for a, b in pairwise(found))
    assert all(one.starts_at >= schedule.starts_at and one.ends_at > after for one in found)


@settings(max_examples=60, deadline=None)
@given(SCHEDULES, INSTANTS)
def test_going_from_one_to_the_next_loses_and_doubles_none(schedule: Schedule, after: datetime) -> None:
    """What a window's row does, step by step, is what the whole sequence says."""
    begun = first_of(schedule, now=after)
    whole = [one for one in islice(occurrences(schedule, after=after), 15) if one.starts_at >= after]
    stepped: list[Occurrence] = []
    while begun is not None and len(stepped) < len(whole):
        stepped.append(begun)
        begun = next_occurrence(schedule, not_before=begun.ends_at)
    assert stepped == whole


@settings(max_examples=60, deadline=None)
@given(SCHEDULES, INSTANTS)
def test_where_a_search_begins_changes_nothing(schedule: Schedule, after: datetime) -> None:
    earlier = [one for one in islice(occurrences(schedule, after=after - 3 * DAY), 600) if one.ends_at > after]
    later = list(islice(occurrences(schedule, after=after), 5))
    # What is cut where the next begins is so from wherever the search comes.
    assert earlier[: len(later)] == later or not later


def test_a_window_is_half_open() -> None:
    start, end = datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 5, 2, tzinfo=UTC)
    once = Schedule(starts_at=start, ends_at=end)
    assert list(occurrences(once, after=end)) == []
    assert list(occurrences(once, after=end - timedelta(microseconds=1))) == [Occurrence(start, end)]
    assert between(once, since=end, until=end + DAY, limit=5) == []
    assert between(once, since=start - DAY, until=start, limit=5) == []


def test_occurrences_longer_than_their_distance_are_cut_where_the_next_begins() -> None:
    start = datetime(2026, 5, 1, tzinfo=UTC)
    schedule = Schedule(starts_at=start, cron="0 * * * *", duration_s=5400, until=start + timedelta(hours=3))
    found = list(occurrences(schedule, after=start))
    hour = timedelta(hours=1)
    assert found == [
        Occurrence(start, start + hour),
        Occurrence(start + hour, start + 2 * hour),
        Occurrence(start + 2 * hour, start + 3.5 * hour),
    ]
