"""When a region below quorum is worth a word, and what the word is."""

from __future__ import annotations

import pytest

from control_plane.domain.judging.advisory import LoneVote, advisories

MINUTE = 60_000
START = 1_700_000_000_000


def lone(region: str = "eu", *, slots: int, message: str | None = "connection refused") -> LoneVote:
    """A region that voted down at START, and so many slots in all since."""
    return LoneVote(
        region=region,
        down_since=START,
        newest_slot=START + (slots - 1) * MINUTE,
        reason="connect",
        message=message,
    )


@pytest.mark.parametrize(("slots", "raised"), [(1, False), (3, False), (4, True), (40, True)])
def test_more_than_three_slots_below_quorum_raise_it(slots: int, raised: bool) -> None:
    found = advisories([lone(slots=slots)], verdict="degraded", verdict_since_ms=START + 900, interval_ms=MINUTE)
    assert [one.slots for one in found] == ([slots] if raised else [])


def test_while_the_verdict_is_down_the_region_is_the_quorum() -> None:
    assert advisories([lone(slots=9)], verdict="down", verdict_since_ms=START, interval_ms=MINUTE) == ()


def test_what_was_an_outage_before_does_not_count_as_below_quorum() -> None:
    since = START + 10 * MINUTE + 900
    before = advisories([lone(slots=13)], verdict="degraded", verdict_since_ms=since, interval_ms=MINUTE)
    after = advisories([lone(slots=15)], verdict="degraded", verdict_since_ms=since, interval_ms=MINUTE)
    assert before == ()
    assert [one.since_ms for one in after] == [since]


def test_rechecks_between_the_slots_make_it_no_older() -> None:
    vote = LoneVote(region="eu", down_since=START, newest_slot=START + 9_000)
    assert advisories([vote], verdict="up", verdict_since_ms=START, interval_ms=MINUTE) == ()


def test_it_says_which_region_and_why_and_is_in_order_of_name() -> None:
    votes = [lone("us", slots=5, message=None), lone("eu", slots=4)]
    found = advisories(votes, verdict="degraded", verdict_since_ms=START, interval_ms=MINUTE)
    assert [(one.region, one.since_ms) for one in found] == [("eu", START), ("us", START)]
    assert found[0].words == (
        "eu has called it down for 4 slots, and too few regions agree for an outage: connection refused"
    )
    assert found[1].words.endswith("for an outage: no connection could be made")
