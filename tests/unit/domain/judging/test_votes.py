"""Chapter "Votes" of the design, sentence by sentence."""

from __future__ import annotations

import pytest

from control_plane.domain.judging.votes import DEGRADED, DOWN, UP, Vote, asked, contradicts, count, settled
from shared.results import Reason
from tests.support.votes import EVERY, NOW, WINDOW, after, seen


@pytest.mark.parametrize(
    ("sentence", "story", "confirmations", "say"),
    [
        ("a region that saw nothing has no vote", "", 2, None),
        ("the first good slot suffices for a first up vote", "U", 2, "up"),
        ("the first slow slot suffices for a first up vote", "S", 2, "up"),
        ("the first good slot suffices however many confirmations are asked", "U", 10, "up"),
        ("the first good slot suffices after a bad one that made no vote", "DU", 3, "up"),
        ("fewer bad slots than confirmations are no vote", "D", 2, None),
        ("nine bad slots of ten are no vote", "D" * 9, 10, None),
        ("as many bad slots as confirmations are a down vote", "DD", 2, "down"),
        ("ten bad slots of ten are a down vote", "D" * 10, 10, "down"),
        ("with one confirmation one bad slot is a down vote", "UD", 1, "down"),
        ("an up vote is kept while bad slots are too few", "UD", 2, "up"),
        ("an up vote turns after consecutive bad slots", "UDD", 2, "down"),
        ("a good slot breaks a run of bad ones", "UDUD", 2, "up"),
        ("a slow slot breaks a run of bad ones", "UDSD", 2, "up"),
        ("a down vote is kept while good slots are too few", "DDU", 2, "down"),
        ("a down vote turns after consecutive good slots", "DDUU", 2, "up"),
        ("slow slots are good slots for recovery", "DDUS", 2, "up"),
        ("a bad slot breaks a run of good ones", "DDUDU", 2, "down"),
        ("with one confirmation one good slot is a recovery", "DU", 1, "up"),
        ("an error is no bad slot", "DE", 2, None),
        ("an error does not break a run of bad slots", "DED", 2, "down"),
        ("an error does not break a run of good slots", "DDUEU", 2, "up"),
        ("errors alone are no vote", "EEEE", 1, None),
    ],
)
def test_slots_make_a_vote(sentence: str, story: str, confirmations: int, say: str | None) -> None:
    assert after(story, confirmations=confirmations).vote == say, sentence


@pytest.mark.parametrize(
    ("sentence", "story", "confirmations", "degraded"),
    [
        ("one slow slot of two is not degraded", "US", 2, False),
        ("as many slow slots as confirmations are degraded", "USS", 2, True),
        ("slow from the very first slot on", "SS", 2, True),
        ("with one confirmation one slow slot is degraded", "US", 1, True),
        ("an error does not break a run of slow slots", "SES", 2, True),
        ("a good slot ends it", "SSU", 2, False),
        ("a bad slot breaks a run of slow ones", "USDS", 2, False),
        ("a down vote is not degraded", "SSDD", 2, False),
        ("a recovery through slow slots is degraded at once", "DDSS", 2, True),
        ("a down vote on its way up is not degraded yet", "DDDSS", 3, False),
    ],
)
def test_an_up_vote_is_degraded_when_its_last_slots_all_were(
    sentence: str, story: str, confirmations: int, degraded: bool
) -> None:
    assert after(story, confirmations=confirmations).degraded is degraded, sentence


@pytest.mark.parametrize(
    ("sentence", "story", "counted", "wanted", "degraded"),
    [
        ("raised, it takes more slow slots", "USS", 2, 3, False),
        ("raised no further than the run is long, it stays", "USSS", 2, 3, True),
        ("lowered, fewer are enough", "USS", 3, 2, True),
        ("lowered, the newest slot has to be slow all the same", "USSU", 3, 2, False),
        ("on its way down it keeps what it was called", "USSD", 2, 3, True),
        ("nor is it called degraded on its way down", "USSD", 3, 2, False),
    ],
)
def test_an_up_vote_is_degraded_by_the_confirmations_that_are_asked_for_now(
    sentence: str, story: str, counted: int, wanted: int, degraded: bool
) -> None:
    vote = asked(after(story, confirmations=counted), confirmations=wanted)

    assert (vote.vote, vote.degraded) == ("up", degraded), sentence


