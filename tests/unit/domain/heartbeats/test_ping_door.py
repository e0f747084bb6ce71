"""Deadlines that passed while the ping door was closed, as tables of cases."""

from __future__ import annotations

from uuid import UUID

import pytest
from msgspec import structs

from control_plane.domain.checks.heartbeat_check import HeartbeatCheck
from control_plane.domain.heartbeats.heartbeat import Heartbeat, Ping, PingKind, apply, sole_vote
from control_plane.domain.heartbeats.ping_door import AFTER_OPENING_MS, ALWAYS_OPEN, Closure, PingDoor, as_noted
from control_plane.domain.judging.sole_vote import SoleVote

MINUTE = 60_000
HOURLY = HeartbeatCheck(period=3600, grace=300)
TIMED = HeartbeatCheck(period=3600, grace=300, max_run_s=600)
EVERY_HOUR = HeartbeatCheck(cron="0 * * * *", grace=300)
TIMED_CRON = HeartbeatCheck(cron="0 * * * *", grace=300, max_run_s=600)
FINISHED = (("success", 0),)
STARTED = (("success", 0), ("start", 60))


def closed(*spells: tuple[float, float]) -> PingDoor:
    return PingDoor(closures=tuple(Closure(int(a * MINUTE), int(b * MINUTE)) for a, b in spells))


def ping(kind: str, minute: float, rid: UUID | None = None) -> Ping:
    return Ping(kind=PingKind(kind), at_ms=int(minute * MINUTE), rid=rid)


def lived(pings: tuple[tuple[str, float], ...], check: HeartbeatCheck, door: PingDoor = ALWAYS_OPEN) -> Heartbeat:
    state = Heartbeat()
    for kind, minute in pings:
        state = apply(state, ping(kind, minute), check=check, paused=False, door=door).state
    return state


def voted(state: Heartbeat, check: HeartbeatCheck, minute: float, door: PingDoor) -> SoleVote:
    return sole_vote(state, check, now_ms=int(minute * MINUTE), door=door)


@pytest.mark.parametrize(
    ("sentence", "check", "pings", "door", "minute", "say"),
    [
        ("closed when it was expected", HOURLY, FINISHED, closed((59, 61)), 65, None),
        ("closed in its grace", HOURLY, FINISHED, closed((64, 64.5)), 65, None),
        ("closed from before to after", HOURLY, FINISHED, closed((10, 100)), 90, None),
        ("closed as early as grace is long", HOURLY, FINISHED, closed((54, 56)), 65, None),
        ("closed long before", HOURLY, FINISHED, closed((10, 54)), 65, "down"),
        ("closed after it was missed", HOURLY, FINISHED, closed((65, 90)), 90, "down"),
        ("closed before the last ping", HOURLY, (("success", 58), ("fail", 59), ("success", 59)), closed((1, 58)), 124,
         "down"),
        ("not due yet", HOURLY, FINISHED, closed((59, 61)), 64, "up"),
        ("the next deadline counts from the end", HOURLY, FINISHED, closed((59, 61)), 125, None),
        ("the next deadline counts", HOURLY, FINISHED, closed((59, 61)), 126, "down"),
        ("closed then, too", HOURLY, FINISHED, closed((59, 61), (120, 121)), 126, None),
        ("cron, closed at the instant", EVERY_HOUR, FINISHED, closed((59.5, 61)), 65, None),
        ("cron, for clocks that differ", EVERY_HOUR, FINISHED, closed((59, 59.5)), 65, None),
        ("cron, closed just before", EVERY_HOUR, FINISHED, closed((57, 58.9)), 65, "down"),
        ("cron, the next deadline is not yet", EVERY_HOUR, FINISHED, closed((59, 59.5)), 124, None),
        ("cron, the next deadline counts", EVERY_HOUR, FINISHED, closed((59, 59.5)), 125, "down"),
        ("cron, closed for hours", EVERY_HOUR, FINISHED, closed((30, 200)), 244, None),
        ("cron, the first deadline after hours", EVERY_HOUR, FINISHED, closed((30, 200)), 245, "down"),
        ("closed in a run", TIMED, STARTED, closed((61, 61.5)), 70, None),
        ("closed before a run", TIMED, STARTED, closed((40, 60)), 70, "down"),
        ("after a run the schedule goes on", TIMED, STARTED, closed((61, 62)), 126, None),
        ("and its next deadline counts", TIMED, STARTED, closed((61, 62)), 127, "down"),
        ("a run without a limit", HOURLY, STARTED, closed((61, 62)), 125, None),
        ("a run by cron", TIMED_CRON, STARTED, closed((61, 62)), 124, None),
        ("the deadline after a run by cron", TIMED_CRON, STARTED, closed((61, 62)), 125, "down"),
        ("a start alone", TIMED, (("start", 0),), closed((5, 6)), 10, None),
        ("a failure is a failure", HOURLY, (("fail", 0),), closed((59, 61)), 90, "down"),
        ("a failure after it", HOURLY, (("success", 0), ("fail", 66)), closed((59, 61)), 66, "down"),
        ("a success after it", HOURLY, (("success", 0), ("success", 66)), closed((59, 61)), 66, "up"),
        ("a start after it proves nothing", TIMED, (("success", 0), ("start", 66)), closed((59, 61)), 67, None),
        ("but its run has a limit", TIMED, (("success", 0), ("start", 66)), closed((59, 61)), 76, "down"),
        ("a note after it proves nothing", HOURLY, (("success", 0), ("log", 66)), closed((59, 61)), 67, None),
    ],
)  # fmt: skip
def test_a_deadline_counts_unless_its_ping_may_have_met_a_closed_door(
    *,
    sentence: str,
    check: HeartbeatCheck,
    pings: tuple[tuple[str, float], ...],
    door: PingDoor,
    minute: float,
    say: str | None,
) -> None:
    assert voted(lived(pings, check, door), check, minute, door).say == say, sentence


