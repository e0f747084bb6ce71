"""The algebra of verdicts, over every state of the votes of up to five regions, every policy and verdict in force."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations_with_replacement

from msgspec.structs import replace

from control_plane.domain.judging.verdict import Policy, Tally, VerdictName, judge, quorum, required, tally
from control_plane.domain.judging.votes import Vote
from tests.support.lives import POLICIES
from tests.support.votes import NOW, WINDOW, down, silent, up

VERDICTS: tuple[VerdictName, ...] = ("up", "degraded", "down", "unknown")
STATES = [
    silent(),
    up(),
    up(degraded=True),
    up(fresh=False),
    up(fresh=False, degraded=True),
    down(),
    down(fresh=False),
]


def every_state(*, most: int = 5) -> Iterator[tuple[Tally, Policy, VerdictName]]:
    """All states of up to `most` regions, under every policy and verdict in force."""
    for n in range(most + 1):
        for votes in combinations_with_replacement(STATES, n):
            counts = tally(votes, assigned=n, now_ms=NOW)
            yield from ((counts, policy, current) for policy in POLICIES for current in VERDICTS)


def test_up_and_down_are_never_both_proven() -> None:
    for counts, policy, _ in every_state():
        n = counts.assigned
        is_down = n > 0 and counts.fresh_down >= required(policy, n)
        is_up = n > 0 and counts.last_down < required(policy, n) and counts.fresh_up >= quorum(policy, n)
        assert not (is_down and is_up)


def test_what_is_proven_does_not_depend_on_the_verdict_in_force() -> None:
    for counts, policy, current in every_state():
        judgement = judge(counts, policy=policy, current=current)
        if judgement.proven:
            assert {judge(counts, policy=policy, current=other) for other in VERDICTS} == {judgement}


def test_judging_twice_changes_nothing() -> None:
    for counts, policy, current in every_state():
        once = judge(counts, policy=policy, current=current)
        assert judge(counts, policy=policy, current=once.verdict).verdict == once.verdict


def test_a_verdict_rests_on_fresh_votes() -> None:
    for counts, policy, current in every_state():
        match judge(counts, policy=policy, current=current).verdict:
            case "up":
                assert counts.fresh_up > 0
            case "degraded":
                assert counts.fresh_up > 0
            case "down":
                assert counts.fresh_down > 0
            case "unknown":
                pass
        if counts.fresh_up + counts.fresh_down == 0:
            assert judge(counts, policy=policy, current=current).verdict == "unknown"


def test_a_change_to_down_needs_as_many_fresh_down_votes_as_the_policy_says() -> None:
    for counts, policy, current in every_state():
        judgement = judge(counts, policy=policy, current=current)
        if judgement.verdict == "down" and (judgement.proven or current != "down"):
            assert counts.fresh_down >= required(policy, counts.assigned) > 0


def test_up_is_proven_only_where_too_few_last_votes_say_down() -> None:
    for counts, policy, current in every_state():
        judgement = judge(counts, policy=policy, current=current)
        if judgement.proven and judgement.verdict != "down":
            assert counts.last_down < required(policy, counts.assigned)
            assert counts.fresh_up >= quorum(policy, counts.assigned)


def test_full_fresh_coverage_always_proves_something() -> None:
    for counts, policy, current in every_state():
        if counts.assigned and counts.fresh_up + counts.fresh_down == counts.assigned:
            judgement = judge(counts, policy=policy, current=current)
            assert judgement.proven
            assert (judgement.verdict == "down") == (counts.fresh_down >= required(policy, counts.assigned))


def test_a_region_that_falls_silent_proves_nothing_new() -> None:
    for n in range(1, 5):
        for votes in combinations_with_replacement(STATES, n):
            for policy in POLICIES:
                for i, vote in enumerate(votes):
                    _silence(votes, i, vote, policy)


def _silence(votes: Sequence[Vote], i: int, vote: Vote, policy: Policy) -> None:
    before = tally(votes, assigned=len(votes), now_ms=NOW)
    gone = [*votes[:i], replace(vote, newest_slot=NOW - WINDOW), *votes[i + 1 :]]
    after_ = tally(gone, assigned=len(votes), now_ms=NOW)
    for current in VERDICTS:
        was = judge(before, policy=policy, current=current).verdict
        if judge(after_, policy=policy, current=was).verdict == "down":
            assert was == "down"