@pytest.mark.parametrize("story", ["", "D", "DD", "UD", "DDU"])
def test_other_confirmations_alone_turn_no_vote(story: str) -> None:
    vote = after(story)

    assert [asked(vote, confirmations=each) for each in (1, 2, 3, 10)] == [vote] * 4


def test_a_slot_not_newer_than_the_newest_counted_changes_nothing() -> None:
    vote = after("UD")

    for slot in (vote.newest_slot, vote.newest_slot - 1, NOW - 10 * EVERY):
        assert count(vote, seen("D", slot), confirmations=2, now_ms=vote.newest_slot) is vote


def test_an_error_changes_nothing_at_all_even_after_an_expiry() -> None:
    vote = after("DD")

    assert count(vote, seen("E", vote.expires_at + 1), confirmations=2, now_ms=vote.expires_at + 1) is vote


def test_a_vote_expires_its_window_after_the_newest_slot_whichever_way_that_went() -> None:
    for story in ("UU", "UD", "DDU"):
        vote = after(story)
        assert vote.expires_at == vote.newest_slot + WINDOW
        assert vote.fresh(vote.expires_at - 1)
        assert not vote.fresh(vote.expires_at)


def later(vote: Vote, story: str, *, confirmations: int = 2) -> Vote:
    """More slots, after the vote has expired."""
    return after(story, start=vote, confirmations=confirmations, first=vote.expires_at + 1)


@pytest.mark.parametrize(
    ("sentence", "before", "story", "say", "fresh"),
    [
        ("an expired down vote is remembered while one bad slot is not enough", "DD", "D", "down", False),
        ("a down vote is earned again by consecutive bad slots", "DD", "DD", "down", True),
        ("a remembered down vote is kept while one good slot is not enough", "DD", "U", "down", False),
        ("a remembered down vote turns after consecutive good slots", "DD", "UU", "up", True),
        ("a good slot earns an up vote again", "UU", "U", "up", True),
        ("a remembered up vote is not fresh on a bad slot", "UU", "D", "up", False),
        ("a remembered up vote turns after consecutive bad slots", "UU", "DD", "down", True),
        ("a bad slot from before an expiry does not count", "UD", "D", "up", False),
        ("a bad slot from before an expiry does not count without a vote", "D", "D", None, False),
        ("a good slot from before an expiry does not count", "DDU", "U", "down", False),
    ],
)
def test_after_an_expiry_counting_starts_afresh_and_the_last_vote_is_remembered(
    sentence: str, before: str, story: str, say: str | None, fresh: bool
) -> None:
    vote = later(after(before), story)

    assert (vote.vote, vote.fresh(vote.newest_slot)) == (say, fresh), sentence


def test_a_slow_slot_from_before_an_expiry_does_not_count() -> None:
    assert not later(after("US"), "S").degraded


def test_a_vote_that_expired_before_a_slot_arrived_is_counted_afresh_however_near_the_slot_was() -> None:
    vote = after("UD")

    late = count(vote, seen("D", vote.newest_slot + EVERY), confirmations=2, now_ms=vote.expires_at)

    assert (late.vote, late.bad_run, late.renewed) == ("up", 1, False)


@pytest.mark.parametrize(
    ("sentence", "story", "index"),
    [
        ("the first slot of the run that turned it", "UDD", 1),
        ("not a bad slot that a good one answered", "UDUDD", 3),
        ("kept through a good slot that did not turn it", "DDUDD", 0),
        ("anew after a recovery", "DDUUDD", 4),
        ("of a run that has made no vote yet", "UUD", 2),
    ],
)
def test_the_first_bad_slot_is_when_the_outage_began(sentence: str, story: str, index: int) -> None:
    assert after(story).first_bad_slot == NOW + index * EVERY, sentence


def test_an_up_vote_without_bad_or_slow_slots_has_no_first_bad_slot() -> None:
    assert after("UDU").first_bad_slot is None


