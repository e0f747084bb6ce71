"""What holds for a heartbeat whatever pings come, and when."""

from __future__ import annotations

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from control_plane.domain.checks.heartbeat_check import HeartbeatCheck
from control_plane.domain.heartbeats.heartbeat import (
    MAX_OPEN_RUNS,
    Applied,
    Heartbeat,
    Ping,
    PingKind,
    advance,
    apply,
    sole_vote,
)

PINGS = st.lists(
    st.builds(
        Ping,
        kind=st.sampled_from(PingKind),
        at_ms=st.integers(0, 3_000_000),
        rid=st.none() | st.integers(1, 40).map(lambda number: UUID(int=number)),
        exit_code=st.none() | st.integers(0, 255),
    ),
    max_size=80,
)
CHECKS = st.builds(
    HeartbeatCheck,
    period=st.integers(30, 1200),
    grace=st.integers(10, 600),
    max_run_s=st.none() | st.integers(10, 900),
)
LATER = st.integers(0, 4_000_000)


def lives(pings: list[Ping], check: HeartbeatCheck) -> list[Applied]:
    found, state = [], Heartbeat()
    for ping in pings:
        found.append(apply(state, ping, check=check, paused=False))
        state = found[-1].state
    return found


@given(PINGS, CHECKS, LATER)
def test_a_deadline_that_passed_is_never_up_and_only_pings_prove_anything(
    pings: list[Ping], check: HeartbeatCheck, now_ms: int
) -> None:
    state = lives(pings, check)[-1].state if pings else Heartbeat()
    vote = sole_vote(state, check, now_ms=now_ms)
    if state.due_ms is not None and state.due_ms <= now_ms:
        assert vote.say == "down"
    if all(ping.kind is PingKind.LOG for ping in pings):
        assert vote.say is None
    if vote.due_ms is not None:
        assert vote.due_ms > now_ms


@given(PINGS, CHECKS, LATER)
def test_noticing_a_miss_changes_nothing_that_is_said(pings: list[Ping], check: HeartbeatCheck, now_ms: int) -> None:
    state = lives(pings, check)[-1].state if pings else Heartbeat()
    noticed = advance(state, check, now_ms=now_ms)
    assert advance(noticed, check, now_ms=now_ms) == noticed
    one, other = sole_vote(state, check, now_ms=now_ms), sole_vote(noticed, check, now_ms=now_ms)
    assert (one.say, one.since_ms, one.first_bad_ms, one.reason) == (
        other.say,
        other.since_ms,
        other.first_bad_ms,
        other.reason,
    )


@given(PINGS, CHECKS)
def test_a_success_leads_up_and_a_failure_down_at_once(pings: list[Ping], check: HeartbeatCheck) -> None:
    for ping, applied in zip(pings, lives(pings, check), strict=True):
        if ping.kind is PingKind.SUCCESS:
            assert applied.state.phase == "up"
        if ping.kind is PingKind.FAIL:
            assert applied.state.phase == "down"


@given(PINGS, CHECKS)
def test_every_ping_is_counted_and_every_run_ends_once_or_is_open(pings: list[Ping], check: HeartbeatCheck) -> None:
    lived = lives(pings, check)
    assert [applied.state.pings for applied in lived] == list(range(1, len(pings) + 1))
    started = [applied.started.number for applied in lived if applied.started]
    ended = [run.number for applied in lived for run in applied.ended]
    still = [run.number for run in lived[-1].state.runs] if lived else []
    assert sorted(ended + still) == started
    assert len(still) <= MAX_OPEN_RUNS


@given(PINGS, CHECKS)
def test_a_note_changes_nothing_but_the_count(pings: list[Ping], check: HeartbeatCheck) -> None:
    state = lives(pings, check)[-1].state if pings else Heartbeat()
    at_ms = state.last_ping_ms or 0
    noted = apply(state, Ping(kind=PingKind.LOG, at_ms=at_ms), check=check, paused=False).state
    before, after = sole_vote(state, check, now_ms=at_ms), sole_vote(noted, check, now_ms=at_ms)
    assert (before.say, before.since_ms, before.due_ms) == (after.say, after.since_ms, after.due_ms)
    assert noted.due_ms == state.due_ms
