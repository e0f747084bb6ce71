"""A whole judgement: counting, verdict, incident and fast confirmation together."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from control_plane.domain.judging.case import Case, Decision
from control_plane.domain.judging.decide import decide
from control_plane.domain.judging.incident import OpenIncident, Opens, Resolves
from control_plane.domain.judging.verdict import Policy
from control_plane.domain.judging.votes import Seen, Vote
from shared.results import Outcome
from tests.support.votes import EVERY, NOW, WINDOW, down, regions, seen, silent, up

MONITOR = UUID("0193c5f0-7a3e-7d1a-9b4c-0123456789ab")


def case(*votes: Vote, **over: Any) -> Case:
    plain = Case(
        tenant_id=MONITOR,
        monitor_id=MONITOR,
        verdict="up",
        since_ms=NOW - 1000 * EVERY,
        judged_at_ms=NOW - 100 * EVERY,
        hushed=False,
        policy=Policy("majority"),
        confirmations=2,
        alert_on="down",
        severity="major",
        fast_confirmation=True,
        votes=regions(*votes),
    )
    return replace(plain, **over)


def report(of: Case, story: str, *, region_id: int = 1, now_ms: int = NOW) -> Decision:
    """The decision after region `region_id` has reported these slots, the last one due now, two seconds apart."""
    slots = [seen(letter, now_ms - 2000 * (len(story) - 1 - i)) for i, letter in enumerate(story)]
    return decide(of, now_ms=now_ms, region_id=region_id, seen=slots)


def changes(decision: Decision) -> list[tuple[str, str]]:
    return [(t.previous, t.verdict) for t in decision.transitions]


def test_the_deciding_vote_opens_an_incident_with_its_transition() -> None:
    decision = report(case(up(), down(), up(), verdict="degraded"), "DD")

    assert changes(decision) == [("degraded", "down")]
    assert isinstance(decision.step, Opens)
    assert decision.step.proof.regions_down == ("a", "b")
    assert decision.since_ms == decision.transitions[0].at_ms == NOW


def test_judging_without_a_report_writes_no_vote() -> None:
    assert decide(case(up(), down(), down()), now_ms=NOW).vote is None


def test_a_report_of_a_region_that_is_not_assigned_changes_nothing() -> None:
    decision = report(case(up(), up(), up()), "DD", region_id=9)

    assert (decision.vote, decision.transitions, decision.recheck_slots) == (None, (), ())


def test_a_report_of_another_check_version_changes_nothing() -> None:
    old = [replace(seen("D", NOW), check_version=7)]

    decision = decide(case(up(), up(), up()), now_ms=NOW, region_id=1, seen=old)

    assert (decision.vote, decision.transitions, decision.recheck_slots) == (None, (), ())


def test_late_slots_change_nothing() -> None:
    late = [seen("D", NOW - 50 * EVERY), seen("D", up().newest_slot)]

    decision = decide(case(up(), up(), up()), now_ms=NOW, region_id=1, seen=late)

    assert (decision.vote, decision.transitions, decision.recheck_slots) == (None, (), ())


def test_a_transition_is_never_before_the_previous_one() -> None:
    ahead = NOW + 5000

    decision = report(case(up(), down(), up(), since_ms=ahead), "DD")

    assert [t.at_ms for t in decision.transitions] == [ahead]


def test_without_a_change_the_verdict_keeps_its_instant() -> None:
    of = case(up(), up(), up())

    decision = report(of, "U")

    assert (decision.transitions, decision.since_ms) == ((), of.since_ms)


def test_a_report_that_finds_expired_votes_judges_that_instant_first() -> None:
    votes = [replace(up(), newest_slot=NOW - WINDOW - 5000 + i * 1000) for i in range(3)]
    of = case(*votes, judged_at_ms=NOW - WINDOW)

    first, *rest = report(of, "U").transitions

    assert (first.at_ms, first.previous, first.verdict) == (NOW - 4000, "up", "unknown")
    assert first.reason == "Coverage lost: 1 of 3 regions report, 2 are needed"
    assert rest == []


def test_an_expired_majority_and_its_return_are_two_transitions() -> None:
    votes = [replace(up(), newest_slot=NOW - WINDOW - 5000), up(), replace(up(), newest_slot=NOW - WINDOW - 5000)]
    of = case(*votes, judged_at_ms=NOW - WINDOW)

    assert changes(report(of, "U")) == [("up", "unknown"), ("unknown", "up")]


def test_pausing_leaves_no_region_and_the_verdict_unknown() -> None:
    decision = decide(case(verdict="down", open_incident=OpenIncident("down", ("a",))), now_ms=NOW)

    assert changes(decision) == [("down", "unknown")]
    assert decision.reason == "No region is assigned"
    assert decision.step is None


def test_a_new_check_version_is_unknown_until_proven_and_closes_nothing() -> None:
    of = case(silent(), silent(), verdict="down", open_incident=OpenIncident("down", ("a", "b")))

    decision = decide(of, now_ms=NOW)

    assert changes(decision) == [("down", "unknown")]
    assert decision.step is None


@pytest.mark.parametrize(
    ("sentence", "votes", "hushed"),
    [
        ("it lasts while it is down", (down(), down(), up()), True),
        ("it lasts while nothing is known", (silent(), silent(), silent()), True),
        ("it ends when up is proven", (up(), up(), up()), False),
        ("it ends when up is proven beside a region below quorum", (up(), up(), down()), False),
    ],
)
def test_a_hush_lasts_until_up_was_proven(sentence: str, votes: tuple[Vote, ...], hushed: bool) -> None:
    decision = decide(case(*votes, verdict="down", hushed=True), now_ms=NOW)

    assert decision.hushed is hushed, sentence
    assert decision.step is None


def test_recovery_resolves() -> None:
    of = case(down(), down(), up(), verdict="down", open_incident=OpenIncident("down", ("a", "b")))

    assert report(of, "U").step is None
    assert isinstance(report(of, "UU").step, Resolves)


@pytest.mark.parametrize(("confirmations", "seconds"), [(1, [2, 4]), (2, [2, 4, 6, 8]), (3, [2, 4, 6, 8, 10, 12])])
def test_confirmation_looks_again_every_two_seconds_twice_the_confirmations(
    confirmations: int, seconds: list[int]
) -> None:
    decision = report(case(up(), up(), up(), confirmations=confirmations), "D")

    assert [(slot - NOW) / 1000 for slot in decision.recheck_slots] == seconds


@pytest.mark.parametrize(
    ("sentence", "votes", "story", "over", "asks"),
    [
        ("a bad slot against an up vote", (up(), up(), up()), "D", {}, True),
        ("a bad slot where there is no vote", (silent(), silent(), silent()), "D", {}, True),
        ("recovery is confirmed the same way", (down(), down(), down()), "U", {"verdict": "down"}, True),
        ("a good slot that agrees", (up(), up(), up()), "U", {}, False),
        ("a bad slot that agrees", (down(), down(), down()), "D", {"verdict": "down"}, False),
        ("an error", (up(), up(), up()), "E", {}, False),
        ("unless some are pending", (up(), up(), up()), "D", {"rechecks_pending": True}, False),
        ("not for a kind without it", (up(), up(), up()), "D", {"fast_confirmation": False}, False),
        ("not when the slots have settled it already", (up(),), "DD", {}, False),
        ("a region alone that is not settled", (up(),), "D", {}, True),
    ],
)
def test_a_contradicting_slot_has_every_region_look_again(
    sentence: str, votes: tuple[Vote, ...], story: str, over: dict[str, Any], asks: bool
) -> None:
    assert bool(report(case(*votes, **over), story).recheck_slots) is asks, sentence


@pytest.mark.parametrize(
    ("sentence", "votes", "story", "drops"),
    [
        ("all up", (up(), up(), up()), "U", True),
        ("all down", (up(), down(), down()), "DD", True),
        ("regions differ", (up(), up(), down()), "U", False),
        ("the region is not settled itself", (up(), up(), up()), "D", False),
        ("a region is silent", (up(), up(), silent()), "U", True),
    ],
)
def test_pending_rechecks_are_dropped_when_the_regions_are_of_one_mind(
    sentence: str, votes: tuple[Vote, ...], story: str, drops: bool
) -> None:
    assert report(case(*votes, rechecks_pending=True), story).drop_rechecks is drops, sentence
    assert not report(case(*votes), story).drop_rechecks


@pytest.mark.parametrize(("alert_on", "again"), [("degraded", True), ("down", False)])
def test_an_outage_that_ends_slow_is_judged_again_where_slow_votes_alert(alert_on: str, again: bool) -> None:
    of = case(down(), verdict="down", alert_on=alert_on, open_incident=OpenIncident("down", ("a",)))

    decision = report(of, "SS")

    assert isinstance(decision.step, Resolves)
    assert decision.unfinished is again


def test_an_outage_that_ends_well_is_not_judged_again() -> None:
    of = case(down(), verdict="down", alert_on="degraded", open_incident=OpenIncident("down", ("a",)))

    assert not report(of, "UU").unfinished


@pytest.mark.parametrize(
    ("sentence", "ended_ago_ms", "first_due_in_ms"),
    [
        ("counted from the end of the check", 900, 1_100),
        ("never too late to tell the agents of", 5_000, 500),
        ("a clock that runs ahead does not put it off", -3_000, 2_000),
    ],
)
def test_what_a_result_spent_on_its_way_does_not_delay_the_re_checks(
    sentence: str, ended_ago_ms: int, first_due_in_ms: int
) -> None:
    bad = Seen(NOW - 1, 1, Outcome.DOWN, ended_ms=NOW - ended_ago_ms)
    decision = decide(case(up(), up(), up()), now_ms=NOW, region_id=1, seen=[bad])

    assert decision.recheck_slots[0] - NOW == first_due_in_ms, sentence