def test_a_degraded_vote_knows_when_the_slowness_began() -> None:
    assert after("UUUSSS").first_bad_slot == NOW + 3 * EVERY


def told(*slots: tuple[str, str]) -> Vote:
    vote = after("U")
    for i, (letter, message) in enumerate(slots):
        slot = NOW + (i + 1) * EVERY
        vote = count(vote, seen(letter, slot, message=message), confirmations=2, now_ms=slot)
    return vote


def test_the_words_are_those_of_the_first_failure_of_the_run() -> None:
    assert told(("D", "timed out"), ("D", "refused")).message == "timed out"
    assert told(("D", "timed out"), ("U", ""), ("D", "refused"), ("D", "reset")).message == "refused"
    assert told(("S", "took 900 ms"), ("S", "took 2 s")).message == "took 900 ms"


def test_a_recovery_forgets_the_words_of_the_outage() -> None:
    assert told(("D", "refused"), ("D", "refused"), ("U", ""), ("U", "")).message is None


def test_a_recovery_through_slow_slots_says_that_it_is_slow_not_that_it_was_refused() -> None:
    vote = told(("D", "refused"), ("D", "refused"), ("S", "took 2 s"), ("S", "took 3 s"))

    assert vote.degraded
    assert vote.message in ("took 2 s", "took 3 s")


def test_a_slot_without_a_reason_leaves_none() -> None:
    vote = count(after("U"), seen("D", NOW + EVERY, reason=Reason.NONE), confirmations=1, now_ms=NOW + EVERY)

    assert vote.reason is None


@pytest.mark.parametrize(
    ("sentence", "story", "confirmations", "outcome"),
    [
        ("no vote has no steady outcome", "", 2, None),
        ("an up vote is steady on up", "U", 2, UP),
        ("not on its way down", "UD", 2, None),
        ("a slow slot on an up vote is not steady yet", "US", 2, None),
        ("a degraded vote is steady on degraded", "SS", 2, DEGRADED),
        ("a down vote is steady on down", "DD", 2, DOWN),
        ("not on its way up", "DDU", 2, None),
        ("nor while its newest run is short", "DDUD", 2, None),
    ],
)
def test_steady_is_the_outcome_that_would_change_nothing(
    sentence: str, story: str, confirmations: int, outcome: int | None
) -> None:
    assert after(story, confirmations=confirmations).steady(confirmations) == outcome, sentence


def test_a_vote_that_has_to_be_earned_again_is_not_steady() -> None:
    assert later(after("DD"), "D").steady(1) is None


@pytest.mark.parametrize(
    ("sentence", "story", "letter", "asks"),
    [
        ("a bad slot against an up vote", "U", "D", True),
        ("a bad slot where there is no vote", "", "D", True),
        ("a second bad slot where there is no vote yet", "D", "D", True),
        ("a good slot where there is no vote", "", "U", False),
        ("a good slot that agrees", "U", "U", False),
        ("a slow slot on an up vote", "U", "S", False),
        ("a bad slot that agrees", "DD", "D", False),
        ("a good slot against a down vote: recovery is confirmed the same way", "DD", "U", True),
        ("a slow slot against a down vote", "DD", "S", True),
        ("an error against anything", "U", "E", False),
        ("an error where there is no vote", "", "E", False),
    ],
)
def test_a_contradicting_slot_calls_for_confirmation(sentence: str, story: str, letter: str, asks: bool) -> None:
    vote = after(story)
    slot = NOW + len(story) * EVERY

    assert contradicts(vote, seen(letter, slot), slot) is asks, sentence


def test_a_bad_slot_on_a_remembered_down_vote_calls_for_confirmation() -> None:
    vote = after("DD")

    assert contradicts(vote, seen("D", vote.expires_at), vote.expires_at)


@pytest.mark.parametrize(
    ("story", "mind"),
    [("", False), ("D", False), ("U", True), ("UD", False), ("UDD", True), ("UDDU", False), ("UDDUU", True)],
)
def test_a_region_is_of_one_mind_when_its_newest_slot_agrees_with_its_vote(story: str, mind: bool) -> None:
    vote = after(story)

    assert settled(vote, vote.newest_slot) is mind
    assert not settled(vote, vote.expires_at)
