"""The agent's work under one welcome: all parts built from it, all loops run until stopped or welcomed as another."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import Iterable
from time import monotonic, perf_counter
from uuid import UUID

import msgspec
import structlog

from agent.checks.check import CheckContext
from agent.dns.resolver import Server
from agent.health.lag import LagMeter
from agent.health.self_test import SelfTest
from agent.link import state_file
from agent.link.assignments import Keeper, wait_any
from agent.link.client import Client, NotAccepted, Refused, Unreachable
from agent.link.errands import Errands
from agent.link.leaving import DRAIN_S, hand_over
from agent.link.server_clock import ServerClock
from agent.region import context_for
from agent.schedule.jobs import Job
from agent.settings import AgentSettings
from agent.shipping.shipper import Shipper
from agent.shipping.spool import Spool
from agent.tally import Tally
from agent.tls.contexts import TlsContexts
from agent.work import LocalWork, Work
from agent.workers.crew import Crew
from shared.protocol import Assignment, Dispatch, Observations, RegionGrant, Welcome
from shared.results import CheckResult

log = structlog.get_logger()

OBSERVE_S = 10.0
SAVE_S = 5.0
RETRY_REFUSED_S = 60.0

_LAST_POLL_S = 2.0
"""Who leaves waits this long for an answer that is on its way."""

STATE = "assignments.jsonl"


class Session:
    """`ended` is set when the welcome no longer holds; the app then starts another session."""

    def __init__(
        self,
        *,
        settings: AgentSettings,
        client: Client,
        welcome: Welcome,
        spool: Spool,
        clock: ServerClock,
        lag: LagMeter,
        self_test: SelfTest,
        tls: TlsContexts,
        tally: Tally,
        heard: dict[Server, float],
    ) -> None:
        self.welcome = welcome
        self.refusal: Refused | None = None
        self.refused = asyncio.Event()
        self._context_of = functools.partial(context_for, settings=settings, tls=tls, clock=clock, heard=heard)
        self._context = self._context_of(welcome.region)
        self._settings = settings
        self._client = client
        self._clock = clock
        self._self_test = self_test
        self._lag = lag
        self._tally = tally
        self.work = self._make_work()
        self.keeper = Keeper(client=client, work=self.work, clock=clock, me=welcome.agent_id)
        self.shipper = Shipper(
            client=client, spool=spool, tally=tally, now_ms=clock.now_ms, max_items=welcome.max_results
        )
        self.errands = Errands(client=client, work=self.work, keeper=self.keeper, now_ms=clock.now_ms)
        self._poll_now = asyncio.Event()
        self._observe_now = asyncio.Event()
        self._is_well = True
        self._saved = 0
        self.polled_at: float | None = None
        """When assignments were last polled with success (monotonic seconds)."""
        self.is_leaving = False
        self._polling: asyncio.Task[None] | None = None
        self.keeper.on_change(self.work.wake)
        self.keeper.on_grant(self._take_grant)
        self.shipper.on_refusal(self.refuse)
        self.errands.on_due(self.work.wake)
        self.errands.on_assignments_changed(self._poll_now.set)
        self_test.on_change(self._observe_now.set)

    def _make_work(self) -> Work:
        settings, me, grant = self._settings, self.welcome.agent_id, self.welcome.region
        if settings.workers > 1:
            return Crew(
                settings=settings,
                me=me,
                grant=grant,
                clock=self._clock,
                tally=self._tally,
                deliver=self._ship_encoded,
                report_test=self._report_test,
                on_health=self._notice_health,
            )
        return LocalWork(
            settings=settings,
            me=me,
            grant=grant,
            context_of=self._context_of,
            clock=self._clock,
            self_test=self._self_test,
            lag=self._lag,
            tally=self._tally,
            deliver=self._deliver,
            concurrency=settings.concurrency,
        )

    # -- life

    async def run(self) -> None:
        """All loops, until cancelled."""
        self.shipper.is_allowed.set()
        try:
            async with asyncio.TaskGroup() as tasks:
                self._polling = tasks.create_task(self._poll())
                tasks.create_task(self.errands.run(self.shipper.is_allowed, self.refuse))
                tasks.create_task(self.shipper.write())
                tasks.create_task(self.shipper.send())
                tasks.create_task(self._observe())
                tasks.create_task(self._save_regularly())
                await self.work.start()
        finally:
            await self._stop()

    async def leave(self) -> None:
        """Hand the share over and let what is under way end, both within bounds; `run` may be cancelled then."""
        self.is_leaving = True
        if self.refusal is None and self._polling is not None:
            self._poll_now.set()
            await asyncio.wait((self._polling,), timeout=_LAST_POLL_S)
            self._polling.cancel()  # it would renew the lease
            await hand_over(self._client, within_s=self.welcome.poll_s + 1)
        await self.work.drain(DRAIN_S)
        await self.errands.drain(_LAST_POLL_S)

    async def _stop(self) -> None:
        await self.work.stop()
        await self.shipper.close()
        await self._save()

    @property
    def context(self) -> CheckContext:
        """What checks may use under the region's present grant."""
        return self._context

    async def recall(self, known: state_file.Known, assignments: list[Assignment]) -> None:
        await self.keeper.recall(known.cursor, tuple(UUID(agent) for agent in known.agents), assignments)
        self._saved = self.keeper.changes

    def refuse(self, refused: Refused) -> None:
        """401 or 403: stop checking; whoever waits for `refused` finds out when the key is accepted again."""
        if self.refusal is None:
            log.error("the control plane refuses this agent; checks stop until its key is accepted", error=str(refused))
        self.refusal = refused
        self.work.paused = str(refused)
        self.shipper.is_allowed.clear()
        self.refused.set()

    def accept(self) -> None:
        """The key is accepted again."""
        log.info("the control plane accepts this agent again")
        self.refusal = None
        self.work.paused = None
        self.refused.clear()
        self.shipper.is_allowed.set()
        self._poll_now.set()

    # -- the checks

    def _take_grant(self, grant: RegionGrant) -> None:
        """From the next check on it is the policy, also of the next process if that finds nobody to ask."""
        if grant == self.welcome.region:
            return
        log.info("what this region may reach has changed", private=grant.private, allow_cidrs=grant.allow_cidrs)
        self._context = self._context_of(grant)
        self.work.take_grant(grant)
        self.welcome = msgspec.structs.replace(self.welcome, region=grant)
        self.keeper.changes += 1

    def _deliver(self, job: Job, result: CheckResult, urgent: bool) -> None:
        if job.dispatch is not None and job.dispatch.kind == "test":
            self._report_test(job.dispatch, result)
        else:
            self.shipper.put(result, urgent=urgent)

    def _report_test(self, dispatch: Dispatch, result: CheckResult) -> None:
        self.errands.report(dispatch, result)

    def _ship_encoded(self, items: Iterable[bytes], urgent: bool) -> None:
        self.shipper.put_encoded(items, urgent=urgent)

    def _notice_health(self) -> None:
        """Have it told at once when the workers' health has changed."""
        is_well = self.work.health_reason is None
        if is_well != self._is_well:
            self._is_well = is_well
            self._observe_now.set()

    # -- the control plane

    async def _poll(self) -> None:
        while not self.is_leaving:
            await self.shipper.is_allowed.wait()
            try:
                await self.keeper.poll()
                self.polled_at = monotonic()
            except Refused as refused:
                self.refuse(refused)
            except (Unreachable, NotAccepted) as error:
                log.debug("assignments cannot be polled", error=str(error))
            await wait_any(self._poll_now, self.welcome.poll_s)

    async def _observe(self) -> None:
        """A self-test now and then even when nothing fails, and what it said."""
        while True:
            await self._self_test.after_now()
            self._observe_now.clear()
            if self.shipper.is_allowed.is_set():
                try:
                    await self._client.observe(self._observations())
                except Refused as refused:
                    self.refuse(refused)
                except (Unreachable, NotAccepted) as error:
                    log.debug("observations cannot be sent", error=str(error))
            await wait_any(self._observe_now, OBSERVE_S)

    @property
    def health_reason(self) -> str | None:
        """Why this agent cannot judge, in words; None while it can."""
        health = self._self_test.health
        return self.work.health_reason if health.is_healthy else health.reason or "the self-test fails"

    def _observations(self) -> Observations:
        stats, reason = self.work.look(anew=True), self.health_reason
        return Observations(
            sent_at=int(self._clock.now_ms()),
            healthy=reason is None,
            reason=None if reason is None else reason[:500],
            clock_offset=self._clock.offset_ms,
            saturation=min(stats.saturation, 1000.0),
            lag=max(stats.late_ms, stats.lag_ms, self._lag.worst_since(perf_counter() - OBSERVE_S)),
            spooled=self.shipper.pending,
            gaps=stats.gaps,
            crowded_gaps=stats.crowded_gaps,
        )

    # -- what is known, on disk

    async def _save_regularly(self) -> None:
        while True:
            await asyncio.sleep(SAVE_S)
            self.work.tidy()
            await self._save()

    async def _save(self) -> None:
        changes = self.keeper.changes
        if changes == self._saved:
            return
        known = state_file.Known(
            url=self._client.url,
            welcome=self.welcome,
            cursor=self.keeper.cursor,
            agents=tuple(map(str, self.keeper.agents)),
        )
        assignments = [entry.assignment for entry in self.work.entries.values()]
        with contextlib.suppress(OSError):
            await asyncio.to_thread(state_file.save, self._settings.directory / STATE, known, assignments)
            self._saved = changes
