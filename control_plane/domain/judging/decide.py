"""One judgement, whole: a case and what a region has just seen in, everything that must be written out.

This is the one place that puts counting, verdict, incident, holds and fast confirmation together; the service around it
only reads the case under its locks and writes the decision down.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from control_plane.domain.judging import circuit as circuits
from control_plane.domain.judging import explain, hold
from control_plane.domain.judging.case import Asked, Case, Decision, Transition
from control_plane.domain.judging.hold import Held
from control_plane.domain.judging.incident import (
    CALM_MS,
    AlertOn,
    Opens,
    RegionVote,
    Resolves,
    Restraint,
    next_step,
    wants_to_open,
)
from control_plane.domain.judging.verdict import Change, Judgement, changes_by_expiry, judge, tally
from control_plane.domain.judging.votes import Seen, Vote, contradicts, count, settled, silent
from shared.results import Outcome

RECHECK_EVERY_MS = 2_000
"""The first re-check is due this long after the check that asked for it ended, each next one as much later."""

RECHECK_NOTICE_MS = 500
"""The first is due no sooner than this after the judgement, so that agents are told in time."""

LOOK_AGAIN_MS = 1_000
"""How soon a judgement is repeated that waits for somebody's slots: steady ones call for none by themselves."""


class _Judged(Struct, frozen=True):
    """The votes after the slots just seen, and what they prove."""

    votes: tuple[RegionVote, ...]
    judgement: Judgement
    transitions: tuple[Transition, ...]
    vote: Vote | None
    contradicted: bool
    now_ms: int

    @property
    def well(self) -> bool:
        return self.judgement.proven and self.judgement.verdict in ("up", "degraded")

    def alerts(self, alert_on: AlertOn) -> bool:
        """Whether an incident is called for, by an outage or by slow votes."""
        slow = self.judgement.by_degraded_votes and alert_on == "degraded"
        return self.judgement.verdict == "down" or slow


def decide(case: Case, *, now_ms: int, region_id: int | None = None, seen: Sequence[Seen] = ()) -> Decision:
    """Judge a case at `now_ms`, after the slots that region `region_id` has just reported (ascending)."""
    judged = _judge(case, now_ms, region_id, seen)
    judgement, since_ms = judged.judgement, judged.transitions[-1].at_ms if judged.transitions else case.since_ms
    held = hold.advance(case.held, case.hold, well=judged.well and not judged.alerts(case.alert_on), now_ms=now_ms)
    restraint = _restraint(case, judged, held)
    waits_until_ms, asked = _wait(case, judged, restraint)
    waits = waits_until_ms is not None and now_ms < waits_until_ms
    step = next_step(
        judgement,
        votes=judged.votes,
        policy=case.policy,
        now_ms=now_ms,
        open_incident=case.open_incident,
        restraint=replace(restraint, waits=waits),
        alert_on=case.alert_on,
        severity=case.severity,
    )
    down_since_ms = since_ms if judgement.verdict == "down" and judgement.proven else None
    agreed = _of_one_mind(judged.votes, now_ms)
    good_seen = any(s.outcome in (Outcome.UP, Outcome.DEGRADED) for s in seen)
    decision = Decision(
        case=case,
        now_ms=now_ms,
        judgement=judgement,
        reason=explain.reason(judgement, votes=judged.votes, policy=case.policy, now_ms=now_ms),
        since_ms=since_ms,
        hushed=restraint.hushed,
        transitions=judged.transitions,
        vote=judged.vote,
        step=step,
        recheck_slots=_rechecks(case, judged, held, seen),
        drop_rechecks=case.rechecks_pending and agreed and not _released(case, judged, held),
        well_since_ms=restraint.well_since_ms,
        held=Held() if isinstance(step, Opens) else held,
        waits_until_ms=waits_until_ms if waits else case.waits_until_ms if judgement.verdict == "down" else None,
        asked_upstreams=asked,
        circuit_turn=circuits.turn(
            case.circuit,
            down_since_ms=down_since_ms,
            good_seen=good_seen,
            settled=judged.well and agreed,
            now_ms=now_ms,
        ),
    )
    return replace(decision, due_ms=_due_ms(decision, judged, down_since_ms, waits=waits))


def _judge(case: Case, now_ms: int, region_id: int | None, seen: Sequence[Seen]) -> _Judged:
    before = [v.vote for v in case.votes]
    assigned = len(before)
    expiries = changes_by_expiry(
        before,
        assigned=assigned,
        policy=case.policy,
        current=case.verdict,
        since_ms=case.judged_at_ms,
        now_ms=now_ms,
    )
    current = expiries[-1].judgement.verdict if expiries else case.verdict
    votes, changed, contradicted = _count_own(case, region_id, seen, now_ms)
    counts = tally((v.vote for v in votes), assigned=assigned, now_ms=now_ms)
    judgement = judge(counts, policy=case.policy, current=current)
    changes = expiries + ([Change(now_ms, judgement)] if judgement.verdict != current else [])
    transitions = _transitions(case, changes, case.votes, votes, now_ms)
    return _Judged(votes, judgement, transitions, changed, contradicted, now_ms)


def _restraint(case: Case, judged: _Judged, held: Held) -> Restraint:
    well_since_ms = case.well_since_ms if case.well_since_ms is not None else judged.now_ms
    return Restraint(
        hushed=_hushed(case, judged),
        held=case.hold is not None,
        renewed_after_ms=held.ended_ms,
        held_by=held.by,
        recent_openings=case.recent_openings,
        well_since_ms=well_since_ms if judged.well else None,
    )


def _hushed(case: Case, judged: _Judged) -> bool:
    """What a person resolved opens no more until up was proven; slow votes, until they are no longer slow, or down."""
    if not case.hushed_slow:
        return case.hushed and not judged.well
    is_over = judged.judgement.verdict == "down" or (judged.well and not judged.alerts(case.alert_on))
    return case.hushed and not is_over


