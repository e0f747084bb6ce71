"""The clock that agents see is the database's, as far as a quick question tells."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from control_plane.services.installation.database_clock import DatabaseClock

AHEAD = timedelta(seconds=40)
BLINK = timedelta(milliseconds=4)
STALL = timedelta(seconds=3)


def told(clock: DatabaseClock, *, ahead: timedelta, took: timedelta) -> None:
    now = datetime.now(UTC)
    clock.believe(now + ahead - took / 2, asked=now - took, answered=now)


def off(clock: DatabaseClock) -> float:
    return (clock() - datetime.now(UTC)).total_seconds()


def test_it_follows_the_databases_clock() -> None:
    clock = DatabaseClock()
    told(clock, ahead=AHEAD, took=BLINK)
    assert abs(off(clock) - 40) < 0.5


def test_a_slow_answer_changes_nothing_once_there_was_a_quick_one() -> None:
    clock = DatabaseClock()
    told(clock, ahead=timedelta(), took=BLINK)
    told(clock, ahead=AHEAD, took=STALL)
    assert abs(off(clock)) < 0.5


def test_a_slow_answer_is_better_than_none() -> None:
    clock = DatabaseClock()
    told(clock, ahead=AHEAD, took=STALL)
    assert abs(off(clock) - 40) < 2
