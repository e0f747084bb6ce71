"""Uptime day by day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from control_plane.dashboard.monitors.uptime_days import uptime_days
from control_plane.domain.uptime.availability import Durations
from control_plane.services.uptime.read_availability import Availability, Day

DAY_MS = 86_400_000
FIRST = date(2026, 5, 1)


def day(n: int = 0, **durations: int) -> Day:
    start = datetime(2026, 5, 1, tzinfo=UTC) + timedelta(days=n)
    of = Availability(start=start, end=start + timedelta(days=1), durations=Durations(**durations))
    return Day(FIRST + timedelta(days=n), of)


def drawn_as(**durations: int) -> str:
    ((name, _),) = uptime_days([day(**durations)]).paths
    return name


def test_a_day_without_knowledge_is_none_and_never_a_hundred() -> None:
    assert drawn_as(unknown=DAY_MS) == "none"
    row = uptime_days([day(unknown=DAY_MS)]).rows[0]
    assert (row.state, row.uptime, row.down) == ("no data", "–", "–")


def test_a_day_is_what_a_status_page_calls_it() -> None:
    assert drawn_as(up=DAY_MS) == "up"
    assert drawn_as(up=DAY_MS - 1, degraded=1) == "degraded"
    assert drawn_as(up=DAY_MS - 480_000, down=480_000) == "partial"
    assert drawn_as(up=DAY_MS // 2, down=DAY_MS // 2) == "down"
    assert drawn_as(maintenance=DAY_MS) == "maintenance"


def test_a_day_says_its_state_and_how_long_it_was_down() -> None:
    row = uptime_days([day(up=DAY_MS - 5_580_000, down=5_580_000)]).rows[0]
    assert (row.state, row.uptime, row.down) == ("partial outage", "93.54 %", "1 h 33 min")


def test_the_legend_has_what_is_drawn_and_nothing_else() -> None:
    shown = uptime_days([day(0, unknown=DAY_MS), day(1, up=DAY_MS - 1, down=1)])
    assert [(each.name, each.word) for each in shown.legend] == [("partial", "partial outage"), ("none", "no data")]
    assert {each.name for each in shown.legend} == {name for name, _ in shown.paths}


def test_the_shortest_outage_keeps_a_day_from_a_hundred() -> None:
    assert uptime_days([day(up=DAY_MS - 1, down=1)]).rows[0].uptime == "99.99 %"


def test_the_days_are_drawn_in_their_order_and_counted() -> None:
    shown = uptime_days([day(0, unknown=DAY_MS), day(1, up=DAY_MS), day(2, up=DAY_MS // 2, down=DAY_MS // 2)])
    assert dict(shown.paths)["down"].startswith("M16 ")
    assert shown.text == "Of the last 3 days 2 are known, 1 of them with time down."
    assert [row.day for row in shown.rows] == ["1 May 2026", "2 May 2026", "3 May 2026"]


def test_no_day_at_all_is_an_empty_chart() -> None:
    assert uptime_days([]).paths == ()
