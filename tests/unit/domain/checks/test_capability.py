"""Which regions cannot run a check, by what their agents say, and what that leaves to be proven."""

from __future__ import annotations

import pytest

from control_plane.domain.checks.capability import explained, lacking
from control_plane.domain.judging.verdict import Policy

MAJORITY = Policy("majority")


@pytest.mark.parametrize(
    ("agents", "said"),
    [
        ((), None),  # silent, not incapable
        (({"http", "ping"},), None),
        (({"http"}, {"ping"}), None),  # one that can is enough
        (({"http"}, set()), None),  # one that says nothing may be able to
        (({"http"},), "Its agent does not run ping checks"),
        (({"http"}, {"tcp", "ipv6"}), "Its agents do not run ping checks"),
    ],
)
def test_a_region_is_incapable_when_every_live_agent_says_so(agents: tuple[set[str], ...], said: str | None) -> None:
    assert lacking("ping", agents) == said


def test_nothing_is_said_while_every_region_can() -> None:
    assert explained({}, policy=MAJORITY, assigned=3) == ()


def test_one_of_three_leaves_enough_to_prove_anything() -> None:
    said = explained({"ap": "Its agent does not run ping checks"}, policy=MAJORITY, assigned=3)
    assert said == ("ap cannot run this check: Its agent does not run ping checks",)


def test_what_can_no_longer_be_proven_is_named() -> None:
    reasons = {"us": "no ICMP", "ap": "no ICMP"}
    assert explained(reasons, policy=MAJORITY, assigned=3) == (
        "ap cannot run this check: no ICMP",
        "us cannot run this check: no ICMP",
        "Up cannot be proven: it takes 2 regions, and 1 can vote",
        "Down cannot be proven: it takes 2 regions, and 1 can vote",
    )
    # min(r, N - r + 1): one region is enough both ways where one proves an outage
    assert explained(reasons, policy=Policy("any"), assigned=3)[2:] == ()
    assert explained(reasons, policy=Policy("all"), assigned=3)[2:] == (
        "Down cannot be proven: it takes 3 regions, and 1 can vote",
    )
