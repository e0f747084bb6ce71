"""Runs checks, a bounded number at a time, and makes results of what they saw."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Container
from time import perf_counter
from uuid import UUID

import msgspec
import structlog

from agent.checks import CHECKS
from agent.checks.check import CheckContext, CheckOutcome
from agent.health.lag import NOTABLE_MS, LagMeter
from agent.health.own_delay import may_be_ours
from agent.health.self_test import SelfTest
from agent.schedule.jobs import Job
from agent.schedule.scheduler import Scheduler
from agent.tally import Tally
from shared.checks import kind_of
from shared.results import CheckResult, Detail, Outcome, Reason

log = structlog.get_logger()

LATE_MS = 1000.0
"""A check that starts more than this after its slot says so in its result."""

Deliver = Callable[[Job, CheckResult, bool], None]
"""The third argument: whether the result is urgent."""


class Runner:
    """Takes from the scheduler as long as there is room; `deliver` gets every result."""

    def __init__(
        self,
        *,
        scheduler: Scheduler,
        context: Callable[[], CheckContext],
        self_test: SelfTest,
        lag: LagMeter,
        tally: Tally,
        deliver: Deliver,
        concurrency: int,
    ) -> None:
        self.running = 0
        self._scheduler = scheduler
        self._context = context
        self._self_test = self_test
        self._lag = lag
        self._tally = tally
        self._deliver = deliver
        self._concurrency = concurrency
        self._tasks: set[asyncio.Task[None]] = set()
        self._bad: dict[UUID, tuple[int, Reason]] = {}

    @property
    def saturation(self) -> float:
        """Share of the places in use."""
        return self.running / self._concurrency

    def pump(self) -> None:
        """Start what is due, as far as there is room."""
        while self.running < self._concurrency:
            job = self._scheduler.take()
            if job is None:
                break
            self.running += 1
            task = asyncio.create_task(self._run(job))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self._lag.is_busy = self.running > 0

    async def drain(self, seconds: float) -> None:
        """Give the checks under way this long to end."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)

    async def stop(self) -> None:
        """Drop what is under way: its slots are run by others, or are gaps."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, job: Job) -> None:
        started = perf_counter()
        outcome = await self._examine(job, started)
        lag = self._lag.worst_since(started)
        if outcome.outcome is Outcome.UP:
            self._tally.succeeded_at = perf_counter()
        elif lag > NOTABLE_MS and may_be_ours(job.check, outcome, lag_ms=lag):
            outcome = _confessed(outcome, f"This agent was {lag:.0f} ms late itself during the check")
        elif outcome.outcome is Outcome.DOWN or outcome.if_resolver_works is not None:
            outcome = await self._vouched(outcome)
        was_bad = job.monitor_id in self._bad
        outcome = self._trimmed(job, outcome)
        if job.late_ms > LATE_MS:
            outcome = msgspec.structs.replace(
                outcome, detail=msgspec.structs.replace(outcome.detail, late_ms=round(job.late_ms, 1))
            )
        if lag > NOTABLE_MS:
            outcome = msgspec.structs.replace(
                outcome, detail=msgspec.structs.replace(outcome.detail, lag_ms=round(lag, 1))
            )
        self._tally.count(outcome.outcome, outcome.reason)
        urgent = was_bad or outcome.outcome is not Outcome.UP or job.is_first or job.dispatch is not None
        self._deliver(job, _result(job, outcome), urgent)

    async def _examine(self, job: Job, started: float) -> CheckOutcome:
        """Run the check. The place is free again when this ends, whatever the result still waits for."""
        if job.unavailable is not None:
            self._release(job)
            detail = Detail(message=job.unavailable[:500])
            return CheckOutcome(outcome=Outcome.ERROR, reason=_why_unavailable(job), detail=detail)
        kind = kind_of(job.check)
        try:
            return await CHECKS[kind].run(job.check, self._context())
        except Exception as error:
            log.exception("a check of ours broke", kind=kind, monitor_id=str(job.monitor_id))
            total = round((perf_counter() - started) * 1000, 3)
            message = f"The agent failed at this check: {type(error).__name__}"
            return CheckOutcome(
                outcome=Outcome.ERROR, reason=Reason.INTERNAL, total=total, detail=Detail(message=message)
            )
        finally:
            self._release(job)

    def _release(self, job: Job) -> None:
        self.running -= 1
        self._scheduler.finished(job)
        self.pump()

    async def _vouched(self, outcome: CheckOutcome) -> CheckOutcome:
        """A failure that a self-test stands behind, or the confession that we cannot judge."""
        unproven = outcome.if_resolver_works
        health = await self._self_test.after_now(prove_resolver=unproven is not None)
        if health.can_judge and unproven is None:
            return outcome
        if health.can_judge and health.resolves:
            return msgspec.structs.replace(outcome, outcome=Outcome.DOWN, reason=unproven)
        return _confessed(outcome, health.reason or "No resolver answers this agent")

    def _trimmed(self, job: Job, outcome: CheckOutcome) -> CheckOutcome:
        """Evidence goes with the first failure of a run, with another kind of failure, and with errands."""
        if outcome.outcome is Outcome.UP:
            self._bad.pop(job.monitor_id, None)
            return outcome
        if job.dispatch is not None and job.dispatch.kind == "test":
            return outcome
        state = (job.check_version, outcome.reason)
        is_new = self._bad.get(job.monitor_id) != state
        self._bad[job.monitor_id] = state
        if is_new or job.dispatch is not None or outcome.detail.evidence is None:
            return outcome
        return msgspec.structs.replace(outcome, detail=msgspec.structs.replace(outcome.detail, evidence=None))

    def forget_others(self, known: Container[UUID]) -> None:
        """Drop what is remembered of monitors that are not assigned any more."""
        self._bad = {monitor_id: state for monitor_id, state in self._bad.items() if monitor_id in known}


def _confessed(outcome: CheckOutcome, reason: str) -> CheckOutcome:
    """We cannot judge: what was seen may be our own fault."""
    message = f"{reason}. Seen meanwhile: {outcome.detail.message}"[:500]
    detail = msgspec.structs.replace(outcome.detail, message=message)
    return msgspec.structs.replace(outcome, outcome=Outcome.ERROR, reason=Reason.UNHEALTHY, detail=detail)


def _why_unavailable(job: Job) -> Reason:
    told = job.dispatch if job.entry is None else job.entry.assignment
    return Reason.CREDENTIAL if told is None else Reason(told.unavailable_as)


def _result(job: Job, outcome: CheckOutcome) -> CheckResult:
    dispatch = job.dispatch
    return CheckResult(
        monitor_id=job.monitor_id,
        check_version=job.check_version,
        slot=job.slot,
        outcome=outcome.outcome,
        reason=outcome.reason,
        http_status=outcome.http_status,
        dns=outcome.dns,
        connect=outcome.connect,
        tls=outcome.tls,
        ttfb=outcome.ttfb,
        download=outcome.download,
        total=outcome.total,
        detail=outcome.detail,
        dispatch_id=msgspec.UNSET if dispatch is None or dispatch.kind == "test" else dispatch.id,
    )
