"""Chapter "Verdict: what the votes prove" of the design, as tables."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from control_plane.domain.judging.verdict import (
    Policy,
    Tally,
    VerdictName,
    changes_by_expiry,
    judge,
    quorum,
    required,
    tally,
)
from control_plane.domain.judging.votes import Vote
from tests.support.votes import EVERY, NOW, WINDOW, after, down, silent, up

ANY, MAJORITY, ALL = Policy("any"), Policy("majority"), Policy("all")


@pytest.mark.parametrize(
    ("policy", "needed"),
    [
        (ANY, [0, 1, 1, 1, 1, 1]),
        (MAJORITY, [0, 1, 2, 2, 3, 3]),
        (ALL, [0, 1, 2, 3, 4, 5]),
        (Policy("count", 1), [0, 1, 1, 1, 1, 1]),
        (Policy("count", 2), [0, 1, 2, 2, 2, 2]),
        (Policy("count", 5), [0, 1, 2, 3, 4, 5]),
    ],
)
def test_the_policy_says_how_many_down_votes_prove_an_outage(policy: Policy, needed: list[int]) -> None:
    assert [required(policy, n) for n in range(6)] == needed


@pytest.mark.parametrize(
    ("policy", "needed"),
    [
        (ANY, [0, 1, 1, 1, 1, 1]),
        (MAJORITY, [0, 1, 1, 2, 2, 3]),
        (ALL, [0, 1, 1, 1, 1, 1]),
        (Policy("count", 1), [0, 1, 1, 1, 1, 1]),
        (Policy("count", 2), [0, 1, 1, 2, 2, 2]),
        (Policy("count", 3), [0, 1, 1, 1, 2, 3]),
        (Policy("count", 4), [0, 1, 1, 1, 1, 2]),
    ],
)
def test_the_policy_says_how_many_up_votes_prove_that_it_is_up(policy: Policy, needed: list[int]) -> None:
    assert [quorum(policy, n) for n in range(6)] == needed


VOTES = {
    "U": up(),
    "S": up(degraded=True),
    "D": down(),
    "u": up(fresh=False),
    "d": down(fresh=False),
    "-": silent(),
}
"""Fresh votes in capitals (S is slow), expired ones in small letters, a region that never spoke as a dash."""


def verdict(policy: Policy, votes: str, current: VerdictName = "unknown") -> VerdictName:
    counts = tally([VOTES[v] for v in votes], assigned=len(votes), now_ms=NOW)
    return judge(counts, policy=policy, current=current).verdict


@pytest.mark.parametrize(
    ("sentence", "policy", "votes", "proven"),
    [
        ("without regions nothing is known", MAJORITY, "", "unknown"),
        ("a new monitor is unknown until proven", MAJORITY, "---", "unknown"),
        ("a silent region is neither up nor down", MAJORITY, "U--", "unknown"),
        ("a single region decides alone, up", MAJORITY, "U", "up"),
        ("a single region decides alone, down", MAJORITY, "D", "down"),
        ("two of three up prove up", MAJORITY, "UU-", "up"),
        ("one of three down shows as degraded", MAJORITY, "UUD", "degraded"),
        ("two of three down prove an outage", MAJORITY, "UDD", "down"),
        ("all down prove an outage", MAJORITY, "DDD", "down"),
        ("a silent region does not hinder an outage", MAJORITY, "-DD", "down"),
        ("half of two is no majority", MAJORITY, "UD", "degraded"),
        ("half of four is no majority", MAJORITY, "UUDD", "degraded"),
        ("three of five are", MAJORITY, "UUDDD", "down"),
        ("an expired down vote proves no outage", MAJORITY, "UDd", "unknown"),
        ("expired down votes below quorum do not hinder up", MAJORITY, "UUd", "up"),
        ("expired down votes at quorum hinder up", ANY, "UUd", "unknown"),
        ("expired up votes prove nothing", MAJORITY, "uuu", "unknown"),
        ("one fresh up vote of three is not enough", MAJORITY, "Uuu", "unknown"),
        ("any: one down vote proves an outage", ANY, "UUUUD", "down"),
        ("any: one up vote proves up where nobody last said down", ANY, "U----", "up"),
        ("all: one region up keeps an outage unproven", ALL, "UDD", "degraded"),
        ("all: every region has to say down", ALL, "DDD", "down"),
        ("all: a silent region keeps an outage unproven", ALL, "-DD", "unknown"),
        ("all: one up vote proves up", ALL, "U--", "up"),
        ("count 2 of 5: two are enough", Policy("count", 2), "UUUDD", "down"),
        ("count 2 of 5: one is not", Policy("count", 2), "UUUUD", "degraded"),
        ("count is capped at the number of regions", Policy("count", 5), "DD", "down"),
        ("enough slow votes are degraded", MAJORITY, "SSU", "degraded"),
        ("too few slow votes are up", MAJORITY, "SUU", "up"),
        ("slow votes do not hinder an outage", MAJORITY, "SDD", "down"),
        ("any: one slow vote is degraded", ANY, "UUS", "degraded"),
    ],
)
def test_the_votes_prove(sentence: str, policy: Policy, votes: str, proven: VerdictName) -> None:
    assert verdict(policy, votes) == proven, sentence


@pytest.mark.parametrize(
    ("sentence", "policy", "votes", "current", "stays"),
    [
        ("up is kept while a fresh vote agrees and enough are fresh", MAJORITY, "UDd", "up", "up"),
        ("down is kept while a fresh vote agrees and enough are fresh", MAJORITY, "UDd", "down", "down"),
        ("degraded is kept by a fresh up vote", MAJORITY, "UDd", "degraded", "degraded"),
        ("unknown is kept, since nothing is proven", MAJORITY, "UDd", "unknown", "unknown"),
        ("up is lost when too few are fresh", MAJORITY, "Uuu", "up", "unknown"),
        ("down is lost when too few are fresh", MAJORITY, "uDd", "down", "unknown"),
        ("down is lost when no fresh vote agrees", ANY, "UUd", "down", "unknown"),
        ("up is lost when no fresh vote agrees", ALL, "uDD", "up", "unknown"),
        ("everything is lost when all are silent", MAJORITY, "ddd", "down", "unknown"),
    ],
)
def test_what_is_not_proven_stays_while_a_fresh_vote_agrees(
    sentence: str, policy: Policy, votes: str, current: VerdictName, stays: VerdictName
) -> None:
    assert verdict(policy, votes, current) == stays, sentence


def test_a_kept_verdict_is_not_a_proven_one() -> None:
    counts = tally([VOTES[v] for v in "UDd"], assigned=3, now_ms=NOW)

    assert not judge(counts, policy=MAJORITY, current="down").proven
    assert judge(tally([down(), down()], assigned=3, now_ms=NOW), policy=MAJORITY, current="up").proven


@pytest.mark.parametrize(("votes", "by_votes"), [("SSU", True), ("UUD", False), ("SUD", False), ("SSD", True)])
def test_degraded_by_slow_votes_is_told_from_a_region_below_quorum(votes: str, by_votes: bool) -> None:
    counts = tally([VOTES[v] for v in votes], assigned=3, now_ms=NOW)

    judgement = judge(counts, policy=MAJORITY, current="up")

    assert (judgement.verdict, judgement.by_degraded_votes) == ("degraded", by_votes)


def test_fresh_votes_are_counted_by_what_they_say_and_last_votes_whether_fresh_or_not() -> None:
    votes = [VOTES[v] for v in "USDud-"]

    assert tally(votes, assigned=6, now_ms=NOW) == Tally(6, fresh_up=2, fresh_down=1, fresh_degraded=1, last_down=2)


def expiries(votes: Sequence[Vote], current: VerdictName, now_ms: int) -> list[tuple[int, VerdictName]]:
    changes = changes_by_expiry(
        votes, assigned=len(votes), policy=MAJORITY, current=current, since_ms=NOW, now_ms=now_ms
    )
    return [(change.at_ms, change.judgement.verdict) for change in changes]


def test_coverage_is_lost_at_the_expiry_that_lost_it() -> None:
    votes = [after("U", first=NOW + i * 1000) for i in range(3)]

    assert expiries(votes, "up", NOW + WINDOW) == []
    assert expiries(votes, "up", NOW + WINDOW + EVERY) == [(NOW + WINDOW + 1000, "unknown")]


def test_an_expiring_down_vote_below_quorum_lets_degraded_become_up() -> None:
    votes = [
        after("DD", first=NOW - EVERY - 5000),
        after("U", first=NOW),
        after("U", first=NOW),
    ]

    assert expiries(votes, "degraded", NOW + WINDOW - 1) == [(NOW - 5000 + WINDOW, "up")]


def test_an_expiry_before_the_last_judgement_was_judged_then() -> None:
    assert expiries([up(fresh=False), up(fresh=False)], "unknown", NOW + WINDOW) == []


def test_expiries_never_open_or_prove_an_outage() -> None:
    votes = [after("DD", first=NOW - EVERY + i * 1000) for i in range(3)]

    assert all(v == "unknown" for _, v in expiries(votes, "down", NOW + 10 * WINDOW))
