"""One monitor as its rows would be: decisions are written down as the store writes them, and nothing else is known.

Beside the rows it keeps what really happened (each region's slots, holds, hushes), to hold decisions against.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from control_plane.domain.judging.case import Case, Decision
from control_plane.domain.judging.circuit import Circuit, backed_off_ms
from control_plane.domain.judging.decide import decide
from control_plane.domain.judging.hold import Held, Hold, Upstream
from control_plane.domain.judging.incident import AlertOn, Joins, OpenIncident, Opens, RegionVote, Resolves, Worsens
from control_plane.domain.judging.schedule import vote_window_ms
from control_plane.domain.judging.verdict import Policy, VerdictName
from control_plane.domain.judging.votes import Seen, Vote
from control_plane.domain.uptime.availability import Change
from shared.results import OUTCOMES
from tests.support.lives import Arrival
from tests.support.votes import EVERY, LETTERS, NOW

TIMEOUT = 10_000
USUAL = vote_window_ms(cadence_ms=EVERY, timeout_ms=TIMEOUT)
LONGER = vote_window_ms(cadence_ms=backed_off_ms(EVERY), timeout_ms=TIMEOUT)
HOUR = 3_600_000
MONITOR, GATEWAY = UUID(int=1), UUID(int=2)


class Region:
    """An assigned region: its row of votes in this check version, and every slot that reached us in it."""

    def __init__(self, number: int, version: int) -> None:
        self.number = number
        self.vote = Vote(region_id=number, check_version=version, window_ms=USUAL)
        self.story: list[Arrival] = []
        self.steady: int | None = None
        self.row_window = USUAL


class Told(Struct, frozen=True):
    """A judgement, and the case as it was before."""

    case: Case
    decision: Decision


class Monitor:
    """Its configuration, its state row, its open incident; time passes only by `now_ms`."""

    def __init__(self, *, regions: int, policy: Policy, confirmations: int, alert_on: AlertOn) -> None:
        self.now_ms = NOW
        self.policy, self.confirmations, self.alert_on = policy, confirmations, alert_on
        self.backoff = False
        self.version, self.enabled, self.last_number = 1, True, regions
        self.regions = [Region(number, 1) for number in range(1, regions + 1)]
        self.hold: Hold | None = None
        self.upstream: Upstream | None = None
        self.verdict: VerdictName = "unknown"
        self.since_ms = self.judged_at_ms = NOW
        self.hushed = self.unfinished = self.moved = False
        self.held = Held()
        self.well_since_ms: int | None = None
        self.due_ms: int | None = None
        self.waits_until_ms: int | None = None
        self.backed_off_ms: int | None = None
        self.rechecks_pending = False
        self.incident: OpenIncident | None = None
        self.last_incident: OpenIncident | None = None
        self.openings: list[int] = []
        self.changes: list[Change] = []

    # ------------------------------------------------------------------------------------------ what is judged

    @property
    def running(self) -> list[Region]:
        return self.regions if self.enabled else []

    def case(self) -> Case:
        """Everything that judging reads, at `now_ms`."""
        votes = tuple(RegionVote("abcdefghijkl"[r.number % 12] + str(r.number), r.vote) for r in self.running)
        upstreams = (self.upstream,) if self.upstream else ()
        down = Hold("gateway is down") if self.upstream and self.upstream.verdict == "down" else None
        lengthened = any(r.vote.window_ms > USUAL for r in self.running)
        return Case(
            tenant_id=MONITOR,
            monitor_id=MONITOR,
            verdict=self.verdict,
            since_ms=self.since_ms,
            judged_at_ms=self.judged_at_ms,
            hushed=self.hushed,
            policy=self.policy,
            confirmations=self.confirmations,
            alert_on=self.alert_on,
            severity="major",
            fast_confirmation=True,
            votes=votes,
            open_incident=self.incident,
            hushed_slow=self.hushed and self.last_incident is not None and self.last_incident.type == "degraded",
            rechecks_pending=self.rechecks_pending,
            recent_openings=sum(at > self.now_ms - HOUR for at in self.openings),
            well_since_ms=self.well_since_ms,
            hold=self.ending_hold() or down,
            held=self.held,
            upstreams=upstreams,
            waits_until_ms=self.waits_until_ms,
            circuit=Circuit(self.backoff and bool(votes), self.backed_off_ms, lengthened),
        )

    def ending_hold(self) -> Hold | None:
        """The window that covers now: half-open."""
        over = self.hold is not None and self.hold.until_ms is not None and self.now_ms >= self.hold.until_ms
        return None if over else self.hold

    # ------------------------------------------------------------------------------------- what the store does

    def report(self, number: int, arrivals: Sequence[tuple[str, int, int]]) -> Told | None:
        """A batch of (letter, slot, check version) of one region; None where all of it was steady, or did not vote."""
        region = next((r for r in self.running if r.number == number), None)
        if region is None:
            return None
        mine = [(letter, slot) for letter, slot, version in arrivals if version == self.version]
        stored = [
            Seen(slot, version, LETTERS[letter]) for letter, slot, version in sorted(arrivals, key=lambda a: a[1])
        ]
        is_steady = self._is_steady(region, [one for one in stored if LETTERS["E"] is not one.outcome])
        for letter, slot in sorted(mine, key=lambda a: a[1]):
            told = Arrival(letter, slot, self.now_ms, self.confirmations, region.vote.window_ms)
            region.story.append(told)
        if is_steady:
            self._move(region, stored)
            self.moved = True
            return None
        return self._write(decide(self.case(), now_ms=self.now_ms, region_id=number, seen=stored), region)

    def judge(self) -> Told:
        """As the sweep, a deadline or a person's change would."""
        return self._write(decide(self.case(), now_ms=self.now_ms), None)

    def _is_steady(self, region: Region, stored: Sequence[Seen]) -> bool:
        """The conditions of the set-based UPDATE (store/ingest)."""
        if region.steady is None or not stored:
            return False
        live = region.vote.newest_slot + region.row_window
        return (
            all(s.outcome is OUTCOMES[region.steady or 0] and s.check_version == self.version for s in stored)
            and stored[0].slot > region.vote.newest_slot
            and live >= stored[-1].slot
            and live > self.now_ms
        )

    @staticmethod
    def _move(region: Region, stored: Sequence[Seen]) -> None:
        voting = [s for s in stored if s.outcome is not LETTERS["E"]]
        vote, n = region.vote, len(voting)
        down, slow = voting[0].outcome is LETTERS["D"], voting[0].outcome is LETTERS["S"]
        region.vote = replace(
            vote,
            newest_slot=voting[-1].slot,
            bad_run=vote.bad_run + n if down else 0,
            good_run=0 if down else vote.good_run + n,
            degraded_run=vote.degraded_run + n if slow else 0,
        )

    def _write(self, decision: Decision, region: Region | None) -> Told:
        told = Told(decision.case, decision)
        self.unfinished, self.moved = decision.unfinished, False
        if decision.vote is not None and region is not None:
            region.vote, region.row_window = decision.vote, decision.vote.window_ms
            region.steady = decision.vote.steady(self.confirmations)
        self.verdict, self.since_ms, self.judged_at_ms = (
            decision.judgement.verdict,
            decision.since_ms,
            decision.now_ms,
        )
        self.hushed, self.held, self.well_since_ms = decision.hushed, decision.held, decision.well_since_ms
        self.due_ms, self.waits_until_ms = decision.due_ms, decision.waits_until_ms
        self.changes += [Change(t.at_ms, t.verdict) for t in decision.transitions]
        self.rechecks_pending = bool(decision.recheck_slots) or (self.rechecks_pending and not decision.drop_rechecks)
        self._turn(decision)
        self._step(decision)
        return told

    def _turn(self, decision: Decision) -> None:
        match decision.circuit_turn:
            case "opens":
                self.backed_off_ms = decision.now_ms
                self._window(max(LONGER, USUAL))
            case "closes":
                self.backed_off_ms = None
            case "settles":
                for region in self.running:
                    region.row_window = USUAL
                self._window(USUAL)
            case None:
                pass

    def _window(self, window_ms: int) -> None:
        for region in self.running:
            region.vote = replace(region.vote, window_ms=window_ms)

    def _step(self, decision: Decision) -> None:
        match decision.step:
            case Opens(type_, _, proof, _):
                self.incident = OpenIncident(type_, proof.regions_down)
                self.openings.append(decision.now_ms)
            case Worsens(_, proof):
                self.incident = OpenIncident("down", proof.regions_down)
            case Joins(joined):
                assert self.incident is not None
                self.incident = OpenIncident(self.incident.type, (*self.incident.regions_down, *joined))
            case Resolves():
                self.last_incident, self.incident = self.incident, None
            case None:
                pass

    # --------------------------------------------------------------------------------------- what people change

    def new_version(self, regions: Sequence[int]) -> None:
        """Another check, interval or set of regions: votes begin anew."""
        self.version += 1
        self.regions = [Region(number, self.version) for number in regions]

    def resolve_quietly(self) -> None:
        """Pausing and deleting do this."""
        self.incident = None

    def resolve_by_hand(self, *, hushes: bool) -> None:
        """A person does."""
        self.last_incident, self.incident = self.incident, None
        self.hushed = self.hushed or hushes
