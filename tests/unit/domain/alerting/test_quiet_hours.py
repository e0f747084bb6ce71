"""Quiet hours: in words, across midnight, and where clocks skip or repeat an hour."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_plane.domain.alerting.quiet_hours import (
    DAYS,
    LONGEST_WAIT,
    QuietHours,
    of_row,
    period,
    quiet_of_all,
    quiet_until,
    read_quiet_hours,
    written,
)
from control_plane.errors import BadRequest

ZONES = (
    *("UTC", "Europe/Berlin", "Europe/London", "Europe/Lisbon", "Europe/Moscow", "Africa/Cairo", "Africa/Casablanca"),
    *("America/New_York", "America/Los_Angeles", "America/Sao_Paulo", "America/Havana", "America/Santiago"),
    *("Asia/Kolkata", "Asia/Kathmandu", "Asia/Tokyo", "Asia/Beirut", "Australia/Sydney", "Australia/Lord_Howe"),
    *("Pacific/Auckland", "Pacific/Chatham", "Pacific/Apia", "Pacific/Kiritimati", "Atlantic/Azores"),
)
NIGHT = QuietHours(start="22:00", end="07:00", time_zone="Europe/Berlin")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("instant", "until"),
    [
        ("2026-01-14T20:59:59.999999Z", None),
        ("2026-01-14T21:00:00Z", "2026-01-15T06:00:00Z"),
        ("2026-01-14T23:30:00Z", "2026-01-15T06:00:00Z"),
        ("2026-01-15T05:59:59.999999Z", "2026-01-15T06:00:00Z"),
        ("2026-01-15T06:00:00Z", None),
        ("2026-07-14T20:00:00Z", "2026-07-15T05:00:00Z"),
        ("2026-03-28T23:00:00Z", "2026-03-29T05:00:00Z"),  # the clocks go forward within the night
        ("2026-10-24T23:00:00Z", "2026-10-25T06:00:00Z"),  # and back
    ],
)
def test_a_night_is_quiet_from_its_start_until_its_end(instant: str, until: str | None) -> None:
    assert quiet_until(NIGHT, at(instant)) == (None if until is None else at(until))


@pytest.mark.parametrize(
    ("start", "end", "instant", "until"),
    [
        # 2026-03-29 in Berlin has no 02:00 to 03:00 (01:00Z is 03:00 of summer).
        ("02:30", "05:00", "2026-03-29T00:59:59Z", None),
        ("02:30", "05:00", "2026-03-29T01:00:00Z", "2026-03-29T03:00:00Z"),
        ("00:00", "02:30", "2026-03-29T00:59:59Z", "2026-03-29T01:00:00Z"),
        ("02:10", "02:50", "2026-03-29T01:00:00Z", None),
        # 2026-10-25 has 02:00 to 03:00 twice, from 00:00Z and from 01:00Z.
        ("02:30", "05:00", "2026-10-25T00:29:59Z", None),
        ("02:30", "05:00", "2026-10-25T00:30:00Z", "2026-10-25T04:00:00Z"),
        ("00:00", "02:30", "2026-10-25T00:45:00Z", "2026-10-25T01:30:00Z"),
        ("00:00", "02:30", "2026-10-25T01:30:00Z", None),
        ("02:10", "02:50", "2026-10-25T00:55:00Z", "2026-10-25T01:50:00Z"),
    ],
)
def test_wall_times_that_are_skipped_or_repeated(start: str, end: str, instant: str, until: str | None) -> None:
    quiet = QuietHours(start=start, end=end, time_zone="Europe/Berlin")
    assert quiet_until(quiet, at(instant)) == (None if until is None else at(until))


def test_days_are_those_on_which_a_period_begins() -> None:
    weekend = QuietHours(start="22:00", end="07:00", time_zone="UTC", days=("fri", "sat"))
    assert quiet_until(weekend, at("2026-01-16T23:00:00Z")) == at("2026-01-17T07:00:00Z")  # Friday
    assert quiet_until(weekend, at("2026-01-18T06:00:00Z")) == at("2026-01-18T07:00:00Z")  # still of Saturday
    assert quiet_until(weekend, at("2026-01-18T23:00:00Z")) is None
    assert quiet_until(weekend, at("2026-01-16T06:00:00Z")) is None


def test_severities_that_are_excepted_never_wait() -> None:
    quiet = QuietHours(start="22:00", end="07:00", time_zone="UTC", except_severities=("critical",))
    night = at("2026-01-16T23:00:00Z")
    assert quiet_until(quiet, night, severity="critical") is None
    assert quiet_until(quiet, night, severity="major") == at("2026-01-17T07:00:00Z")
    assert quiet_until(quiet, night) == at("2026-01-17T07:00:00Z")


def test_what_several_delay_waits_for_the_last_of_them() -> None:
    night = QuietHours(start="22:00", end="07:00", time_zone="UTC")
    morning = QuietHours(start="06:30", end="09:00", time_zone="UTC")
    start = at("2026-01-16T23:00:00Z")
    assert quiet_of_all([[night], [morning]], start, severity=None) == (at("2026-01-17T09:00:00Z"), 1)
    assert quiet_of_all([[], [night]], start, severity=None) == (at("2026-01-17T07:00:00Z"), 1)
    assert quiet_of_all([[None], [None]], start, severity=None) is None
    assert quiet_of_all([[night, None], [None]], start, severity=None) is None, "one monitor of the incident is awake"
    assert quiet_of_all([[night, morning], []], at("2026-01-17T06:45:00Z"), severity=None) == (
        at("2026-01-17T07:00:00Z"),
        0,
    )


def test_quiet_hours_that_never_leave_a_gap_delay_for_a_week_at_most() -> None:
    night = QuietHours(start="22:00", end="07:00", time_zone="UTC")
    day = QuietHours(start="07:00", end="22:00", time_zone="UTC")
    start = at("2026-01-16T23:30:00Z")
    found = quiet_of_all([[night], [day]], start, severity=None)
    assert found is not None
    assert found[0] == start + LONGEST_WAIT


@pytest.mark.parametrize("zone", ZONES)
@given(
    minutes=st.integers(0, 2 * 366 * 1440),
    start=st.integers(0, 1439),
    end=st.integers(0, 1439),
    days=st.sets(st.sampled_from(DAYS)),
)
def test_quiet_is_what_an_independent_look_at_the_calendar_says(
    zone: str, minutes: int, start: int, end: int, days: set[str]
) -> None:
    if start == end:
        return
    quiet = QuietHours(start=_clock(start), end=_clock(end), time_zone=zone, days=tuple(d for d in DAYS if d in days))
    instant = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    local = instant.astimezone(ZoneInfo(zone))
    shifts = any(
        local.utcoffset() != (instant + timedelta(hours=hours)).astimezone(ZoneInfo(zone)).utcoffset()
        for hours in (-49, -25, -1, 1, 25, 49)
    )
    until = quiet_until(quiet, instant)
    if not shifts:  # the judge below knows no change of clocks; the tables above do
        minute, today = local.hour * 60 + local.minute, DAYS[local.weekday()]
        yesterday = DAYS[(local.weekday() - 1) % 7]
        wanted = days or set(DAYS)
        if start < end:
            expected = today in wanted and start <= minute < end
        else:
            expected = (today in wanted and minute >= start) or (yesterday in wanted and minute < end)
        assert (until is not None) == expected
    if until is not None:
        assert instant < until <= instant + timedelta(hours=26)


@pytest.mark.parametrize("zone", ZONES)
def test_a_period_of_every_day_of_two_years_is_in_order(zone: str) -> None:
    quiet = QuietHours(start="02:15", end="02:45", time_zone=zone)
    day, last = datetime(2025, 1, 1, tzinfo=UTC).date(), None
    for offset in range(730):
        found = period(quiet, day + timedelta(days=offset))
        assert found is not None
        start, end = found
        assert start <= end
        assert last is None or last <= start
        last = end


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


@pytest.mark.parametrize(
    ("given_", "code", "field"),
    [
        ("night", "INVALID_TYPE", "/quiet_hours"),
        ({}, "INVALID_TYPE", "/quiet_hours/start"),
        ({"start": "24:00"}, "INVALID_QUIET_HOURS", "/quiet_hours/start"),
        ({"start": "7:00"}, "INVALID_QUIET_HOURS", "/quiet_hours/start"),
        ({"start": "07:00\n"}, "INVALID_QUIET_HOURS", "/quiet_hours/start"),
        ({"start": "٠٧:٠٠"}, "INVALID_QUIET_HOURS", "/quiet_hours/start"),
        ({"end": "22:00"}, "INVALID_QUIET_HOURS", "/quiet_hours/end"),
        ({"time_zone": "Mars/Olympus"}, "INVALID_TIMEZONE", "/quiet_hours/time_zone"),
        ({"time_zone": 1}, "INVALID_TYPE", "/quiet_hours/time_zone"),
        ({"days": ["monday"]}, "INVALID_QUIET_HOURS", "/quiet_hours/days/0"),
        ({"days": "mon"}, "INVALID_TYPE", "/quiet_hours/days"),
        ({"except_severities": ["fatal"]}, "INVALID_QUIET_HOURS", "/quiet_hours/except_severities/0"),
        ({"until": "07:00"}, "UNKNOWN_FIELD", "/quiet_hours/until"),
    ],
)
def test_what_they_may_not_be(given_: Any, code: str, field: str) -> None:
    value = (
        {"start": "22:00", "end": "07:00", "time_zone": "UTC", **given_}
        if isinstance(given_, dict) and given_
        else given_
    )
    with pytest.raises(BadRequest) as refused:
        read_quiet_hours(value)
    assert (refused.value.code, refused.value.field) == (code, field)


def test_what_is_read_is_kept_and_read_again() -> None:
    given_ = {"start": "22:00", "end": "07:00", "time_zone": "UTC", "days": ["sun", "mon", "mon"]}
    quiet = read_quiet_hours({**given_, "except_severities": ["critical"]})
    assert quiet.days == ("mon", "sun")
    kept = {**given_, "days": ["mon", "sun"], "except_severities": ["critical"]}
    assert written(quiet) == kept
    assert of_row(written(quiet)) == quiet
