"""When a delivery is tried again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from control_plane.domain.alerting.delivery import (
    RETRY_AFTER_CAP,
    WAITS,
    Accepted,
    Dead,
    Delivered,
    Failed,
    RetryAt,
    next_attempt,
    retry_after,
)

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


def after(failures: int, outcome: Accepted | Failed, jitter: float = 0.0) -> Delivered | RetryAt | Dead:
    return next_attempt(failures, outcome, now=NOW, jitter=jitter)


def test_the_schedule_is_the_published_one() -> None:
    assert WAITS == (0 * SECOND, 15 * SECOND, MINUTE, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 6 * HOUR)


@pytest.mark.parametrize(
    ("failures", "wait"),
    [(0, 15 * SECOND), (1, MINUTE), (2, 5 * MINUTE), (3, 30 * MINUTE), (4, 2 * HOUR), (5, 6 * HOUR)],
)
def test_a_failure_waits_as_the_schedule_says(failures: int, wait: timedelta) -> None:
    assert after(failures, Failed("answered 500")) == RetryAt(NOW + wait)


def test_the_seventh_failure_is_the_end() -> None:
    assert after(6, Failed("answered 500")) == Dead("Given up after 7 attempts. The last: answered 500")


def test_a_permanent_failure_is_the_end_at_once() -> None:
    assert after(0, Failed("answered 410", permanent=True)) == Dead("answered 410")


def test_an_accepted_attempt_is_the_end_however_many_failed_before() -> None:
    assert after(6, Accepted()) == Delivered()


def test_jitter_only_adds_and_at_most_a_tenth() -> None:
    later = after(5, Failed("x"), jitter=0.999)
    assert isinstance(later, RetryAt)
    assert NOW + 6 * HOUR <= later.at <= NOW + 6.6 * HOUR


def test_a_longer_retry_after_is_respected() -> None:
    assert after(0, Failed("429", retry_after=HOUR)) == RetryAt(NOW + HOUR)


def test_a_shorter_retry_after_does_not_hurry_us() -> None:
    assert after(3, Failed("429", retry_after=SECOND)) == RetryAt(NOW + 30 * MINUTE)


def test_nobody_puts_us_off_for_more_than_a_day() -> None:
    assert after(0, Failed("429", retry_after=timedelta(days=400))) == RetryAt(NOW + RETRY_AFTER_CAP)


@pytest.mark.parametrize(
    ("text", "wait"),
    [
        ("120", 120 * SECOND),
        (" 7 ", 7 * SECOND),
        ("0", 0 * SECOND),
        ("999999999999999999999", RETRY_AFTER_CAP),
        ("Thu, 01 Jan 2026 12:00:30 GMT", 30 * SECOND),
        ("Thu, 01 Jan 2026 11:00:00 GMT", 0 * SECOND),
        ("Thu, 01 Jan 2026 12:00:30 -0000", 30 * SECOND),
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("٣", None),
        ("Thu, 99 Foo 2026 99:99:99 GMT", None),
        ("Thu, 01 Jan " + "9" * 400 + " 12:00:30 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_anything_else_says_nothing(
    text: str | None, wait: timedelta | None
) -> None:
    assert retry_after(text, now=NOW) == wait
