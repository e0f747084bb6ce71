"""The life of a heartbeat as a table of cases: what comes, and what is then said."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import pytest
from msgspec import structs

from control_plane.domain.checks.heartbeat_check import HeartbeatCheck
from control_plane.domain.heartbeats.heartbeat import (
    MAX_OPEN_RUNS,
    Applied,
    Heartbeat,
    Ping,
    PingKind,
    advance,
    apply,
    rescheduled,
    rested,
    resumed,
    sole_vote,
)

HOURLY = HeartbeatCheck(period=3600, grace=300)
TIMED = HeartbeatCheck(period=3600, grace=300, max_run_s=600)
EVERY_HOUR = HeartbeatCheck(cron="0 * * * *", grace=300)
A, B = UUID(int=1), UUID(int=2)
MINUTE = 60_000
DUE = 65  # minutes after a success


def ping(kind: str, minute: int, *, rid: UUID | None = None, exit_code: int | None = None) -> Ping:
    return Ping(kind=PingKind(kind), at_ms=minute * MINUTE, rid=rid, exit_code=exit_code)


def lived(*pings: Ping, check: HeartbeatCheck = HOURLY) -> Heartbeat:
    return all_applied(pings, check)[-1].state if pings else Heartbeat()


def all_applied(pings: Sequence[Ping], check: HeartbeatCheck = HOURLY) -> list[Applied]:
    found, state = [], Heartbeat()
    for one in pings:
        found.append(apply(state, one, check=check, paused=False))
        state = found[-1].state
    return found


def said(state: Heartbeat, minute: int, check: HeartbeatCheck = HOURLY) -> str | None:
    return sole_vote(state, check, now_ms=minute * MINUTE).say


@pytest.mark.parametrize(
    ("pings", "minute", "say"),
    [
        ((), 10_000, None),
        ((ping("log", 0),), 10_000, None),
        ((ping("start", 0),), 1, None),
        ((ping("start", 0),), DUE, "down"),
        ((ping("success", 0),), 0, "up"),
        ((ping("success", 0),), DUE - 1, "up"),
        ((ping("success", 0),), DUE, "down"),
        ((ping("success", 0), ping("log", 60)), DUE, "down"),
        ((ping("success", 0), ping("success", 60)), DUE, "up"),
        ((ping("fail", 0),), 0, "down"),
        ((ping("success", 0), ping("fail", 1)), 1, "down"),
        ((ping("fail", 0), ping("log", 1)), 1, "down"),
        ((ping("fail", 0), ping("start", 1)), 1, "down"),
        ((ping("fail", 0), ping("success", 1)), 1, "up"),
        ((ping("fail", 0, exit_code=1), ping("success", 1, exit_code=0)), 1, "up"),
        ((ping("success", 0), ping("start", DUE)), DUE, "down"),
        ((ping("success", 0), ping("log", DUE)), DUE, "down"),
        ((ping("success", 0), ping("success", DUE + 10)), DUE + 10, "up"),
    ],
)
def test_what_is_said_after_these_pings(pings: tuple[Ping, ...], minute: int, say: str | None) -> None:
    assert said(lived(*pings), minute) == say


def test_a_run_that_began_in_time_has_until_its_limit() -> None:
    began = lived(ping("success", 0), ping("start", 64), check=TIMED)
    assert (said(began, 73, TIMED), said(began, 74, TIMED)) == ("up", "down")


def test_a_run_without_a_limit_has_until_the_next_ping_after_its_start_would_be_missed() -> None:
    began = lived(ping("success", 0), ping("start", 60))
    assert (said(began, 60 + DUE - 1), said(began, 60 + DUE)) == ("up", "down")


def test_starting_again_and_again_does_not_put_the_limit_off() -> None:
    crashes = lived(ping("success", 0), *(ping("start", minute) for minute in range(60, 70)), check=TIMED)
    assert (said(crashes, 69, TIMED), said(crashes, 70, TIMED)) == ("up", "down")


def test_a_run_ends_with_the_finish_of_its_id() -> None:
    first, second, done = all_applied([ping("start", 0, rid=A), ping("start", 1, rid=B), ping("success", 3, rid=A)])
    assert first.started is not None
    assert second.started is not None
    [ended] = done.ended
    assert (ended.number, ended.outcome, ended.duration_ms) == (1, "success", 3 * MINUTE)
    assert [run.rid for run in done.state.runs] == [B]


def test_a_finish_without_an_id_ends_the_newest_run_and_gives_up_those_before() -> None:
    done = all_applied([ping("start", 0), ping("start", 5), ping("fail", 7, exit_code=3)])[-1]
    assert [(run.number, run.outcome, run.exit_code) for run in done.ended] == [(1, "abandoned", None), (2, "fail", 3)]
    assert done.state.runs == ()


def test_a_success_forgives_the_runs_that_are_past_their_limit() -> None:
    late = [ping("start", 0, rid=A), ping("start", 9, rid=B), ping("success", 11)]
    done = all_applied(late, TIMED)[-1]
    assert [(run.number, run.outcome) for run in done.ended] == [(1, "overdue")]
    assert (said(done.state, 18, TIMED), said(done.state, 19, TIMED)) == ("up", "down")


def test_a_start_sent_twice_begins_one_run() -> None:
    twice = all_applied([ping("start", 0, rid=A), ping("start", 1, rid=A)])[-1]
    assert twice.started is None
    assert [run.started_ms for run in twice.state.runs] == [0]


def test_open_runs_are_bounded_and_the_oldest_keeps_its_deadline() -> None:
    many = all_applied([ping("start", minute, rid=UUID(int=minute + 1)) for minute in range(MAX_OPEN_RUNS + 5)])
    assert len(many[-1].state.runs) == MAX_OPEN_RUNS
    assert many[-1].state.runs[0].started_ms == 0
    assert [run.outcome for one in many for run in one.ended] == ["abandoned"] * 5


@pytest.mark.parametrize(
    ("pings", "minute", "reason", "message", "first_bad"),
    [
        ((ping("success", 0),), 90, "timeout", "no ping came in time", 60),
        ((ping("success", 0), ping("start", DUE)), 90, "timeout", "no ping came in time", 60),
        ((ping("start", 0),), 90, "timeout", "a run did not end in time", DUE),
        ((ping("fail", 7),), 90, "assertion", "it said that it failed", 7),
        ((ping("fail", 7, exit_code=3), ping("fail", 8, exit_code=9)), 90, "status", "it ended with exit code 9", 7),
    ],
)
def test_an_outage_says_why_and_since_when(
    pings: tuple[Ping, ...], minute: int, reason: str, message: str, first_bad: int
) -> None:
    vote = sole_vote(lived(*pings), HOURLY, now_ms=minute * MINUTE)
    assert (vote.say, vote.reason, vote.message) == ("down", reason, message)
    assert vote.first_bad_ms == first_bad * MINUTE
    assert vote.evidence is not None


def test_silence_after_a_failure_is_newer_proof_of_the_same_outage() -> None:
    failed = lived(ping("fail", 0))
    assert sole_vote(failed, HOURLY, now_ms=MINUTE).newest_ms == 0
    assert sole_vote(failed, HOURLY, now_ms=MINUTE).due_ms == DUE * MINUTE
    later = sole_vote(failed, HOURLY, now_ms=DUE * MINUTE)
    assert (later.say, later.newest_ms, later.due_ms) == ("down", DUE * MINUTE, (DUE + 60) * MINUTE)


@pytest.mark.parametrize(
    ("sentence", "check", "minute", "newest", "due"),
    [
        ("at the deadline itself", HOURLY, DUE, DUE, DUE + 60),
        ("just before the next one", HOURLY, DUE + 59, DUE, DUE + 60),
        ("after many", HOURLY, DUE + 10 * 60 + 7, DUE + 10 * 60, DUE + 11 * 60),
        ("cron, at the deadline", EVERY_HOUR, 65, 65, 125),
        ("cron, after many", EVERY_HOUR, 65 + 1000 * 60 + 59, 65 + 1000 * 60, 65 + 1001 * 60),
        ("cron with a long grace", structs.replace(EVERY_HOUR, grace=7200), 180, 180, 240),
    ],
)
def test_each_deadline_of_the_schedule_that_passes_in_silence_is_newer_proof(
    sentence: str, check: HeartbeatCheck, minute: int, newest: int, due: int
) -> None:
    for state in (lived(ping("success", 0), check=check), lived(ping("success", 0), ping("log", minute), check=check)):
        vote = sole_vote(state, check, now_ms=minute * MINUTE)
        assert (vote.say, vote.newest_ms, vote.due_ms) == ("down", newest * MINUTE, due * MINUTE), sentence


def test_after_a_run_that_did_not_end_the_schedule_goes_on() -> None:
    overdue = lived(ping("success", 0), ping("start", 60), check=TIMED)
    vote = sole_vote(overdue, TIMED, now_ms=100 * MINUTE)
    assert (vote.newest_ms, vote.due_ms) == (70 * MINUTE, 130 * MINUTE)


def test_while_paused_pings_are_counted_and_nothing_is_proven() -> None:
    paused = rested(lived(ping("success", 0)))
    assert said(paused, 10_000) is None
    counted = apply(paused, ping("fail", 20, exit_code=1), check=HOURLY, paused=True).state
    assert (counted.pings, counted.last_ping_ms, counted.phase, counted.due_ms) == (2, 20 * MINUTE, "new", None)


def test_after_a_pause_deadlines_begin_anew() -> None:
    paused = rested(lived(ping("success", 0), ping("start", 1)))
    anew = resumed(paused, HOURLY, now_ms=1000 * MINUTE)
    assert [run.outcome for run in anew.ended] == ["abandoned"]
    assert said(anew.state, 1000 + DUE - 1) is None
    assert said(anew.state, 1000 + DUE) == "down"
    assert said(apply(anew.state, ping("success", 1001), check=HOURLY, paused=False).state, 1001) == "up"


def test_a_heartbeat_that_was_never_pinged_waits_after_a_pause_as_before() -> None:
    assert said(resumed(rested(Heartbeat()), HOURLY, now_ms=0).state, 100_000) is None


def test_a_shorter_period_counts_from_the_change() -> None:
    daily = HeartbeatCheck(period=86_400, grace=300)
    shorter = rescheduled(lived(ping("success", 0), check=daily), HOURLY, now_ms=300 * MINUTE)
    assert (said(shorter, 300), said(shorter, 300 + DUE - 1), said(shorter, 300 + DUE)) == ("up", "up", "down")


def test_a_longer_period_does_not_undo_what_was_missed() -> None:
    missed = advance(lived(ping("success", 0)), HOURLY, now_ms=100 * MINUTE)
    longer = rescheduled(missed, structs.replace(HOURLY, period=86_400), now_ms=100 * MINUTE)
    assert said(longer, 101) == "down"


def test_a_ping_of_an_earlier_instant_counts_as_of_the_last() -> None:
    assert lived(ping("success", 10), ping("success", 3)).last_ping_ms == 10 * MINUTE
