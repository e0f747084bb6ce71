"""The last day of a monitor in half hours."""

from __future__ import annotations

from control_plane.dashboard.charts.day_bar import CELLS, cells_of, day_bar
from control_plane.domain.uptime.availability import Span
from control_plane.services.uptime.read_glance import Glance

HOUR = 3_600_000
DAY = 24 * HOUR


def cells(*spans: Span) -> list[str]:
    return cells_of(spans, since_ms=0, until_ms=DAY)


def test_without_a_past_nothing_is_drawn_but_the_ground() -> None:
    bar = day_bar(Glance(since_ms=0, until_ms=DAY))
    assert [state for state, *_ in bar.paths] == ["none"]
    assert bar.text == "Nothing is known of the last 24 hours"


def test_each_half_hour_is_the_worst_of_what_was_in_it() -> None:
    found = cells(Span(0, 5 * HOUR, "up"), Span(5 * HOUR, 5 * HOUR + 1, "down"), Span(5 * HOUR + 1, DAY, "up"))
    assert [place for place, state in enumerate(found) if state == "down"] == [10]
    assert found.count("up") == CELLS - 1


def test_what_is_known_goes_before_what_is_not() -> None:
    assert cells(Span(0, HOUR // 4, "unknown"), Span(HOUR // 4, DAY, "up"))[0] == "up"


def test_time_before_the_monitor_was_made_is_left_out() -> None:
    found = cells(Span(DAY - HOUR, DAY, "up"))
    assert found == [""] * (CELLS - 2) + ["up"] * 2


def test_a_span_up_to_the_end_of_the_day_stays_within_it() -> None:
    assert len(cells(Span(0, DAY, "degraded"))) == CELLS


def test_a_day_that_was_up_is_one_path_and_says_so() -> None:
    bar = day_bar(Glance(since_ms=0, until_ms=DAY, spans=(Span(0, DAY, "up"),)))
    assert [state for state, *_ in bar.paths] == ["up"]
    assert bar.paths[0] == ("up", "M0 14h191", 12)
    assert bar.text == "Up over the last 24 hours"


def test_what_was_wrong_is_said_worst_first() -> None:
    spans = (Span(0, HOUR, "maintenance"), Span(HOUR, 3 * HOUR, "down"), Span(3 * HOUR, DAY, "up"))
    bar = day_bar(Glance(since_ms=0, until_ms=DAY, spans=spans))
    assert bar.text == "Last 24 hours: down for 2 h, maintenance for 1 h"
