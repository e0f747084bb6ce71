"""One judgement, whole: a case and what a region has just seen in, everything that must be written out.

This is the one place that puts counting, verdict, incident and fast confirmation together; the service around it only
reads the case under its locks and writes the decision down.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from control_plane.domain import explain
from control_plane.domain.incident import AlertOn, OpenIncident, RegionVote, Resolves, Severity, Step, next_step
from control_plane.domain.verdict import (
    Change,
    Judgement,
    Policy,
    Tally,
    VerdictName,
    changes_by_expiry,
    judge,
    tally,
)
from control_plane.domain.votes import Seen, Vote, contradicts, count, settled, silent

RECHECK_EVERY_MS = 2_000
"""The first re-check is due this long after the check that asked for it ended, each next one as much later."""

RECHECK_NOTICE_MS = 500
"""The first is due no sooner than this after the judgement, so that agents are told in time."""


class Case(Struct, frozen=True, kw_only=True):
    """A monitor as it stands under its state's lock. Instants in Unix ms."""

    tenant_id: UUID
    monitor_id: UUID
    verdict: VerdictName
    reason: str
    since_ms: int
    judged_at_ms: int
    tally: Tally
    hushed: bool
    policy: Policy
    confirmations: int
    alert_on: AlertOn
    severity: Severity
    fast_confirmation: bool
    votes: tuple[RegionVote, ...]
    """One per assigned region; a region that has not spoken in this check version has an empty vote."""
    open_incident: OpenIncident | None = None
    rechecks_pending: bool = False


class Transition(Struct, frozen=True):
    """A change of verdict to write down. `at_ms` is never before the previous transition's."""

    at_ms: int
    previous: VerdictName
    verdict: VerdictName
    reason: str


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

    @property
    def unfinished(self) -> bool:
        """Whether a resolution leaves slow votes that alert: judged once more, they open an incident of their own."""
        slow = self.judgement.by_degraded_votes and self.case.alert_on == "degraded"
        return slow and isinstance(self.step, Resolves)


def decide(case: Case, *, now_ms: int, region_id: int | None = None, seen: Sequence[Seen] = ()) -> Decision:
    """Judge a case at `now_ms`, after the slots that region `region_id` has just reported (ascending)."""
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
    agreed = _of_one_mind(votes, now_ms)
    wants = case.fast_confirmation and contradicted and not agreed and not case.rechecks_pending
    return Decision(
        case=case,
        now_ms=now_ms,
        judgement=judgement,
        reason=explain.reason(judgement, votes=votes, policy=case.policy, now_ms=now_ms),
        since_ms=transitions[-1].at_ms if transitions else case.since_ms,
        hushed=case.hushed and not (judgement.proven and judgement.verdict in ("up", "degraded")),
        transitions=transitions,
        vote=changed,
        step=next_step(
            judgement,
            votes=votes,
            policy=case.policy,
            now_ms=now_ms,
            open_incident=case.open_incident,
            hushed=case.hushed,
            alert_on=case.alert_on,
            severity=case.severity,
        ),
        recheck_slots=_recheck_slots(case.confirmations, seen, now_ms) if wants else (),
        drop_rechecks=case.rechecks_pending and agreed,
    )


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
    return tuple(first + RECHECK_EVERY_MS * i for i in range(2 * confirmations))
