"""A monitor as it stands when it is judged, and everything that a judgement writes down about it."""

from __future__ import annotations

from uuid import UUID

import msgspec
from msgspec import Struct

from control_plane.domain.judging.circuit import Circuit, Turn
from control_plane.domain.judging.hold import Held, Hold, Upstream
from control_plane.domain.judging.incident import SOLE, AlertOn, OpenIncident, RegionVote, Resolves, Severity, Step
from control_plane.domain.judging.sole_vote import SoleVote
from control_plane.domain.judging.verdict import Judgement, Policy, VerdictName
from control_plane.domain.judging.votes import Vote

_FOR_EVER_MS = 2**50
"""The one vote of a kind without regions is derived anew each time, so it does not expire."""


class Case(Struct, frozen=True, kw_only=True):
    """A monitor as it stands under its state's lock. Instants in Unix ms."""

    tenant_id: UUID
    monitor_id: UUID
    verdict: VerdictName
    since_ms: int
    judged_at_ms: int
    hushed: bool
    policy: Policy
    confirmations: int
    alert_on: AlertOn
    severity: Severity
    fast_confirmation: bool
    votes: tuple[RegionVote, ...]
    """One per assigned region; a region that has not spoken in this check version has an empty vote."""
    open_incident: OpenIncident | None = None
    hushed_slow: bool = False
    """What a person resolved was an incident of type degraded: the hush is none of an outage."""
    rechecks_pending: bool = False
    recent_openings: int = 0
    well_since_ms: int | None = None
    hold: Hold | None = None
    """What holds it now."""
    held: Held = Held()
    upstreams: tuple[Upstream, ...] = ()
    waits_until_ms: int | None = None
    circuit: Circuit = Circuit()
    turns_at_ms: int | None = None
    """When the vote of a kind without regions would turn by time alone."""


class Transition(Struct, frozen=True):
    """A change of verdict to write down. `at_ms` is never before the previous transition's."""

    at_ms: int
    previous: VerdictName
    verdict: VerdictName
    reason: str


class Asked(Struct, frozen=True):
    """An upstream that is to look again: the due instants (Unix ms) of its re-checks, in each of its regions.

    As many as after a contradiction of its own, so that a first bad one can be confirmed at once.
    """

    monitor_id: UUID
    slots: tuple[int, ...]


class Decision(Struct, frozen=True, kw_only=True):
    """What one judgement writes. `vote` is the new row of the region that reported; None when nobody did."""

    case: Case
    now_ms: int
    judgement: Judgement
    reason: str
    since_ms: int
    hushed: bool
    transitions: tuple[Transition, ...]
    vote: Vote | None
    step: Step | None
    recheck_slots: tuple[int, ...]
    """Due instants in Unix ms of re-checks to write for every assigned region."""
    drop_rechecks: bool
    well_since_ms: int | None = None
    held: Held = Held()
    waits_until_ms: int | None = None
    asked_upstreams: tuple[Asked, ...] = ()
    """Whose word is asked for before this one's incident may open."""
    circuit_turn: Turn | None = None
    due_ms: int | None = None
    """When time alone calls for another judgement."""

    @property
    def unfinished(self) -> bool:
        """Whether a resolution leaves slow votes that alert: judged once more, they open an incident of their own."""
        slow = self.judgement.by_degraded_votes and self.case.alert_on == "degraded"
        return slow and isinstance(self.step, Resolves)


def sole_region_vote(sole: SoleVote, *, now_ms: int) -> RegionVote:
    """The one vote of a kind without regions, as the engine knows votes: of one confirmation, fresh as long as it is.

    What says so anew at this instant is as new as a slot at this instant, unless it is older evidence.
    """
    down = sole.say == "down"
    vote = Vote(
        region_id=0,
        check_version=0,
        window_ms=_FOR_EVER_MS,
        newest_slot=now_ms if sole.newest_ms is None else sole.newest_ms,
        vote=sole.say,
        bad_run=int(down),
        good_run=int(sole.say == "up"),
        earned=int(sole.say is not None),
        first_bad_slot=sole.first_bad_ms,
        vote_since=sole.since_ms,
        reason=sole.reason,
        message=sole.message,
        evidence=None if sole.evidence is None else msgspec.json.encode(sole.evidence).decode(),
    )
    return RegionVote(SOLE, vote)
