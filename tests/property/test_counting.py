"""Counting slots into votes, over random sequences."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from control_plane.domain.judging.votes import Vote
from shared.results import OUTCOMES
from tests.support.lives import CONFIRMATIONS, STEPS, Arrival, arrivals, by_the_letter, counted
from tests.support.votes import EVERY, LETTERS, NOW, WINDOW


@given(steps=STEPS, confirmations=CONFIRMATIONS)
def test_counting_is_the_chapter_read_naively(steps: list[tuple[str, int, int]], confirmations: int) -> None:
    story = arrivals(steps)

    vote, said = counted(story, confirmations), by_the_letter(story, confirmations)

    assert (vote.vote, vote.newest_slot) == (said.say, said.newest)
    if story:
        now_ms = story[-1].now_ms
        assert vote.fresh(now_ms) == (said.say is not None and said.earned and now_ms < said.newest + WINDOW)


@given(steps=STEPS, confirmations=CONFIRMATIONS)
def test_errors_and_late_slots_change_nothing(steps: list[tuple[str, int, int]], confirmations: int) -> None:
    story = arrivals(steps)
    newest, kept = 0, []
    for each in story:
        if each.letter != "E" and each.slot > newest:
            newest = each.slot
            kept.append(each)

    assert counted(story, confirmations) == counted(kept, confirmations)


@given(steps=STEPS, confirmations=CONFIRMATIONS, more=STEPS)
def test_a_steady_slot_may_move_the_newest_slot_alone(
    steps: list[tuple[str, int, int]], confirmations: int, more: list[tuple[str, int, int]]
) -> None:
    """Nothing that happens later can tell a vote that was moved from one that was counted."""
    vote = counted(arrivals(steps), confirmations)
    steady = vote.steady(confirmations)
    if steady is None:
        return
    letter = next(name for name, outcome in LETTERS.items() if outcome is OUTCOMES[steady])
    slot = vote.newest_slot + EVERY
    moved = replace(vote, newest_slot=slot)
    properly = counted([Arrival(letter, slot, slot)], confirmations, vote)

    assert _but_runs(moved) == _but_runs(properly)
    assert moved.steady(confirmations) == properly.steady(confirmations) == steady
    later = arrivals(more, start=slot)
    assert _but_runs(counted(later, confirmations, moved)) == _but_runs(counted(later, confirmations, properly))


def _but_runs(vote: Vote) -> Vote:
    return replace(vote, bad_run=0, good_run=0, degraded_run=0)


@given(steps=STEPS, confirmations=CONFIRMATIONS, letter=st.sampled_from("USD"))
def test_a_region_that_keeps_saying_the_same_becomes_steady(
    steps: list[tuple[str, int, int]], confirmations: int, letter: str
) -> None:
    vote = counted(arrivals(steps), confirmations)
    same = arrivals([(letter, EVERY, 0)] * confirmations, start=max(vote.newest_slot, NOW))

    steady = counted(same, confirmations, vote).steady(confirmations)

    assert steady is not None
    assert OUTCOMES[steady] is LETTERS[letter]
