"""Work outside the schedule: the long poll for dispatches, and the reports of tests."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from datetime import timedelta

import structlog

from agent.link.assignments import Keeper
from agent.link.client import Client, NotAccepted, Refused, Unreachable
from agent.work import Work
from shared.backoff import exponential
from shared.protocol import Dispatch, TestOutcome, TestOutcomes
from shared.results import CheckResult

log = structlog.get_logger()

WAIT_S = 25
_BASE_WAIT, _LONGEST_WAIT = timedelta(seconds=0.5), timedelta(seconds=10)


class Errands:
    def __init__(self, *, client: Client, work: Work, keeper: Keeper, now_ms: Callable[[], float]) -> None:
        self._client = client
        self._work = work
        self._keeper = keeper
        self._now_ms = now_ms
        self._reports: set[asyncio.Task[None]] = set()
        self._on_due: Callable[[], None] = lambda: None
        self._on_assignments_changed: Callable[[], None] = lambda: None

    def on_due(self, call: Callable[[], None]) -> None:
        self._on_due = call

    def on_assignments_changed(self, call: Callable[[], None]) -> None:
        self._on_assignments_changed = call

    async def run(self, is_allowed: asyncio.Event, refuse: Callable[[Refused], None]) -> None:
        """Poll until cancelled."""
        failures = 0
        while True:
            await is_allowed.wait()
            try:
                await self._poll()
                failures = 0
            except Refused as refused:
                refuse(refused)
            except (Unreachable, NotAccepted) as error:
                failures += 1
                log.debug("dispatches cannot be polled", error=str(error))
                await asyncio.sleep(_pause(failures))

    async def _poll(self) -> None:
        answer = await self._client.dispatches(wait_s=WAIT_S)
        if answer.assignments_changed:
            self._on_assignments_changed()
        try:
            if any(self._is_news(item) for item in answer.items):
                await self._keeper.poll()
        finally:  # they are claimed: nobody else will get them, whatever became of the poll
            for item in answer.items:
                self._work.send(item)
            if answer.items:
                self._on_due()

    def _is_news(self, dispatch: Dispatch) -> bool:
        """Whether it is about a check that has not reached us yet."""
        if dispatch.monitor_id is None:
            return False
        entry = self._work.entries.get(dispatch.monitor_id)
        return entry is None or entry.assignment.check_version != dispatch.check_version

    def report(self, dispatch: Dispatch, result: CheckResult) -> None:
        """Tell what a test saw, as long as somebody may be waiting."""
        task = asyncio.create_task(self._report(dispatch, result))
        self._reports.add(task)
        task.add_done_callback(self._reports.discard)

    async def drain(self, seconds: float) -> None:
        """Give the reports under way this long."""
        if self._reports:
            await asyncio.wait(self._reports, timeout=seconds)

    async def _report(self, dispatch: Dispatch, result: CheckResult) -> None:
        outcomes = TestOutcomes((TestOutcome(dispatch.id, result),))
        attempt = 0
        while self._now_ms() < dispatch.expires_at:
            try:
                await self._client.test_outcomes(outcomes)
            except Unreachable:
                attempt += 1
                await asyncio.sleep(_pause(attempt))
            except (NotAccepted, Refused) as error:
                log.warning("the outcome of a test is not accepted", error=str(error))
                return
            else:
                return


def _pause(attempt: int) -> float:
    wait = exponential(attempt=attempt, base=_BASE_WAIT, cap=_LONGEST_WAIT, jitter=random.random())  # noqa: S311
    return wait.total_seconds()