def _wait(case: Case, judged: _Judged, restraint: Restraint) -> tuple[int | None, tuple[Asked, ...]]:
    """Until when an opening waits for its upstreams' word (None: not at all), and which of them are asked now."""
    opens = case.open_incident is None and wants_to_open(judged.judgement, restraint=restraint)
    if not opens or not case.upstreams:
        return None, ()
    firsts = [v.vote.first_bad_slot for v in judged.votes if v.vote.vote == "down" and v.vote.first_bad_slot]
    unheard = hold.unheard(case.upstreams, first_bad_ms=min(firsts, default=judged.now_ms))
    if not unheard:
        return None, ()
    if case.waits_until_ms is not None:
        return case.waits_until_ms, ()
    longest_ms = hold.longest_wait_ms(unheard, recheck_every_ms=RECHECK_EVERY_MS)
    first_ms = judged.now_ms + RECHECK_NOTICE_MS
    asked = tuple(Asked(u.monitor_id, _slots_from(first_ms, u.confirmations)) for u in unheard)
    return judged.now_ms + longest_ms, asked


def _rechecks(case: Case, judged: _Judged, held: Held, seen: Sequence[Seen]) -> tuple[int, ...]:
    """Re-checks after a contradiction, and of an outage that a hold has just stopped holding."""
    released = held.ended_ms == judged.now_ms and _released(case, judged, held)
    contradicted = case.fast_confirmation and judged.contradicted and not _of_one_mind(judged.votes, judged.now_ms)
    if case.rechecks_pending or not (released or contradicted):
        return ()
    return _recheck_slots(case.confirmations, seen, judged.now_ms)


def _released(case: Case, judged: _Judged, held: Held) -> bool:
    """Whether an outage waits to be renewed since the end of a hold: agreeing votes from under it are no proof yet."""
    return held.ended_ms is not None and case.open_incident is None and judged.alerts(case.alert_on)


def _due_ms(decision: Decision, judged: _Judged, down_since_ms: int | None, *, waits: bool) -> int | None:
    """The earliest instant at which this judgement would turn out otherwise although nobody reported anything."""
    case, now_ms = decision.case, decision.now_ms
    flaps = case.open_incident is not None and case.open_incident.type == "flapping"
    calm = flaps and decision.well_since_ms is not None and not isinstance(decision.step, Resolves)
    # A kind without regions whose newer proof has an instant of its own is looked at then.
    renews = case.turns_at_ms is None and _released(case, judged, decision.held)
    looks = waits or renews or decision.circuit_turn == "settles"
    known = (
        case.turns_at_ms,
        case.hold.until_ms if case.hold else None,
        (decision.well_since_ms or 0) + CALM_MS if calm else None,
        now_ms + LOOK_AGAIN_MS if looks else None,
        None if decision.circuit_turn else circuits.opens_at_ms(case.circuit, down_since_ms=down_since_ms),
    )
    earliest = min((instant for instant in known if instant is not None), default=None)
    return None if earliest is None else max(earliest, now_ms + LOOK_AGAIN_MS)


def _count_own(
    case: Case, region_id: int | None, seen: Sequence[Seen], now_ms: int
) -> tuple[tuple[RegionVote, ...], Vote | None, bool]:
    """The votes after the reporting region's slots, its new row, and whether a slot contradicted its vote."""
    own = next((v for v in case.votes if v.vote.region_id == region_id), None)
    if own is None or not seen:
        return case.votes, None, False
    vote, contradicted = own.vote, False
    for slot in (s for s in seen if s.check_version == vote.check_version and s.slot > own.vote.newest_slot):
        contradicted = contradicted or contradicts(vote, slot, now_ms)
        vote = count(vote, slot, confirmations=case.confirmations, now_ms=now_ms)
    votes = tuple(replace(v, vote=vote) if v is own else v for v in case.votes)
    return votes, vote if vote is not own.vote else None, contradicted


def _transitions(
    case: Case,
    changes: Sequence[Change],
    before: Sequence[RegionVote],
    after: Sequence[RegionVote],
    now_ms: int,
) -> tuple[Transition, ...]:
    transitions: list[Transition] = []
    previous, floor = case.verdict, case.since_ms
    for change in changes:
        at_ms = max(floor, change.at_ms)
        votes = after if change.at_ms == now_ms else before
        words = explain.reason(change.judgement, votes=votes, policy=case.policy, now_ms=change.at_ms)
        transitions.append(Transition(at_ms, previous, change.judgement.verdict, words))
        previous, floor = change.judgement.verdict, at_ms
    return tuple(transitions)


def _of_one_mind(votes: Sequence[RegionVote], now_ms: int) -> bool:
    """The regions that are heard have fresh votes that agree, and none is on its way to another."""
    heard = [v.vote for v in votes if not silent(v.vote, now_ms)]
    return len({vote.vote for vote in heard}) == 1 and all(settled(vote, now_ms) for vote in heard)


def _recheck_slots(confirmations: int, seen: Sequence[Seen], now_ms: int) -> tuple[int, ...]:
    """Dues counted from the end of the newest check: what its result spent on the way does not delay the proof."""
    ended = max((s.ended_ms for s in seen), default=0) or now_ms
    first = min(max(ended + RECHECK_EVERY_MS, now_ms + RECHECK_NOTICE_MS), now_ms + RECHECK_EVERY_MS)
    return _slots_from(first, confirmations)


def _slots_from(first_ms: int, confirmations: int) -> tuple[int, ...]:
    return tuple(first_ms + RECHECK_EVERY_MS * i for i in range(2 * confirmations))
