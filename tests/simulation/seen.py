"""A result as its agent sends it, and what only the simulator knows of it."""

from __future__ import annotations

from msgspec import UNSET, Struct, UnsetType

from agent.schedule.jobs import Job
from shared.results import CheckResult, Detail, Outcome, Reason

_REFUSED = Detail(message="The target refused the connection")
_SLOW = Detail(message="It took longer than the limit")
_UNWELL = Detail(message="This agent cannot judge")

_REASONS: dict[Outcome, tuple[Reason, Detail | UnsetType]] = {
    Outcome.UP: (Reason.NONE, UNSET),
    Outcome.DEGRADED: (Reason.SLOW, _SLOW),
    Outcome.DOWN: (Reason.CONNECT, _REFUSED),
    Outcome.ERROR: (Reason.UNHEALTHY, _UNWELL),
}


def result_of(job: Job, outcome: Outcome, took: int) -> CheckResult:
    """What is sent of a check that took so many ms."""
    reason, detail = _REASONS[outcome]
    return CheckResult(
        monitor_id=job.monitor_id,
        check_version=job.check_version,
        slot=job.slot,
        outcome=outcome,
        reason=reason,
        total=float(took),
        detail=detail,
        dispatch_id=UNSET if job.dispatch is None else job.dispatch.id,
    )


class Seen(Struct, frozen=True, gc=False):
    """A result on its way, and what only the simulator knows: whether the target was down when the check began."""

    result: CheckResult
    was_down: bool
    began: int
    ended: int
