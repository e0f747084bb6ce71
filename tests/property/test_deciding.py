"""The algebra of verdicts over every vote state, and random lives of monitors against a naive reading of chapter 3."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations_with_replacement
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from control_plane.domain.decide import Case, Decision, decide
from control_plane.domain.incident import Joins, OpenIncident, Opens, RegionVote, Resolves
from control_plane.domain.verdict import Policy, PolicyName, Tally, VerdictName, judge, quorum, required, tally
from control_plane.domain.votes import Say, Vote, count
from shared.results import OUTCOMES
from tests.support.votes import EMPTY, EVERY, LETTERS, NOW, WINDOW, down, seen, silent, up

MONITOR = UUID("0193c5f0-7a3e-7d1a-9b4c-0123456789ab")
NAMES: tuple[PolicyName, ...] = ("any", "majority", "all")
POLICIES = [*(Policy(name) for name in NAMES), *(Policy("count", k) for k in range(1, 6))]
VERDICTS: tuple[VerdictName, ...] = ("up", "degraded", "down", "unknown")
STATES = [
    silent(),
    up(),
    up(degraded=True),
    up(fresh=False),
    up(fresh=False, degraded=True),
    down(),
    down(fresh=False),
]


def every_state(*, most: int = 5) -> Iterator[tuple[Tally, Policy, VerdictName]]:
    """All states of up to `most` regions, under every policy and verdict in force."""
    for n in range(most + 1):
        for votes in combinations_with_replacement(STATES, n):
            counts = tally(votes, assigned=n, now_ms=NOW)
            yield from ((counts, policy, current) for policy in POLICIES for current in VERDICTS)


def test_up_and_down_are_never_both_proven() -> None:
    for counts, policy, _ in every_state():
        n = counts.assigned
        is_down = n > 0 and counts.fresh_down >= required(policy, n)
        is_up = n > 0 and counts.last_down < required(policy, n) and counts.fresh_up >= quorum(policy, n)
        assert not (is_down and is_up)


def test_what_is_proven_does_not_depend_on_the_verdict_in_force() -> None:
    for counts, policy, current in every_state():
        judgement = judge(counts, policy=policy, current=current)
        if judgement.proven:
            assert {judge(counts, policy=policy, current=other) for other in VERDICTS} == {judgement}


def test_judging_twice_changes_nothing() -> None:
    for counts, policy, current in every_state():
        once = judge(counts, policy=policy, current=current)
        assert judge(counts, policy=policy, current=once.verdict).verdict == once.verdict


def test_a_verdict_rests_on_fresh_votes() -> None:
    for counts, policy, current in every_state():
        match judge(counts, policy=policy, current=current).verdict:
            case "up":
                assert counts.fresh_up > 0
            case "degraded":
                assert counts.fresh_up > 0
            case "down":
                assert counts.fresh_down > 0
            case "unknown":
                pass
        if counts.fresh_up + counts.fresh_down == 0:
            assert judge(counts, policy=policy, current=current).verdict == "unknown"


def test_a_change_to_down_needs_as_many_fresh_down_votes_as_the_policy_says() -> None:
    for counts, policy, current in every_state():
        judgement = judge(counts, policy=policy, current=current)
        if judgement.verdict == "down" and (judgement.proven or current != "down"):
            assert counts.fresh_down >= required(policy, counts.assigned) > 0


def test_up_is_proven_only_where_too_few_last_votes_say_down() -> None:
    for counts, policy, current in every_state():
        judgement = judge(counts, policy=policy, current=current)
        if judgement.proven and judgement.verdict != "down":
            assert counts.last_down < required(policy, counts.assigned)
            assert counts.fresh_up >= quorum(policy, counts.assigned)


def test_full_fresh_coverage_always_proves_something() -> None:
    for counts, policy, current in every_state():
        if counts.assigned and counts.fresh_up + counts.fresh_down == counts.assigned:
            judgement = judge(counts, policy=policy, current=current)
            assert judgement.proven
            assert (judgement.verdict == "down") == (counts.fresh_down >= required(policy, counts.assigned))


def test_a_region_that_falls_silent_proves_nothing_new() -> None:
    for n in range(1, 5):
        for votes in combinations_with_replacement(STATES, n):
            for policy in POLICIES:
                for i, vote in enumerate(votes):
                    _silence(votes, i, vote, policy)


def _silence(votes: Sequence[Vote], i: int, vote: Vote, policy: Policy) -> None:
    before = tally(votes, assigned=len(votes), now_ms=NOW)
    gone = [*votes[:i], replace(vote, newest_slot=NOW - WINDOW), *votes[i + 1 :]]
    after_ = tally(gone, assigned=len(votes), now_ms=NOW)
    for current in VERDICTS:
        was = judge(before, policy=policy, current=current).verdict
        if judge(after_, policy=policy, current=was).verdict == "down":
            assert was == "down"


# ------------------------------------------------------------------------------------------------- random sequences


class Arrival(Struct, frozen=True):
    """One slot of a region and when it reached us."""

    letter: str
    slot: int
    now_ms: int


LETTER = st.sampled_from("UUSDDE")
GAP = st.sampled_from([EVERY, EVERY, EVERY, 2_000, 0, -EVERY, WINDOW - 1, WINDOW + 1, 5 * WINDOW])
DELAY = st.sampled_from([0, 0, 0, 0, 1_000, EVERY, WINDOW - 1, WINDOW])
STEPS = st.lists(st.tuples(LETTER, GAP, DELAY), max_size=30)
CONFIRMATIONS = st.integers(1, 4)


def arrivals(steps: Sequence[tuple[str, int, int]], *, start: int = NOW) -> list[Arrival]:
    slot = now_ms = start
    found = []
    for letter, gap, delay in steps:
        slot += gap
        now_ms = max(now_ms, slot + delay)
        found.append(Arrival(letter, slot, now_ms))
    return found


def counted(story: Sequence[Arrival], confirmations: int, vote: Vote = EMPTY) -> Vote:
    for each in story:
        vote = count(vote, seen(each.letter, each.slot), confirmations=confirmations, now_ms=each.now_ms)
    return vote


class Said(Struct, frozen=True):
    """What a region says by the letter of the chapter; `earned`: since its latest expiry."""

    say: Say | None
    earned: bool
    newest: int


def by_the_letter(story: Sequence[Arrival], confirmations: int) -> Said:
    """The chapter read naively, on lists: no counters, one look back at the last slots after each new one."""
    said = Said(None, True, 0)
    since_expiry: list[str] = []
    for each in story:
        if each.letter == "E" or each.slot <= said.newest:
            continue
        expires = said.newest + WINDOW
        if said.newest and (each.slot > expires or each.now_ms >= expires):
            since_expiry, said = [], Said(said.say, said.say is None, said.newest)
        since_expiry.append(each.letter)
        said = _said(said, since_expiry, confirmations, each.slot)
    return said


def _said(said: Said, since_expiry: Sequence[str], confirmations: int, slot: int) -> Said:
    last = since_expiry[-confirmations:]
    enough = len(last) == confirmations
    if enough and all(letter == "D" for letter in last):
        return Said("down", True, slot)
    good = last[-1] != "D"
    if good and (said.say in ("up", None) or (enough and all(letter != "D" for letter in last))):
        return Said("up", True, slot)
    return Said(said.say, said.earned, slot)


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


# ------------------------------------------------------------------------------------------- random lives of monitors


class Life:
    """A monitor as decisions leave it, beside what each region reported."""

    def __init__(self, *, policy: Policy, confirmations: int, n: int) -> None:
        votes = tuple(RegionVote("abcde"[i], replace(EMPTY, region_id=i)) for i in range(n))
        self.stories: list[list[Arrival]] = [[] for _ in range(n)]
        self.now_ms = NOW
        self.case = Case(
            tenant_id=MONITOR,
            monitor_id=MONITOR,
            verdict="unknown",
            reason="",
            since_ms=NOW,
            judged_at_ms=NOW,
            tally=Tally(),
            hushed=False,
            policy=policy,
            confirmations=confirmations,
            alert_on="down",
            severity="major",
            fast_confirmation=True,
            votes=votes,
        )

    def report(self, region: int, letters: str) -> Decision:
        """The region reports these slots in one batch, two seconds apart, the last one just now."""
        slots = [self.now_ms - 2_000 * (len(letters) - 1 - i) for i in range(len(letters))]
        self.stories[region] += [Arrival(x, slot, self.now_ms) for x, slot in zip(letters, slots, strict=True)]
        batch = [seen(letter, slot) for letter, slot in zip(letters, slots, strict=True)]
        return self._keep(decide(self.case, now_ms=self.now_ms, region_id=region, seen=batch))

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
            case Opens(type_, _, proof):
                open_ = OpenIncident(type_, proof.regions_down)
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
@given(policy=st.sampled_from(POLICIES), confirmations=st.integers(1, 3), n=st.integers(1, 5), events=EVENTS)
def test_lives_of_monitors_keep_the_invariants(
    policy: Policy, confirmations: int, n: int, events: list[tuple[int, tuple[int, str] | None]]
) -> None:
    life = Life(policy=policy, confirmations=confirmations, n=n)
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
        assert set(step.proof.regions_down) == life.accusers()
        assert len(step.proof.regions_down) >= required(before.policy, len(before.votes))
        assert step.proof.started_at <= decision.now_ms
        assert {e["region"] for e in step.proof.evidence} == {v.region for v in before.votes}
    if isinstance(step, Resolves):
        assert before.open_incident is not None
        assert judgement.proven
    if judgement.proven:
        assert (life.case.open_incident is not None) == (judgement.verdict == "down")
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
