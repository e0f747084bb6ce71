"""When a triggered incident is told again, as a table: reminders, steps, waits, and no burst after them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from msgspec import structs

from control_plane.domain.alerting.reminder import (
    LOOK_AGAIN,
    About,
    Progress,
    Rules,
    Step,
    escalation_ordinal,
    escalation_reason,
    next_at,
    reminder_ordinal,
    reminder_reason,
    rules_for,
    take_turn,
    waits,
)

OPENED = datetime(2026, 5, 1, 12, tzinfo=UTC)
HOURLY = Rules(3600, 10)
STEPS = (Step(1, 900), Step(2, 1800), Step(3, 3600))
ESCALATING = Rules(0, 0, STEPS)


def at(minutes: float) -> datetime:
    return OPENED + timedelta(minutes=minutes)


def told(rules: Rules, *, until: int, waiting: range = range(0), acknowledged: int | None = None) -> list[str]:
    """What is told when every minute is looked at: “60 r1” and “15 s1”."""
    progress, found = Progress(opened_at=OPENED), []
    for minute in range(until + 1):
        if acknowledged is not None and minute >= acknowledged:
            break
        turn = take_turn(rules, progress, now=at(minute), waiting=minute in waiting)
        progress = turn.progress
        found += [f"{minute} r{turn.reminder}"] if turn.reminder is not None else []
        found += [f"{minute} s{turn.step.number}"] if turn.step is not None else []
    return found


def test_a_reminder_comes_at_every_interval() -> None:
    assert told(HOURLY, until=200) == ["60 r1", "120 r2", "180 r3"]


def test_no_more_reminders_than_the_cap() -> None:
    assert told(Rules(60, 3), until=60) == ["1 r1", "2 r2", "3 r3"]
    assert told(Rules(60, 0), until=60) == []


def test_an_interval_of_nothing_is_no_reminder() -> None:
    assert told(Rules(0, 10), until=600) == []
    assert next_at(Rules(0, 10), Progress(opened_at=OPENED)) is None


def test_what_fell_due_during_a_wait_comes_once_at_its_end() -> None:
    assert told(HOURLY, until=480, waiting=range(50, 310)) == ["310 r1", "370 r2", "430 r3"]


def test_a_wait_between_two_reminders_changes_nothing() -> None:
    assert told(HOURLY, until=130, waiting=range(61, 119)) == ["60 r1", "120 r2"]


def test_a_wait_is_looked_at_again_soon() -> None:
    turn = take_turn(HOURLY, Progress(opened_at=OPENED), now=at(61), waiting=True)
    assert (turn.reminder, turn.due_at) == (None, at(61) + LOOK_AGAIN)


def test_each_step_is_told_once_at_its_time() -> None:
    assert told(ESCALATING, until=600) == ["15 s1", "30 s2", "60 s3"]


def test_steps_that_fell_due_during_a_wait_keep_their_distance() -> None:
    assert told(ESCALATING, until=600, waiting=range(10, 120)) == ["120 s1", "135 s2", "165 s3"]


def test_acknowledging_stops_the_rest() -> None:
    assert told(ESCALATING, until=600, acknowledged=20) == ["15 s1"]


def test_a_step_that_has_lost_its_channels_is_passed_over() -> None:
    assert told(Rules(0, 0, (Step(1, 900), Step(3, 3600))), until=600) == ["15 s1", "60 s3"]


def test_a_reminder_and_a_step_may_fall_together() -> None:
    assert told(Rules(1800, 1, STEPS), until=40) == ["15 s1", "30 r1", "30 s2"]


def test_a_shorter_interval_counts_from_the_last_reminder() -> None:
    progress = Progress(opened_at=OPENED, reminders=1, reminded_at=at(60))
    assert next_at(Rules(600, 10), progress) == at(70)


ABOUT = About(verdict="down", enabled=True, held_since=None, interval_s=3600, max_repeats=10)
WAITS = {
    "down": (ABOUT, False),
    "degraded": (structs.replace(ABOUT, verdict="degraded"), False),
    "unknown": (structs.replace(ABOUT, verdict="unknown"), True),
    "paused": (structs.replace(ABOUT, enabled=False), True),
    "a hold that began after the opening": (structs.replace(ABOUT, held_since=at(5)), True),
    "a hold that was there before": (structs.replace(ABOUT, held_since=at(-5)), False),
    "up, waiting for calm": (structs.replace(ABOUT, verdict="up"), True),
}


@pytest.mark.parametrize("case", WAITS)
def test_an_automatic_incident_waits(case: str) -> None:
    about, expected = WAITS[case]
    assert waits([about], declared=False, held_open=False, opened_at=OPENED) is expected


def test_one_that_a_person_reopened_while_up_does_not_wait() -> None:
    up = structs.replace(ABOUT, verdict="up")
    assert not waits([up], declared=False, held_open=True, opened_at=OPENED)


def test_a_declared_incident_waits_only_while_all_of_its_monitors_rest() -> None:
    paused, unknown = structs.replace(ABOUT, enabled=False), structs.replace(ABOUT, verdict="unknown")
    assert not waits([], declared=True, held_open=False, opened_at=OPENED)
    assert not waits([unknown], declared=True, held_open=False, opened_at=OPENED)
    assert not waits([paused, ABOUT], declared=True, held_open=False, opened_at=OPENED)
    assert waits([paused, paused], declared=True, held_open=False, opened_at=OPENED)


def test_of_several_monitors_the_one_that_reminds_most_often_counts() -> None:
    never, often = structs.replace(ABOUT, interval_s=0), structs.replace(ABOUT, interval_s=600, max_repeats=3)
    assert rules_for([ABOUT, often, never]) == (600, 3)
    assert rules_for([never]) == (0, 0)
    assert rules_for([]) == (3600, 10)


def test_ordinals_of_steps_are_beyond_those_of_worsening_and_reminders_differ() -> None:
    steps = {escalation_ordinal(reopened=again, step=step) for again in range(50) for step in range(1, 11)}
    reminders = {reminder_ordinal(reopened=again, reminder=n) for again in range(50) for n in range(1, 101)}
    assert len(steps) == 500
    assert len(reminders) == 5_000
    assert min(steps) > 1_000_000


def test_reasons_are_plain_words() -> None:
    words = reminder_reason("down", type_="down", opened_at=OPENED, now=at(120), number=2, most=10)
    assert words == "Still down after 2 h: reminder 2 of 10"
    assert reminder_reason(None, type_="down", opened_at=OPENED, now=at(90), number=1, most=1).startswith("Still open")
    words = escalation_reason(opened_at=OPENED, now=at(15), step=2)
    assert words == "Not acknowledged for 15 min: escalated to step 2"
