from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from control_plane.dashboard import words

NOW = datetime(2026, 5, 12, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "just now"),
        (1.9, "just now"),
        (2, "2 s ago"),
        (59.9, "59 s ago"),
        (60, "1 min ago"),
        (3599, "59 min ago"),
        (3600, "1 h ago"),
        (47 * 3600, "47 h ago"),
        (48 * 3600, "2 days ago"),
        (-5, "in 5 s"),
    ],
)
def test_how_long_ago(seconds: float, said: str) -> None:
    assert words.relative(seconds) == said


def test_a_moment_is_told_to_programs_and_people() -> None:
    told = words.moment(NOW - timedelta(minutes=3), NOW)
    assert told == words.Moment("2026-05-12T07:57:00.000Z", "2026-05-12 07:57:00 UTC", "3 min ago", "3 min")


def test_a_length_has_a_second_unit_where_how_long_ago_has_one() -> None:
    told = words.moment(NOW - timedelta(hours=1, minutes=58), NOW)
    assert (told.relative, told.passed) == ("1 h ago", "1 h 58 min")


def test_what_lies_ahead_has_not_lasted() -> None:
    assert words.moment(NOW + timedelta(minutes=3), NOW).passed == "0 s"


@pytest.mark.parametrize(
    ("seconds", "said"), [(10, "10 s"), (60, "1 min"), (90, "90 s"), (7200, "2 h"), (86400, "1 d")]
)
def test_an_interval_is_told_exactly(seconds: int, said: str) -> None:
    assert words.interval(seconds) == said


@pytest.mark.parametrize(
    ("ms", "said"),
    [
        (None, None),
        (0.014, "0.01 ms"),
        (0.094, "0.09 ms"),
        (0.096, "0.1 ms"),
        (9.94, "9.9 ms"),
        (81.2, "81 ms"),
        (1250, "1.25 s"),
    ],
)
def test_a_measured_time(ms: float | None, said: str | None) -> None:
    assert words.milliseconds(ms) == said


def test_a_sentence_begins_large_and_ends() -> None:
    assert words.sentence("connection refused") == "Connection refused."
    assert words.sentence("Why? ") == "Why?"
    assert words.sentence("") == ""
