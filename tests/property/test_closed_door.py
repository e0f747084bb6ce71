"""What holds for heartbeats whenever the ping door was closed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from control_plane.domain.checks.heartbeat_check import HeartbeatCheck
from control_plane.domain.heartbeats.heartbeat import Heartbeat, Ping, PingKind, advance, apply, sole_vote
from control_plane.domain.heartbeats.ping_door import Closure, PingDoor

CHECKS = st.builds(
    HeartbeatCheck, period=st.integers(30, 1200), grace=st.integers(10, 600), max_run_s=st.none() | st.integers(10, 900)
) | st.builds(HeartbeatCheck, cron=st.sampled_from(["* * * * *", "*/7 * * * *"]), grace=st.integers(10, 600))
SPELLS = st.lists(st.tuples(st.integers(0, 3_000_000), st.integers(0, 600_000)), max_size=5)
BEATS = st.lists(st.tuples(st.sampled_from(PingKind), st.integers(0, 3_000_000)), max_size=20)
LATER = st.integers(0, 6_000_000)


def door_of(spells: list[tuple[int, int]]) -> PingDoor:
    return PingDoor(closures=tuple(Closure(at, at + length) for at, length in spells))


def lived(beats: list[tuple[PingKind, int]], check: HeartbeatCheck, door: PingDoor) -> Heartbeat:
    state = Heartbeat()
    for kind, at_ms in sorted(beats, key=lambda beat: beat[1]):
        state = apply(state, Ping(kind=kind, at_ms=at_ms), check=check, paused=False, door=door).state
    return state


@given(BEATS, CHECKS, SPELLS, LATER)
def test_a_closure_only_ever_takes_an_outage_away(
    beats: list[tuple[PingKind, int]], check: HeartbeatCheck, spells: list[tuple[int, int]], now_ms: int
) -> None:
    state = lived(beats, check, PingDoor())
    open_, closed = (sole_vote(state, check, now_ms=now_ms, door=door) for door in (PingDoor(), door_of(spells)))
    assert closed.say == open_.say or (open_.say, closed.say) == ("down", None)
    if closed.say == "down":
        assert open_.since_ms is not None
        assert closed.since_ms is not None
        assert closed.since_ms >= open_.since_ms
    assert closed.due_ms is None or closed.due_ms > now_ms


@given(BEATS, CHECKS, SPELLS, LATER)
def test_noticing_changes_nothing_that_is_said(
    beats: list[tuple[PingKind, int]], check: HeartbeatCheck, spells: list[tuple[int, int]], now_ms: int
) -> None:
    door = door_of(spells)
    state = lived(beats, check, door)
    noticed = advance(state, check, now_ms=now_ms, door=door)
    assert advance(noticed, check, now_ms=now_ms, door=door) == noticed
    one, other = (sole_vote(each, check, now_ms=now_ms, door=door) for each in (state, noticed))
    assert (one.say, one.since_ms, one.message, one.due_ms) == (other.say, other.since_ms, other.message, other.due_ms)


@given(CHECKS, SPELLS, st.integers(0, 100_000))
def test_a_job_that_pings_in_time_is_never_down_whatever_the_door_swallows(
    check: HeartbeatCheck, spells: list[tuple[int, int]], first_ms: int
) -> None:
    """Each ping comes exactly when it is expected after the one before, heard or not."""
    door, state, at_ms = door_of(spells), Heartbeat(), first_ms
    while at_ms < 4_000_000:
        assert sole_vote(state, check, now_ms=at_ms, door=door).say != "down"
        if not any(one.from_ms <= at_ms <= one.until_ms for one in door.closures):
            state = apply(state, Ping(kind=PingKind.SUCCESS, at_ms=at_ms), check=check, paused=False, door=door).state
        at_ms = _next(check, at_ms)


@given(CHECKS, SPELLS)
def test_who_stops_is_found_out_a_deadline_after_the_last_closure(
    check: HeartbeatCheck, spells: list[tuple[int, int]]
) -> None:
    door = door_of(spells)
    state = apply(Heartbeat(), Ping(kind=PingKind.SUCCESS, at_ms=0), check=check, paused=False).state
    last = max((one.until_ms for one in door.closures), default=0)
    found_ms = _next(check, _next(check, last)) + check.grace * 1000
    assert sole_vote(state, check, now_ms=found_ms, door=door).say == "down"


def _next(check: HeartbeatCheck, at_ms: int) -> int:
    due_ms = apply(Heartbeat(), Ping(kind=PingKind.SUCCESS, at_ms=at_ms), check=check, paused=False).state.due_ms
    assert due_ms is not None
    return due_ms - check.grace * 1000
