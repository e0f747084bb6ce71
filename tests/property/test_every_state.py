"""From every state of the votes: what closes an incident, how it recovers, what one more down vote does.

tests/property/test_judging.py has the algebra of verdicts up to five regions; here are further rules over the same
states, and the same rules for generated states of up to twelve.
"""

from __future__ import annotations

from itertools import combinations_with_replacement
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from control_plane.domain.judging.incident import OpenIncident, RegionVote, Resolves, Restraint, next_step
from control_plane.domain.judging.verdict import Policy, Tally, VerdictName, judge, quorum, required, tally
from control_plane.domain.judging.votes import Vote, count
from tests.support.lives import NAMES, POLICIES
from tests.support.votes import NOW, down, seen, silent, up

VERDICTS: tuple[VerdictName, ...] = ("up", "degraded", "down", "unknown")
STATES = [silent(), up(), up(degraded=True), up(fresh=False), up(fresh=False, degraded=True), down(), down(fresh=False)]
TYPES: tuple[Literal["down", "degraded", "flapping"], ...] = ("down", "degraded", "flapping")
CALM = Restraint(well_since_ms=NOW - 600_000)


def test_nothing_closes_while_as_many_last_votes_say_down_as_would_prove_an_outage() -> None:
    closed = 0
    for n in range(1, 6):
        for votes in combinations_with_replacement(STATES, n):
            regions = [RegionVote(str(i), vote) for i, vote in enumerate(votes)]
            counts = tally(votes, assigned=n, now_ms=NOW)
            for policy in POLICIES:
                closed += _closes(counts, regions, policy)
    assert closed > 1000


def _closes(counts: Tally, regions: list[RegionVote], policy: Policy) -> int:
    judgement = judge(counts, policy=policy, current="down")
    if counts.last_down >= required(policy, counts.assigned):
        assert judgement.verdict not in ("up", "degraded")
    if judgement.verdict not in ("up", "degraded"):
        return 0
    closed = 0
    for type_ in TYPES:
        step = next_step(
            judgement,
            votes=regions,
            policy=policy,
            now_ms=NOW,
            open_incident=OpenIncident(type_, ("0",)),
            restraint=CALM,
            alert_on="down",
            severity="major",
        )
        if isinstance(step, Resolves):
            closed += 1
            assert counts.last_down < required(policy, counts.assigned)
            assert counts.fresh_up >= quorum(policy, counts.assigned)
    return closed


@pytest.mark.parametrize("confirmations", [1, 2, 3])
@pytest.mark.parametrize(("letter", "proves"), [("U", {"up"}), ("S", {"degraded"}), ("D", {"down"})])
def test_every_state_with_coverage_recovers(confirmations: int, letter: str, proves: set[str]) -> None:
    """Whatever the regions have said: once all of them have said the same often enough, that is proven."""
    said = [_says(vote, letter, confirmations) for vote in STATES]
    now_ms = NOW + confirmations * 1000
    assert all(vote.fresh(now_ms) for vote in said)
    for n in range(1, 6):
        for votes in combinations_with_replacement(said, n):
            counts = tally(votes, assigned=n, now_ms=now_ms)
            for policy in POLICIES:
                for current in VERDICTS:
                    judgement = judge(counts, policy=policy, current=current)
                    assert (judgement.proven, {judgement.verdict}) == (True, proves)


def _says(vote: Vote, letter: str, confirmations: int) -> Vote:
    for i in range(1, confirmations + 1):
        vote = count(vote, seen(letter, NOW + i * 1000), confirmations=confirmations, now_ms=NOW + i * 1000)
    return vote


def test_one_more_down_vote_never_turns_down_into_up() -> None:
    for n in range(1, 5):
        for votes in combinations_with_replacement(STATES, n):
            before = tally(votes, assigned=n, now_ms=NOW)
            for i in range(n):
                after = tally([*votes[:i], down(), *votes[i + 1 :]], assigned=n, now_ms=NOW)
                for policy in POLICIES:
                    _down_stays(before, after, policy)


def _down_stays(before: Tally, after: Tally, policy: Policy) -> None:
    for current in VERDICTS:
        was = judge(before, policy=policy, current=current)
        now = judge(after, policy=policy, current=was.verdict)
        if was.verdict == "down":
            assert now.verdict == "down"
        if now.verdict in ("up", "degraded") and now.proven:
            assert not (was.verdict == "down" and was.proven)


# ----------------------------------------------------------------------------------------- more than five regions

WIDE = st.integers(6, 12).flatmap(lambda n: st.lists(st.sampled_from(STATES), min_size=n, max_size=n))
WIDE_POLICIES = st.one_of(
    st.sampled_from([Policy(name) for name in NAMES]), st.integers(1, 12).map(lambda k: Policy("count", k))
)


@settings(deadline=None)
@given(votes=WIDE, policy=WIDE_POLICIES, current=st.sampled_from(VERDICTS), more=st.integers(0, 11))
def test_the_algebra_holds_beyond_five_regions(
    votes: list[Vote], policy: Policy, current: VerdictName, more: int
) -> None:
    n = len(votes)
    counts = tally(votes, assigned=n, now_ms=NOW)
    r, q = required(policy, n), quorum(policy, n)
    is_down = counts.fresh_down >= r
    is_up = counts.last_down < r and counts.fresh_up >= q
    judgement = judge(counts, policy=policy, current=current)
    assert not (is_down and is_up)
    assert judgement.proven == (is_down or is_up)
    assert judge(counts, policy=policy, current=judgement.verdict).verdict == judgement.verdict
    if judgement.verdict in ("up", "degraded"):
        assert counts.fresh_up > 0
    if judgement.verdict == "down":
        assert counts.fresh_down > 0
    if counts.fresh_up + counts.fresh_down == n:
        assert judgement.proven
    worse = tally([*votes[: more % n], down(), *votes[more % n + 1 :]], assigned=n, now_ms=NOW)
    _down_stays(counts, worse, policy)


@settings(deadline=None)
@given(votes=WIDE, policy=WIDE_POLICIES, letter=st.sampled_from("UD"), confirmations=st.integers(1, 4))
def test_every_wide_state_recovers(votes: list[Vote], policy: Policy, letter: str, confirmations: int) -> None:
    said = [_says(replace(vote), letter, confirmations) for vote in votes]
    counts = tally(said, assigned=len(said), now_ms=NOW + confirmations * 1000)
    judgement = judge(counts, policy=policy, current="unknown")
    assert (judgement.proven, judgement.verdict) == (True, "up" if letter == "U" else "down")
