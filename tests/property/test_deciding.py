"""Random lives of monitors: what decisions leave behind, beside what each region reported."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from control_plane.domain.judging.case import Case, Decision
from control_plane.domain.judging.decide import decide
from control_plane.domain.judging.incident import AlertOn, Joins, OpenIncident, Opens, RegionVote, Resolves, Worsens
from control_plane.domain.judging.verdict import Policy, quorum, required
from tests.support.lives import CONFIRMATIONS, POLICIES, Arrival, by_the_letter
from tests.support.votes import EMPTY, EVERY, NOW, WINDOW, seen

MONITOR = UUID("0193c5f0-7a3e-7d1a-9b4c-0123456789ab")


class Life:
    """A monitor as decisions leave it, beside what each region reported."""

    def __init__(self, *, policy: Policy, confirmations: int, n: int, alert_on: AlertOn = "down") -> None:
        votes = tuple(RegionVote("abcde"[i], replace(EMPTY, region_id=i)) for i in range(n))
        self.stories: list[list[Arrival]] = [[] for _ in range(n)]
        self.now_ms = NOW
        self.case = Case(
            tenant_id=MONITOR,
            monitor_id=MONITOR,
            verdict="unknown",
            since_ms=NOW,
            judged_at_ms=NOW,
            hushed=False,
            policy=policy,
            confirmations=confirmations,
            alert_on=alert_on,
            severity="major",
            fast_confirmation=True,
            votes=votes,
        )

    def report(self, region: int, letters: str) -> Decision:
        """The region reports these slots in one batch, two seconds apart, the last one just now."""
        slots = [self.now_ms - 2_000 * (len(letters) - 1 - i) for i in range(len(letters))]
        self.stories[region] += [Arrival(x, slot, self.now_ms) for x, slot in zip(letters, slots, strict=True)]
        batch = [seen(letter, slot) for letter, slot in zip(letters, slots, strict=True)]
        decision = self._keep(decide(self.case, now_ms=self.now_ms, region_id=region, seen=batch))
        if decision.unfinished:
            self.sweep()
        return decision

    def sweep(self) -> Decision:
        return self._keep(decide(self.case, now_ms=self.now_ms))

    def accusers(self) -> set[str]:
        """The regions that say down by the letter of the chapter, freshly."""
        return {
            "abcde"[i]
            for i, story in enumerate(self.stories)
            for said in [by_the_letter(story, self.case.confirmations)]
            if said.say == "down" and said.earned and self.now_ms < said.newest + WINDOW
        }

    def _keep(self, decision: Decision) -> Decision:
        case, own = self.case, decision.vote
        votes = tuple(replace(v, vote=own) if own and v.vote.region_id == own.region_id else v for v in case.votes)
        open_ = case.open_incident
        match decision.step:
            case Opens(type_, _, proof, _):
                open_ = OpenIncident(type_, proof.regions_down)
            case Worsens(_, proof):
                open_ = OpenIncident("down", proof.regions_down)
            case Joins(joined) if open_:
                open_ = OpenIncident(open_.type, (*open_.regions_down, *joined))
            case Resolves():
                open_ = None
        self.case = replace(
            case,
            votes=votes,
            verdict=decision.judgement.verdict,
            since_ms=decision.since_ms,
            judged_at_ms=decision.now_ms,
            hushed=decision.hushed,
            open_incident=open_,
        )
        return decision


EVENTS = st.lists(
    st.tuples(
        st.sampled_from([1_000, 2_000, 20_000, EVERY, WINDOW - 1, WINDOW + 1]),
        st.one_of(st.none(), st.tuples(st.integers(0, 4), st.text("USDE", min_size=1, max_size=4))),
    ),
    min_size=3,
    max_size=40,
)


@settings(max_examples=300)
@given(
    policy=st.sampled_from(POLICIES),
    confirmations=st.integers(1, 3),
    n=st.integers(1, 5),
    alert_on=st.sampled_from(["down", "degraded"]),
    events=EVENTS,
)
def test_lives_of_monitors_keep_the_invariants(
    policy: Policy, confirmations: int, n: int, alert_on: AlertOn, events: list[tuple[int, tuple[int, str] | None]]
) -> None:
    life = Life(policy=policy, confirmations=confirmations, n=n, alert_on=alert_on)
    for wait, reported in events:
        life.now_ms += wait
        before = life.case
        decision = life.report(reported[0] % n, reported[1]) if reported else life.sweep()
        _transitions_chain(before, decision)
        _incident_is_the_level(before, decision, life)


def _transitions_chain(before: Case, decision: Decision) -> None:
    verdict, at_ms = before.verdict, before.since_ms
    for transition in decision.transitions:
        assert transition.previous == verdict != transition.verdict
        assert at_ms <= transition.at_ms <= decision.now_ms
        assert transition.reason
        verdict, at_ms = transition.verdict, transition.at_ms
    assert verdict == decision.judgement.verdict
    assert decision.since_ms == at_ms


def _incident_is_the_level(before: Case, decision: Decision, life: Life) -> None:
    judgement, step = decision.judgement, decision.step
    if isinstance(step, Opens):
        assert before.open_incident is None
        assert step.type == "degraded" or set(step.proof.regions_down) == life.accusers()
        needed = required if step.type == "down" else quorum
        assert len(step.proof.regions_down) >= needed(before.policy, len(before.votes))
        assert step.proof.started_at <= decision.now_ms
        assert {e["region"] for e in step.proof.evidence} == {v.region for v in before.votes}
    if isinstance(step, Resolves):
        assert before.open_incident is not None
        assert judgement.proven
    if judgement.proven:
        slow = judgement.by_degraded_votes and before.alert_on == "degraded"
        kind = "down" if judgement.verdict == "down" else "degraded" if slow else None
        assert (life.case.open_incident and life.case.open_incident.type) == kind
    else:
        assert (life.case.open_incident is None) == (before.open_incident is None)


@given(
    policy=st.sampled_from(POLICIES),
    stories=st.lists(st.text("USDE", min_size=1, max_size=5), min_size=1, max_size=4),
    data=st.data(),
)
def test_it_does_not_matter_which_region_reports_first_once_all_are_fresh(
    policy: Policy, stories: list[str], data: st.DataObject
) -> None:
    order = data.draw(st.permutations(range(len(stories))))
    ends = []
    for regions in (list(range(len(stories))), order):
        life = Life(policy=policy, confirmations=2, n=len(stories))
        for region in regions:
            life.report(region, stories[region])
        ends.append(life.case)

    straight, shuffled = ends
    assert straight.votes == shuffled.votes
    if all(v.vote.fresh(NOW) for v in straight.votes):
        assert straight.verdict == shuffled.verdict
        assert straight.open_incident is None or shuffled.open_incident is not None


@given(confirmations=CONFIRMATIONS, letters=st.text("USDE", min_size=2, max_size=8), data=st.data())
def test_a_batch_cut_in_pieces_makes_the_same_vote(confirmations: int, letters: str, data: st.DataObject) -> None:
    cut = data.draw(st.integers(1, len(letters) - 1))
    whole, pieces = (Life(policy=Policy("any"), confirmations=confirmations, n=1) for _ in range(2))
    batch = [seen(letter, NOW - 2_000 * (len(letters) - 1 - i)) for i, letter in enumerate(letters)]

    one = decide(whole.case, now_ms=NOW, region_id=0, seen=batch).vote
    first = decide(pieces.case, now_ms=NOW, region_id=0, seen=batch[:cut]).vote or pieces.case.votes[0].vote
    rest = replace(pieces.case, votes=(RegionVote("a", first),))
    second = decide(rest, now_ms=NOW, region_id=0, seen=batch[cut:]).vote or first

    assert (one or EMPTY_AT_0) == second


EMPTY_AT_0 = replace(EMPTY, region_id=0)


@pytest.mark.parametrize("times", [2, 3])
def test_sent_again_a_batch_changes_nothing(times: int) -> None:
    life = Life(policy=Policy("any"), confirmations=2, n=2)
    life.report(0, "UDD")
    votes = life.case.votes
    for _ in range(times - 1):
        decision = life.report(0, "UDD")
        assert (decision.vote, decision.transitions, decision.step) == (None, (), None)
    assert life.case.votes == votes
