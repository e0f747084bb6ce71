"""The algebra of "at least N of them up", over every state of up to six members and generated ones beyond."""

from __future__ import annotations

from itertools import product
from random import Random
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from control_plane.domain.judging.composite import Member, sole_vote
from control_plane.domain.judging.verdict import VerdictName

VERDICTS: tuple[VerdictName, ...] = ("up", "degraded", "down", "unknown")


def of(verdicts: list[tuple[VerdictName, bool]]) -> list[Member]:
    return [
        Member(id=UUID(int=place + 1), name=f"M{place}", verdict=verdict, since_ms=place, enabled=enabled)
        for place, (verdict, enabled) in enumerate(verdicts)
    ]


states = st.lists(st.tuples(st.sampled_from(VERDICTS), st.booleans()), max_size=40)


def test_over_every_state_the_vote_is_what_the_counts_prove() -> None:
    for size in range(1, 6):
        for verdicts in product(VERDICTS, repeat=size):
            for needed in range(1, size + 1):
                up = sum(verdict in ("up", "degraded") for verdict in verdicts)
                down = verdicts.count("down")
                say = sole_vote(of([(verdict, True) for verdict in verdicts]), at_least=needed).say
                assert (say == "up") == (up >= needed)
                assert (say == "down") == (size - down < needed)


@given(states, st.integers(1, 50))
def test_whatever_unknown_members_turn_out_to_be_a_vote_was_right(
    verdicts: list[tuple[VerdictName, bool]], at_least: int
) -> None:
    say = sole_vote(of(verdicts), at_least=at_least).say
    best = sole_vote(of([("up" if v == "unknown" else v, e) for v, e in verdicts]), at_least=at_least).say
    worst = sole_vote(of([("down" if v == "unknown" else v, e) for v, e in verdicts]), at_least=at_least).say
    counted = any(enabled for _, enabled in verdicts)
    assert {best, worst} <= {"up", "down"} if counted else (say, best, worst) == (None, None, None)
    if say is not None:
        assert say == best == worst


@given(states, st.integers(1, 50))
def test_nothing_is_down_unless_a_member_that_counts_is(
    verdicts: list[tuple[VerdictName, bool]], at_least: int
) -> None:
    if ("down", True) not in verdicts:
        assert sole_vote(of(verdicts), at_least=at_least).say != "down"


@given(states, st.integers(1, 50))
def test_pausing_a_member_that_is_down_never_proves_an_outage(
    verdicts: list[tuple[VerdictName, bool]], at_least: int
) -> None:
    before = sole_vote(of(verdicts), at_least=at_least).say
    for place, member in enumerate(verdicts):
        if member == ("down", True):
            paused: list[tuple[VerdictName, bool]] = [*verdicts[:place], ("down", False), *verdicts[place + 1 :]]
            assert before == "down" or sole_vote(of(paused), at_least=at_least).say != "down"


@given(states, st.integers(1, 50))
def test_a_vote_tells_since_when_by_one_of_its_members_and_an_outage_why(
    verdicts: list[tuple[VerdictName, bool]], at_least: int
) -> None:
    vote = sole_vote(of(verdicts), at_least=at_least)
    if vote.say is None:
        assert (vote.since_ms, vote.first_bad_ms) == (None, None)
        assert vote.message
        return
    assert vote.since_ms is not None
    verdict, enabled = verdicts[vote.since_ms]  # members are dated by their places
    assert enabled
    assert (verdict == "down") == (vote.say == "down")
    assert (vote.message is not None) == (vote.say == "down")


@given(states, st.integers(1, 50), st.randoms(use_true_random=False))
def test_the_order_of_the_members_does_not_matter(
    verdicts: list[tuple[VerdictName, bool]], at_least: int, dice: Random
) -> None:
    members = of(verdicts)
    shuffled = sorted(members, key=lambda _: dice.random())
    assert sole_vote(shuffled, at_least=at_least) == sole_vote(members, at_least=at_least)
