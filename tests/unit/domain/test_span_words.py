"""Times and spans as messages say them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from control_plane.domain.span_words import MAX_TEXT, counted, moment, short, span

AT = datetime(2026, 3, 1, 23, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-5, "0 s"),
        (0, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (3599, "59 min"),
        (3600, "1 h"),
        (3660, "1 h 1 min"),
        (86_399, "23 h 59 min"),
        (86_400, "1 d"),
        (90_000, "1 d 1 h"),
        (400 * 86_400, "400 d"),
    ],
)
def test_a_span_has_its_two_largest_parts_and_is_never_rounded_up(seconds: float, said: str) -> None:
    assert span(timedelta(seconds=seconds)) == said


def test_a_moment_has_its_day_unless_that_is_today() -> None:
    assert moment(AT, now=AT) == "23:59 UTC"
    assert moment(AT, now=AT + timedelta(minutes=1)) == "1 March 2026, 23:59 UTC"
    assert moment(AT, now=None) == "1 March 2026, 23:59 UTC"


def test_large_numbers_have_gaps() -> None:
    assert [counted(each) for each in (0, 999, 1985, 1_234_567)] == ["0", "999", "1 985", "1 234 567"]


def test_a_text_becomes_one_line_and_is_cut() -> None:
    assert short(" a\n\tb ") == "a b"
    assert len(short("x" * 1000)) == MAX_TEXT