def test_it_says_why_nothing_is_known_and_when_it_will_be() -> None:
    vote = voted(lived(FINISHED, HOURLY), HOURLY, 70, closed((59, 61)))
    assert vote.message == (
        "the ping door was closed from 1970-01-01 00:59:00 UTC to 1970-01-01 01:01:00 UTC, when this ping was expected"
    )
    assert vote.due_ms == 126 * MINUTE
    assert "run may have ended" in (voted(lived(STARTED, TIMED), TIMED, 70, closed((61, 62))).message or "")


def test_an_outage_that_begins_after_a_closure_begins_when_its_own_ping_was_expected() -> None:
    vote = voted(lived(FINISHED, HOURLY), HOURLY, 200, closed((59, 61)))
    assert (vote.say, vote.since_ms, vote.first_bad_ms) == ("down", 126 * MINUTE, 121 * MINUTE)


def test_silence_behind_a_closed_door_is_no_newer_proof_of_an_outage() -> None:
    silent = lived(FINISHED, HOURLY)
    assert voted(silent, HOURLY, 190, ALWAYS_OPEN).newest_ms == 185 * MINUTE
    assert voted(silent, HOURLY, 190, closed((181, 182))).newest_ms == 125 * MINUTE
    assert voted(silent, HOURLY, 190, closed((121, 182))).newest_ms == 65 * MINUTE
    failed = lived((("fail", 0),), HOURLY)
    assert voted(failed, HOURLY, 70, closed((61, 62))).newest_ms == 0


def test_a_run_that_ended_unheard_is_given_up_by_the_next_start_and_ended_by_its_own_finish() -> None:
    rid, door = UUID(int=1), closed((62, 63))
    state = apply(Heartbeat(), ping("start", 60, rid), check=TIMED, paused=False).state
    again = apply(state, ping("start", 120), check=TIMED, paused=False, door=door)
    assert [(run.number, run.outcome) for run in again.ended] == [(1, "abandoned")]
    assert [run.number for run in again.state.runs] == [2]
    heard = apply(state, ping("success", 75, rid), check=TIMED, paused=False, door=door)
    assert [(run.number, run.outcome, run.duration_ms) for run in heard.ended] == [(1, "success", 15 * MINUTE)]
    assert heard.state.runs == ()


def test_deadlines_wait_until_the_door_has_been_seen_after_them() -> None:
    silent = lived(FINISHED, HOURLY)
    waits = PingDoor(seen_ms=65 * MINUTE - 1)
    assert voted(silent, HOURLY, 65, waits).say == "up"
    assert voted(silent, HOURLY, 65.1, structs.replace(waits, seen_ms=65 * MINUTE)).say == "down"


def test_a_door_that_was_not_marked_for_long_is_closed_since_and_one_never_marked_is_open() -> None:
    assert as_noted((), seen_ms=None, now_ms=10**12) == ALWAYS_OPEN
    assert as_noted((), seen_ms=100, now_ms=10_100) == PingDoor(seen_ms=100)
    assert as_noted((), seen_ms=100, now_ms=10_101) == PingDoor(closures=(Closure(100, 10_101),), seen_ms=10_101)


def test_a_gap_lasts_until_the_process_listens_and_refusals_are_as_they_were() -> None:
    door = as_noted([Closure(50, 60)], refusals=[Closure(10, 10)], seen_ms=100, now_ms=100)
    assert door.closures == (Closure(10, 10), Closure(50, 60 + AFTER_OPENING_MS))
    assert door.closed_within(9, 11) == Closure(10, 10)
    assert door.closed_within(10, 11) is None
