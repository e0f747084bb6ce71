"""The life of a monitor's incidents, as a machine: whatever comes in whatever order, the rules of chapter 3 hold.

`Monitor` writes decisions down as the store does. `Referee` is told of every judgement and of what people did, reads
each region's slots by the letter, and knows nothing of how the engine remembers things.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec.structs import replace

from control_plane.domain.judging.decide import LOOK_AGAIN_MS, decide
from control_plane.domain.judging.hold import Hold, Upstream
from control_plane.domain.judging.incident import AlertOn
from control_plane.domain.judging.incident_rules import held_open, hushes
from control_plane.domain.judging.verdict import Policy, VerdictName
from control_plane.domain.uptime.availability import History, durations
from tests.support.incident_life import GATEWAY, TIMEOUT, USUAL, Monitor, Region
from tests.support.incident_referee import Referee
from tests.support.lives import POLICIES
from tests.support.votes import EVERY, NOW

LIVES = int(os.environ.get("TEST_FARWATCH_INCIDENT_LIVES", "150"))
MINUTES = 60_000
LETTERS = st.text("UUSDDDE", min_size=1, max_size=4)
REGION = st.integers(0, 4)
WAITS = st.sampled_from(
    [1, 1_000, 2_000, 20_000, EVERY, USUAL - 1, USUAL, USUAL + 1, 10 * MINUTES - 1, 10 * MINUTES, 30 * MINUTES]
)


class IncidentLife(RuleBasedStateMachine):
    """One monitor, up to five regions."""

    @initialize(
        n=st.integers(1, 5),
        policy=st.sampled_from(POLICIES),
        confirmations=st.integers(1, 3),
        alert_on=st.sampled_from(["down", "down", "degraded"]),
    )
    def begins(self, n: int, policy: Policy, confirmations: int, alert_on: AlertOn) -> None:
        self.monitor = Monitor(regions=n, policy=policy, confirmations=confirmations, alert_on=alert_on)
        self.referee = Referee(self.monitor)
        self.judge()

    # -------------------------------------------------------------------------------------------------- slots

    @rule(
        region=REGION, letters=LETTERS, apart=st.sampled_from([1, 2_000, EVERY]), waits=st.sampled_from([0, 1, 2_000])
    )
    def a_region_reports(self, region: int, letters: str, apart: int, waits: int) -> None:
        self.monitor.now_ms += waits
        last = len(letters) - 1
        self.reports(region, [(x, self.monitor.now_ms - apart * (last - i)) for i, x in enumerate(letters)])

    @rule(regions=st.sets(REGION, min_size=1), letter=st.sampled_from("UUSDD"), times=st.integers(1, 3))
    def regions_agree(self, regions: set[int], letter: str, times: int) -> None:
        for _ in range(times):
            self.monitor.now_ms += 2_000
            for region in sorted(regions):
                self.reports(region, [(letter, self.monitor.now_ms)])

    @rule(letter=st.sampled_from("USSDD"))
    def all_regions_prove_it(self, letter: str) -> None:
        self.regions_agree({0, 1, 2, 3, 4}, letter, self.monitor.confirmations)

    @rule(times=st.integers(2, 4))
    def it_goes_up_and_down(self, times: int) -> None:
        for _ in range(times):
            self.all_regions_prove_it("D")
            self.all_regions_prove_it("U")

    @rule(letter=st.sampled_from("UD"), minutes=st.integers(1, 12))
    def all_regions_go_on(self, letter: str, minutes: int) -> None:
        for _ in range(minutes):
            self.time_passes(EVERY)
            for region in range(len(self.monitor.running)):
                self.reports(region, [(letter, self.monitor.now_ms)])

    @rule(region=REGION, letter=st.sampled_from("USDE"), late_ms=st.sampled_from([0, 1, EVERY]))
    def a_slot_is_late_or_comes_twice(self, region: int, letter: str, late_ms: int) -> None:
        if self.monitor.running:
            newest = self.at(region).vote.newest_slot
            before = self.at(region).vote
            self.reports(region, [(letter, newest - late_ms)])
            assert self.at(region).vote == before

    @rule(region=REGION, letters=LETTERS, shuffled=st.permutations(range(4)))
    def slots_come_out_of_order(self, region: int, letters: str, shuffled: list[int]) -> None:
        slots = [self.monitor.now_ms - 2_000 * back for back in shuffled]
        for letter, slot in zip(letters, slots, strict=False):
            self.reports(region, [(letter, slot)])

    @rule(region=REGION, letter=st.sampled_from("UD"), other=st.sampled_from([-1, 1]))
    def a_slot_of_another_check_version_comes(self, region: int, letter: str, other: int) -> None:
        if self.monitor.running:
            before = self.at(region).vote
            told = self.monitor.report(
                self.at(region).number, [(letter, self.monitor.now_ms, self.monitor.version + other)]
            )
            self.referee.hears(told)
            assert self.at(region).vote == before
            self.finishes()

    # --------------------------------------------------------------------------------------------------- time

    @rule(by=WAITS)
    def time_passes(self, by: int) -> None:
        """Deadlines are judged when they come; one that is armed again and again is left for later, as a late job."""
        until = self.monitor.now_ms + by
        for _ in range(6):
            due = self.monitor.due_ms
            if due is None or due > until:
                break
            self.monitor.now_ms = max(self.monitor.now_ms, due)
            self.judge_at_deadline()
        self.monitor.now_ms = until

    @rule()
    def it_is_judged(self) -> None:
        self.judge()

    # ---------------------------------------------------------------------------------------------- configuration

    @rule(policy=st.sampled_from(POLICIES), confirmations=st.integers(1, 3))
    def policy_and_confirmations_change(self, policy: Policy, confirmations: int) -> None:
        self.monitor.policy, self.monitor.confirmations = policy, confirmations
        self.judge()

    @rule(alert_on=st.sampled_from(["down", "degraded"]))
    def what_alerts_changes(self, alert_on: AlertOn) -> None:
        self.monitor.alert_on = alert_on
        self.judge()

    @rule(wanted=st.booleans())
    def back_off_is_chosen(self, wanted: bool) -> None:
        self.monitor.backoff = wanted
        self.judge()

    @precondition(lambda self: len(self.monitor.regions) > 1)
    @rule(region=REGION, deleted=st.booleans())
    def a_region_is_taken_out(self, region: int, deleted: bool) -> None:
        """Out of the monitor, which is another check version; or it is gone for all monitors, which is none."""
        gone = self.monitor.regions[region % len(self.monitor.regions)]
        rest = [r for r in self.monitor.regions if r is not gone]
        if deleted:
            self.monitor.regions = rest
        else:
            self.monitor.new_version([r.number for r in rest])
        self.judge()

    @precondition(lambda self: len(self.monitor.regions) < 5)
    @rule()
    def a_region_joins(self) -> None:
        self.monitor.last_number += 1
        self.monitor.new_version([*(r.number for r in self.monitor.regions), self.monitor.last_number])
        self.judge()

    @rule()
    def it_is_paused_or_resumed(self) -> None:
        if self.monitor.enabled:
            self.monitor.enabled = False
            self.monitor.resolve_quietly()
        else:
            self.monitor.enabled = True
            self.monitor.new_version([r.number for r in self.monitor.regions])
        self.judge()

    # ------------------------------------------------------------------------------------------ holds, upstreams

    @rule(lasts=st.sampled_from([None, 5_000, 5 * MINUTES, 60 * MINUTES]))
    def maintenance_begins(self, lasts: int | None) -> None:
        until = None if lasts is None else self.monitor.now_ms + lasts
        self.monitor.hold = Hold("Maintenance", until)
        self.judge()

    @precondition(lambda self: self.monitor.hold is not None)
    @rule()
    def maintenance_ends(self) -> None:
        self.monitor.hold = None
        self.judge()

    @rule(verdict=st.sampled_from(["up", "up", "down", "unknown"]), ago=st.sampled_from([0, EVERY, 60 * MINUTES]),
          settled=st.booleans(), at_once=st.booleans())  # fmt: skip
    def its_upstream_says(self, verdict: VerdictName, ago: int, settled: bool, at_once: bool) -> None:
        self.monitor.upstream = Upstream(
            monitor_id=GATEWAY,
            name="gateway",
            verdict=verdict,
            newest_slot=self.monitor.now_ms - ago,
            settled=settled,
            confirmations=2,
            timeout_ms=TIMEOUT,
        )
        if at_once:
            self.judge()

    @precondition(lambda self: self.monitor.upstream is not None)
    @rule()
    def it_depends_on_nothing_any_more(self) -> None:
        self.monitor.upstream = None
        self.judge()

    # ----------------------------------------------------------------------------------------------------- people

    @precondition(lambda self: self.monitor.incident is not None)
    @rule()
    def a_person_resolves(self) -> None:
        incident = self.monitor.incident
        assert incident is not None
        self.monitor.resolve_by_hand(hushes=hushes(type_=incident.type, verdict=self.monitor.verdict))
        self.referee.sees_resolved(incident.type)
        self.judge()

    @precondition(lambda self: self.monitor.incident is None and self.monitor.last_incident and self.monitor.enabled)
    @rule()
    def a_person_reopens(self) -> None:
        last = self.monitor.last_incident
        assert last is not None
        held = held_open(type_=last.type, verdict=self.monitor.verdict)
        self.monitor.incident = replace(last, held_open=held)
        if not held:
            self.monitor.hushed = False
            self.referee.sees_reopened()
        self.judge()

    # ----------------------------------------------------------------------------------------------- what holds

    @invariant()
    def judging_again_changes_nothing(self) -> None:
        if not hasattr(self, "monitor"):
            return
        case, last = self.monitor.case(), self.referee.last
        again = decide(case, now_ms=self.monitor.now_ms)
        same = last and (last.case.upstreams, last.decision.now_ms) == (case.upstreams, self.monitor.now_ms)
        if same and not self.monitor.moved:
            assert (again.transitions, again.step, again.recheck_slots, again.asked_upstreams) == ((), None, (), ())

    @invariant()
    def a_deadline_lies_ahead_or_is_just_being_kept(self) -> None:
        if hasattr(self, "monitor") and self.monitor.due_ms is not None:
            assert self.monitor.due_ms >= self.monitor.judged_at_ms + LOOK_AGAIN_MS

    @invariant()
    def intervals_sum(self) -> None:
        if hasattr(self, "monitor"):
            history = History(since_ms=NOW, changes=self.monitor.changes)
            now_ms = self.monitor.now_ms
            assert durations(history, start_ms=0, end_ms=now_ms, now_ms=now_ms).total == now_ms - NOW

    # ------------------------------------------------------------------------------------------------------------

    def at(self, region: int) -> Region:
        return self.monitor.running[region % len(self.monitor.running)]

    def reports(self, region: int, arrivals: list[tuple[str, int]]) -> None:
        if not self.monitor.running:
            return
        versioned = [(letter, slot, self.monitor.version) for letter, slot in arrivals]
        self.referee.hears(self.monitor.report(self.at(region).number, versioned))
        self.finishes()

    def judge(self) -> None:
        self.referee.hears(self.monitor.judge())
        self.finishes()

    def judge_at_deadline(self) -> None:
        told = self.monitor.judge()
        self.referee.hears(told)
        self.referee.hears_at_deadline(told)
        self.finishes()

    def finishes(self) -> None:
        if self.monitor.unfinished:
            self.referee.hears(self.monitor.judge())


IncidentLife.TestCase.settings = settings(
    max_examples=LIVES, stateful_step_count=50, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestIncidentLife = IncidentLife.TestCase
