"""The verdict as a sentence for people."""

from __future__ import annotations

import pytest

from control_plane.domain.judging import explain
from control_plane.domain.judging.verdict import Policy, VerdictName, judge, tally
from control_plane.domain.judging.votes import Vote
from tests.support.votes import NOW, after, down, regions, silent, up

MAJORITY = Policy("majority")


def words(votes: list[Vote], *, policy: Policy = MAJORITY, current: VerdictName = "unknown") -> str:
    placed = regions(*votes)
    judgement = judge(tally((r.vote for r in placed), assigned=len(placed), now_ms=NOW), policy=policy, current=current)
    return explain.reason(judgement, votes=placed, policy=policy, now_ms=NOW)


@pytest.mark.parametrize(
    ("votes", "text"),
    [
        ([], "No region is assigned"),
        ([silent(), silent()], "No region has reported yet"),
        ([up(), up(), up()], "Up from 3 of 3 regions"),
        ([up()], "Up from 1 of 1 region"),
        ([up(), up(), silent()], "Up from 2 of 3 regions"),
        ([up(), down(message="refused"), down(message="refused")], "Down from 2 of 3 regions: refused"),
        (
            [up(), up(), down(message="timed out")],
            "Only c of 3 regions cannot reach it, 2 would be an outage: timed out",
        ),
        ([up(), up(), down()], "Only c of 3 regions cannot reach it, 2 would be an outage"),
        ([up(degraded=True), up(degraded=True), up()], "Degraded from 2 of 3 regions"),
        ([up(fresh=False), up(fresh=False)], "Coverage lost: no region reports any more"),
        ([up(), up(fresh=False), up(fresh=False)], "Coverage lost: 1 of 3 regions report, 2 are needed"),
        ([up(), down(), down(fresh=False)], "Not proven: 1 up and 1 down of 3 regions"),
    ],
)
def test_a_verdict_says_why(votes: list[Vote], text: str) -> None:
    assert words(votes) == text


def test_an_expired_down_vote_is_not_blamed() -> None:
    assert "c" not in words([up(), up(), down(fresh=False, message="refused")]).split()


def test_a_kept_outage_counts_the_fresh_votes_only() -> None:
    assert words([up(), down(message="x"), down(fresh=False)], current="down") == "Down from 1 of 3 regions: x"


def test_a_first_failure_is_a_report_though_no_vote_yet() -> None:
    assert words([after("D", first=NOW), silent()]) == "Not proven yet: a first failure waits to be confirmed"
