"""The rules of chapter 3 over every judgement of a monitor, from each region's slots and what really happened to it."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from control_plane.domain.judging.case import Case, Decision
from control_plane.domain.judging.decide import LOOK_AGAIN_MS
from control_plane.domain.judging.incident import IncidentType, Joins, Opens, Resolves, Worsens
from control_plane.domain.judging.verdict import quorum, required
from tests.support.incident_life import HOUR, Monitor, Told
from tests.support.lives import Said, by_the_letter

CALM = BACK_OFF_AFTER = 600_000
LONGEST_WAIT = 36_000
"""What one upstream of two confirmations and a timeout of 10 s is waited for."""


class Facts(Struct, frozen=True):
    """What the slots prove at a judgement. `accusers`: what the regions say that freshly say down."""

    accusers: dict[int, Said]
    r: int
    down: bool
    well: bool
    slow: bool
    """Well, and slow votes call for an incident."""
    last_down: int


class Referee:
    """Remembers what matters, in its own way."""

    def __init__(self, monitor: Monitor) -> None:
        self.monitor = monitor
        self.hush: Literal["outage", "slow"] | None = None
        self.holds = False
        self.last_held_ms: int | None = None
        """The newest judgement under a hold, or that found it ended; None once up was proven, or an incident opened."""
        self.well_from_ms: int | None = None
        self.down_from_ms: int | None = None
        self.waits_from_ms: int | None = None
        self.last: Told | None = None
        self.seen: set[str] = set()

    def sees_resolved(self, type_: IncidentType) -> None:
        """A person resolved the open incident."""
        if self.monitor.verdict == "down":
            self.hush = "outage"
        elif self.monitor.verdict == "degraded" and type_ == "degraded":
            self.hush = "slow"

    def sees_reopened(self) -> None:
        """A person took that back."""
        self.hush = None

    def hears(self, told: Told | None) -> None:
        """Every judgement is told here; None for a batch that called for none."""
        if told is None:
            return
        before = self.last
        self.last, case, decision = told, told.case, told.decision
        facts = self._facts(case, decision)
        _transitions_chain(case, decision)
        self._remember(case, decision, facts)
        if decision.judgement.verdict == "unknown":
            assert decision.step is None
        match decision.step:
            case Opens():
                self._opens(case, decision.step, decision, facts)
            case Resolves():
                self._resolves(case, decision, facts)
            case Worsens() | Joins():
                assert case.open_incident is not None
                assert decision.judgement.verdict == "down"
            case None:
                self._stays(case, decision, facts)
        if case.hold is not None and case.hold.until_ms is not None:
            assert decision.due_ms is not None
            assert decision.due_ms <= max(case.hold.until_ms, decision.now_ms + LOOK_AGAIN_MS)
        self._backs_off(case, decision, facts)
        self.settled = before is not None and before.decision.circuit_turn == "settles"

    def hears_at_deadline(self, told: Told) -> None:
        """A judgement that only time called for changes something, or there is another instant to look."""
        if self.settled:
            return  # votes live by the shorter window since: looked at again in any case
        before, after = told.case, told.decision
        changes = bool(after.transitions or after.step or after.circuit_turn or after.held != before.held)
        assert changes or after.due_ms is not None

    def _facts(self, case: Case, decision: Decision) -> Facts:
        said = {r.number: by_the_letter(r.story, self.monitor.confirmations) for r in self.monitor.running}
        windows = {v.vote.region_id: v.vote.window_ms for v in case.votes}
        fresh = {
            number: one
            for number, one in said.items()
            if one.say is not None and one.earned and decision.now_ms < one.newest + windows[number]
        }
        n, r, q = len(said), required(case.policy, len(said)), quorum(case.policy, len(said))
        accusers = {number: one for number, one in fresh.items() if one.say == "down"}
        last_down = sum(one.say == "down" for one in said.values())
        down = n > 0 and len(accusers) >= r
        well = n > 0 and last_down < r and len(fresh) - len(accusers) >= q
        verdict, proven = decision.judgement.verdict, decision.judgement.proven
        assert (verdict == "down" and proven) == down
        assert (verdict in ("up", "degraded") and proven) == well
        slow = well and decision.judgement.by_degraded_votes and case.alert_on == "degraded"
        return Facts(accusers, r, down, well, slow, last_down)

    def _remember(self, case: Case, decision: Decision, facts: Facts) -> None:
        """What is so since when, and what an end of an outage forgets."""
        now_ms = decision.now_ms
        self.well_from_ms = (self.well_from_ms or now_ms) if facts.well else None
        if decision.transitions or decision.judgement.verdict != "down":
            self.down_from_ms = now_ms if decision.judgement.verdict == "down" else None
        if (
            (facts.well and not facts.slow)
            or (self.hush == "outage" and facts.well)
            or (self.hush == "slow" and facts.down)
        ):
            self.hush = None
        if case.hold is not None or self.holds:
            self.last_held_ms = now_ms
        if case.hold is None and facts.well and not facts.slow:
            self.last_held_ms = None
        self.holds = case.hold is not None
        self.waits_from_ms = (self.waits_from_ms or now_ms) if decision.waits_until_ms is not None else None

    def _renewed(self, facts: Facts) -> int:
        """How many regions have said down after the last hold, and said nothing else since."""
        after = -1 if self.last_held_ms is None else self.last_held_ms
        return sum(said.newest > after and (after < 0 or said.letter == "D") for said in facts.accusers.values())

    def _opens(self, case: Case, step: Opens, decision: Decision, facts: Facts) -> None:
        assert case.open_incident is None
        assert case.hold is None
        assert self.hush is None
        assert step.proof.started_at <= decision.now_ms
        assert (step.held_by is not None) == (self.last_held_ms is not None)
        recent = sum(at > decision.now_ms - HOUR for at in self.monitor.openings)
        self.seen.add(step.type if self.last_held_ms is None else f"{step.type} after a hold")
        if step.type == "degraded":
            assert facts.slow
        else:
            assert facts.down
            assert self._renewed(facts) >= facts.r
            assert {int(region[1:]) for region in step.proof.regions_down} == facts.accusers.keys()
            # This opening is among them: it was written down before it is told.
            assert (step.type == "flapping") == (recent >= 3)
            self._upstream_was_heard(case, decision)
        self.last_held_ms = None

    def _upstream_was_heard(self, case: Case, decision: Decision) -> None:
        upstream = case.upstreams[0] if case.upstreams else None
        if upstream is None:
            return
        assert upstream.verdict != "down"
        firsts = [r.vote.first_bad_slot for r in self.monitor.running if r.vote.vote == "down"]
        first_bad_ms = min(first for first in firsts if first is not None)
        if upstream.newest_slot < first_bad_ms or not upstream.settled:
            self.seen.add("opened after a wait")
            assert self.waits_from_ms is not None
            assert decision.now_ms >= self.waits_from_ms + LONGEST_WAIT

    def _resolves(self, case: Case, decision: Decision, facts: Facts) -> None:
        incident = case.open_incident
        assert incident is not None
        assert facts.well
        assert facts.last_down < facts.r
        assert not incident.held_open
        self.seen.add(f"resolved {incident.type}")
        if incident.type == "degraded":
            assert decision.judgement.verdict == "up" or not decision.judgement.by_degraded_votes
        if incident.type == "flapping":
            assert self.well_from_ms is not None
            assert decision.now_ms - self.well_from_ms >= CALM

    def _stays(self, case: Case, decision: Decision, facts: Facts) -> None:
        """Nothing changed: then nothing had to."""
        incident, now_ms = case.open_incident, decision.now_ms
        waits = decision.waits_until_ms is not None and now_ms < decision.waits_until_ms
        unrenewed = self._renewed(facts) < facts.r
        if incident is None and facts.down:
            assert case.hold is not None or self.hush is not None or waits or unrenewed
            self.seen.add("held" if case.hold else "hushed" if self.hush else "waits" if waits else "unrenewed")
            if case.hold is None and self.hush is None:
                assert decision.due_ms is not None
                assert decision.due_ms <= now_ms + LOOK_AGAIN_MS
        if incident is not None and facts.well and not incident.held_open:
            assert incident.type == "flapping" or (incident.type == "degraded" and decision.judgement.by_degraded_votes)
            if incident.type == "flapping":
                assert self.well_from_ms is not None
                assert now_ms < self.well_from_ms + CALM
                assert decision.due_ms is not None
                assert decision.due_ms <= max(self.well_from_ms + CALM, now_ms + LOOK_AGAIN_MS)

    def _backs_off(self, case: Case, decision: Decision, facts: Facts) -> None:
        if decision.circuit_turn == "opens":
            self.seen.add("backs off")
            assert case.circuit.wanted
            assert facts.down
            assert self.down_from_ms is not None
            assert decision.now_ms - self.down_from_ms >= BACK_OFF_AFTER
        if decision.circuit_turn is not None:
            self.seen.add(f"circuit {decision.circuit_turn}")
        if facts.well:
            assert self.monitor.backed_off_ms is None


def _transitions_chain(case: Case, decision: Decision) -> None:
    verdict, at_ms = case.verdict, case.since_ms
    for transition in decision.transitions:
        assert transition.previous == verdict != transition.verdict
        assert at_ms <= transition.at_ms <= decision.now_ms
        assert transition.reason
        verdict, at_ms = transition.verdict, transition.at_ms
    assert (verdict, at_ms) == (decision.judgement.verdict, decision.since_ms)
