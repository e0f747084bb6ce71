"""What keeps an incident from opening or resolving: holds, upstreams, a hush, flapping. A whole judgement each."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from control_plane.domain.judging.case import Asked, Case, Decision
from control_plane.domain.judging.decide import LOOK_AGAIN_MS, RECHECK_EVERY_MS, RECHECK_NOTICE_MS, decide
from control_plane.domain.judging.hold import LONGEST_WAIT_MS, Held, Hold, Upstream
from control_plane.domain.judging.incident import CALM_MS, Joins, OpenIncident, Opens, Resolves, Worsens
from control_plane.domain.judging.verdict import Policy
from control_plane.domain.judging.votes import Vote
from tests.support.votes import EVERY, NOW, down, regions, up

MONITOR = UUID(int=1)
UPSTREAM = UUID(int=2)
WINDOW = Hold("Maintenance “database”", NOW + 600_000)


def case(*votes: Vote, **over: Any) -> Case:
    plain = Case(
        tenant_id=MONITOR,
        monitor_id=MONITOR,
        verdict="up",
        since_ms=NOW - 1000 * EVERY,
        judged_at_ms=NOW - EVERY,
        hushed=False,
        policy=Policy("majority"),
        confirmations=2,
        alert_on="down",
        severity="major",
        fast_confirmation=True,
        votes=regions(*votes),
    )
    return replace(plain, **over)


def outage(**over: Any) -> Case:
    return case(up(), down(), down(), **over)


def judged(of: Case, *, at: int = NOW) -> Decision:
    return decide(of, now_ms=at)


def upstream(**over: Any) -> Upstream:
    plain = Upstream(
        monitor_id=UPSTREAM,
        name="gateway",
        verdict="up",
        newest_slot=NOW,
        settled=True,
        confirmations=2,
        timeout_ms=10_000,
    )
    return replace(plain, **over)


# ---------------------------------------------------------------------------------------------------------- holds


def test_an_outage_in_a_window_is_a_verdict_and_opens_nothing() -> None:
    decision = judged(outage(hold=WINDOW))

    assert decision.judgement.verdict == "down"
    assert decision.step is None
    assert decision.held == Held(NOW, WINDOW.words)
    assert decision.due_ms == WINDOW.until_ms


def test_a_hold_remembers_since_when_it_holds() -> None:
    assert judged(outage(hold=WINDOW, held=Held(NOW - 5000, "another"))).held == Held(NOW - 5000, WINDOW.words)


def test_the_end_of_a_hold_asks_for_rechecks_and_takes_no_older_vote_over() -> None:
    decision = judged(outage(verdict="down", held=Held(NOW - 60_000, "Maintenance")))

    assert decision.step is None
    assert decision.held == Held(None, "Maintenance", NOW)
    assert len(decision.recheck_slots) == 4
    assert decision.due_ms == NOW + LOOK_AGAIN_MS


def test_the_rechecks_after_a_hold_outlive_a_judgement_before_they_are_due() -> None:
    old = replace(down(), newest_slot=NOW - 11_000)
    waiting = case(old, old, old, verdict="down", held=Held(None, "x", NOW - 10_000), rechecks_pending=True)
    opened = replace(waiting, held=Held(), open_incident=OpenIncident("down", ("a", "b", "c")))

    assert not judged(waiting).drop_rechecks
    assert judged(opened).drop_rechecks


@pytest.mark.parametrize(
    ("sentence", "newer", "opens"),
    [
        ("no region has looked again", (), False),
        ("one of two has", (1,), False),
        ("both have, and it is still down", (1, 2), True),
    ],
)
def test_after_a_hold_only_votes_renewed_by_a_down_slot_count(
    sentence: str, newer: tuple[int, ...], opens: bool
) -> None:
    ended = NOW - 10_000
    votes = [up(), *(replace(down(), newest_slot=NOW - 1000 if i in newer else ended - 1) for i in (1, 2))]

    decision = judged(case(*votes, verdict="down", held=Held(None, "Maintenance “database”", ended)))

    assert isinstance(decision.step, Opens) is opens, sentence
    if isinstance(decision.step, Opens):
        assert decision.step.held_by == "Maintenance “database”"
        assert decision.held == Held()


def test_a_vote_whose_newest_slot_was_good_does_not_count_after_a_hold() -> None:
    ended = NOW - 10_000
    recovering = replace(down(), newest_slot=NOW - 1000, bad_run=0, good_run=1)

    assert judged(case(up(), recovering, recovering, verdict="down", held=Held(None, "x", ended))).step is None


def test_proven_up_forgets_the_hold() -> None:
    assert judged(case(up(), up(), up(), held=Held(NOW - 1, "x"))).held == Held()
    assert judged(case(up(), up(), up(), held=Held(None, "x", NOW - 1))).held == Held()


def test_slow_votes_from_under_a_hold_alert_when_they_are_renewed() -> None:
    slow = up(degraded=True)
    old = case(slow, slow, slow, verdict="degraded", alert_on="degraded", held=Held(None, "x", NOW - 1000))
    newer = replace(old, votes=regions(*(replace(slow, newest_slot=NOW),) * 3))

    assert judged(old).step is None
    assert isinstance(judged(newer).step, Opens)


def test_a_hold_that_begins_while_an_incident_is_open_changes_nothing_about_it() -> None:
    open_ = OpenIncident("degraded", ("b",))
    assert isinstance(judged(outage(hold=WINDOW, open_incident=open_)).step, Worsens)
    up_again = case(up(), up(), up(), verdict="down", hold=WINDOW, open_incident=OpenIncident("down", ("b",)))
    assert isinstance(judged(up_again).step, Resolves)


# ------------------------------------------------------------------------------------------------------ upstreams


def test_before_an_incident_opens_an_upstream_that_has_not_spoken_since_is_asked() -> None:
    decision = judged(outage(upstreams=(upstream(newest_slot=NOW - 10 * EVERY),)))

    assert decision.step is None
    dues = tuple(NOW + RECHECK_NOTICE_MS + RECHECK_EVERY_MS * i for i in range(4))
    assert decision.asked_upstreams == (Asked(UPSTREAM, dues),)
    assert decision.waits_until_ms == NOW + (RECHECK_EVERY_MS + 10_000) * 3
    assert decision.due_ms == NOW + LOOK_AGAIN_MS


def test_it_is_asked_once() -> None:
    waiting = outage(upstreams=(upstream(newest_slot=NOW - 10 * EVERY),), waits_until_ms=NOW + 5000)

    decision = judged(waiting)

    assert (decision.step, decision.asked_upstreams, decision.waits_until_ms) == (None, (), NOW + 5000)


def test_an_upstream_that_is_not_of_one_mind_is_waited_for() -> None:
    assert judged(outage(upstreams=(upstream(settled=False),))).step is None


@pytest.mark.parametrize(
    ("sentence", "over"),
    [
        ("every upstream has said since that it is up", {"upstreams": (upstream(),)}),
        ("the wait is over", {"upstreams": (upstream(newest_slot=0),), "waits_until_ms": NOW}),
        ("the upstream is one that nobody can ask", {"upstreams": (upstream(newest_slot=0, runs=False),)}),
    ],
)
def test_then_the_incident_opens(sentence: str, over: dict[str, Any]) -> None:
    decision = judged(outage(**over))

    assert isinstance(decision.step, Opens), sentence
    assert decision.asked_upstreams == ()


def test_a_wait_has_a_bound() -> None:
    slow = upstream(newest_slot=0, timeout_ms=60_000, confirmations=10)
    assert judged(outage(upstreams=(slow,))).waits_until_ms == NOW + LONGEST_WAIT_MS


def test_a_wait_is_forgotten_when_it_is_up_again() -> None:
    well = case(up(), up(), up(), verdict="down", upstreams=(upstream(newest_slot=0),), waits_until_ms=NOW + 1)
    assert judged(well).waits_until_ms is None


def test_an_opening_that_no_longer_waits_is_not_looked_at_again() -> None:
    decision = judged(outage(waits_until_ms=NOW + 30_000))

    assert isinstance(decision.step, Opens)
    assert decision.due_ms is None


# ---------------------------------------------------------------------------------------------------------- hushes

SLOW = up(degraded=True)


@pytest.mark.parametrize(
    ("sentence", "of_slow_votes", "votes", "opens", "hushed"),
    [
        ("an outage resolved by a person, still down", False, (up(), down(), down()), None, True),
        ("it is up again", False, (up(), up(), up()), None, False),
        ("it is up again, and slow", False, (SLOW, SLOW, SLOW), "degraded", False),
        ("slow votes resolved by a person, still slow", True, (SLOW, SLOW, SLOW), None, True),
        ("they are slow no more", True, (up(), up(), up()), None, False),
        ("slow has become an outage", True, (up(), down(), down()), "down", False),
        ("nothing is known of it", True, (up(fresh=False),) * 3, None, True),
    ],
)
def test_what_a_person_resolved_opens_no_more_and_nothing_else_is_hushed(
    sentence: str, of_slow_votes: bool, votes: tuple[Vote, ...], opens: str | None, hushed: bool
) -> None:
    decision = judged(case(*votes, alert_on="degraded", hushed=True, hushed_slow=of_slow_votes))

    assert (decision.step.type if isinstance(decision.step, Opens) else None) == opens, sentence
    assert decision.hushed is hushed, sentence


def test_a_hush_of_slow_votes_ends_when_they_alert_no_more() -> None:
    assert not judged(case(SLOW, SLOW, SLOW, hushed=True, hushed_slow=True)).hushed


# ------------------------------------------------------------------------------------------------------- flapping


@pytest.mark.parametrize(("openings", "type_"), [(0, "down"), (1, "down"), (2, "flapping"), (7, "flapping")])
def test_the_third_opening_within_an_hour_is_of_type_flapping(openings: int, type_: str) -> None:
    step = judged(outage(recent_openings=openings)).step
    assert isinstance(step, Opens)
    assert (step.type, step.severity) == (type_, "major")


@pytest.mark.parametrize(
    ("sentence", "well_since", "resolves"),
    [
        ("it has only just come up", None, False),
        ("up for nearly ten minutes", NOW - CALM_MS + 1, False),
        ("up for ten minutes", NOW - CALM_MS, True),
    ],
)
def test_a_flapping_incident_resolves_after_ten_minutes_of_proven_up(
    sentence: str, well_since: int | None, resolves: bool
) -> None:
    open_ = OpenIncident("flapping", ("b", "c"))
    decision = judged(case(up(), up(), up(), verdict="down", open_incident=open_, well_since_ms=well_since))

    assert isinstance(decision.step, Resolves) is resolves, sentence
    assert decision.due_ms == (
        None if resolves else (well_since or NOW) + CALM_MS if well_since != NOW - CALM_MS + 1 else NOW + LOOK_AGAIN_MS
    )


def test_down_in_between_begins_the_ten_minutes_anew() -> None:
    flapping = OpenIncident("flapping", ("b", "c"))
    decision = judged(outage(open_incident=flapping, well_since_ms=NOW - CALM_MS))
    assert (decision.step, decision.well_since_ms) == (None, None)


def test_up_that_is_not_proven_is_not_calm() -> None:
    kept = case(up(), down(fresh=False), down(fresh=False), verdict="up", well_since_ms=NOW - CALM_MS)
    assert judged(kept).well_since_ms is None


def test_slow_votes_never_make_a_flapping_incident() -> None:
    slow = up(degraded=True)
    step = judged(case(slow, slow, slow, alert_on="degraded", recent_openings=5)).step
    assert isinstance(step, Opens)
    assert step.type == "degraded"


# ------------------------------------------------------------------------------------------------ reopened by hand


def test_what_a_person_reopened_is_not_resolved_by_the_next_judgement() -> None:
    held_open = OpenIncident("down", ("b",), held_open=True)
    assert judged(case(up(), up(), up(), open_incident=held_open)).step is None


def test_it_is_a_level_again_once_down_was_proven_again() -> None:
    held_open = OpenIncident("down", ("b", "c"), held_open=True)
    assert judged(outage(open_incident=held_open)).step == Joins(())
