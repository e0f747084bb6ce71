"""Uptime day by day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from control_plane.dashboard.monitors.uptime_days import state_of, uptime_days
from control_plane.domain.uptime.availability import Durations
from control_plane.services.uptime.read_availability import Availability, Day

DAY_MS = 86_400_000
FIRST = date(2026, 5, 1)


def day(n: int = 0, **durations: int) -> Day:
    start = datetime(2026, 5, 1, tzinfo=UTC) + timedelta(days=n)
    of = Availability(start=start, end=start + timedelta(days=1), durations=Durations(**durations))
    return Day(FIRST + timedelta(days=n), of)


def test_a_day_without_knowledge_is_none_and_never_a_hundred() -> None:
    assert state_of(day(unknown=DAY_MS)) == "none"
    row = uptime_days([day(unknown=DAY_MS)]).rows[0]
    assert (row.uptime, row.down) == ("–", "–")


def test_a_day_is_as_bad_as_its_time_down() -> None:
    assert state_of(day(up=DAY_MS)) == "up"
    assert state_of(day(up=DAY_MS - 1, degraded=1)) == "degraded"
    assert state_of(day(up=DAY_MS - 60_000, down=60_000)) == "degraded"
    assert state_of(day(up=DAY_MS // 2, down=DAY_MS // 2)) == "down"


def test_the_shortest_outage_keeps_a_day_from_a_hundred() -> None:
    assert uptime_days([day(up=DAY_MS - 1, down=1)]).rows[0].uptime == "99.99 %"


def test_the_days_are_drawn_in_their_order_and_counted() -> None:
    shown = uptime_days([day(0, unknown=DAY_MS), day(1, up=DAY_MS), day(2, up=DAY_MS // 2, down=DAY_MS // 2)])
    assert dict(shown.paths)["down"].startswith("M16 ")
    assert shown.text == "Of the last 3 days 2 are known, 1 of them with time down."
    assert [row.day for row in shown.rows] == ["1 May 2026", "2 May 2026", "3 May 2026"]


def test_no_day_at_all_is_an_empty_chart() -> None:
    assert uptime_days([]).paths == ()
