"""The world: one clock, one queue of what happens next, one source of chance, and the product's services between them.

Agents post results through a network that loses, doubles and delays; control planes take them, one after another; the
sweep runs in each of them. Everything that decides is the product's own code.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from functools import partial
from heapq import heappop, heappush
from random import Random
from typing import Any
from uuid import UUID

from msgspec import structs

from control_plane.domain.verdict import Policy
from control_plane.errors import Unavailable
from control_plane.services import identity
from control_plane.services.change_monitor import change_monitor
from control_plane.services.hand_out_dispatches import claim_dispatches
from control_plane.services.ingest_results import ingest_results
from control_plane.services.judge_due import judge_due, judge_followers
from control_plane.services.judge_monitors import judge_monitors
from control_plane.services.sole_votes import STALE
from control_plane.services.sweep_verdicts import sweep_verdicts
from control_plane.store import assignments_write, decisions, maintenance_advance, monitors
from shared.checks.http import HttpCheck
from shared.clock import from_unix_ms, to_unix_ms
from shared.ids import AgentId, MonitorId, TenantId
from shared.protocol import Assignment
from tests.simulation.backend import Backend
from tests.simulation.faults import Span
from tests.simulation.memory_store import Committed, SimDatabase, StoreFault
from tests.simulation.oracle import Oracle
from tests.simulation.outbox import TIMEOUT_MS, Request
from tests.simulation.plan import Change, Plan, Window
from tests.simulation.sim_agent import POLL_MS, SimAgent
from tests.simulation.trace import Trace
from tests.simulation.truth import MINUTE

SWEEP_MS, JUDGE_MS = 15_000, 1_000


@contextmanager
def _seeded_ids(rng: Random) -> Iterator[None]:
    before, identity.source = identity.source, lambda: UUID(int=rng.getrandbits(128), version=4)
    try:
        yield
    finally:
        identity.source = before


@contextmanager
def _only_kinds_with_regions() -> Iterator[None]:
    """No monitor here is of another kind, so nobody asks after those."""
    before = dict(STALE)
    STALE.clear()
    try:
        yield
    finally:
        STALE.update(before)


class World:
    """One seed's world. `run` lets it go by; what was decided is in `trace`, what was wrong in `oracle`."""

    def __init__(self, plan: Plan, backend: Backend, *, trace: Trace | None = None) -> None:
        self.plan = plan
        self.now = plan.start
        self.rng = Random(plan.seed ^ 0x5EED)
        self.backend = backend
        self.trace = trace or Trace()
        self.monitors = {monitor.id: monitor for monitor in plan.monitors}
        self.agents = [SimAgent(self, planned) for planned in plan.agents]
        self.by_region: dict[int, list[SimAgent]] = {region_id: [] for region_id in plan.regions}
        for agent in self.agents:
            self.by_region[agent.me.region_id].append(agent)
        self.oracle = Oracle(self)
        self.planes_up = set(range(plan.planes))
        self.results = 0
        self._plane_stalled = [0] * plan.planes
        self._plane_errors = [0] * plan.planes
        self._queue: list[tuple[int, int, Callable[..., object], tuple[Any, ...]]] = []
        self._count = 0
        self._revisions = dict.fromkeys(plan.regions, 1)
        self._assignments = {region_id: self._assigned(region_id, {}) for region_id in plan.regions}
        self._taking: Request | None = None
        self._hints: set[int] = set()
        self._changed: set[int] = set()
        self._dues: set[int] = set()
        self._judges_told = False

    # -- time

    def at(self, when: int, call: Callable[..., object], *args: Any) -> None:
        """Let something happen at this virtual instant (ms)."""
        self._count += 1
        heappush(self._queue, (max(when, self.now), self._count, call, args))

    def run(self) -> None:
        """From the plan's start to its end."""
        with _seeded_ids(Random(self.plan.seed ^ 0x1D5)), _only_kinds_with_regions():
            self._begin()
            self._go_on()
        self.oracle.end()

    def _go_on(self) -> None:
        queue, end, backend = self._queue, self.plan.end, self.backend
        while queue[0][0] <= end:
            when, _, call, args = heappop(queue)
            if when != self.now:
                self.now = when
                backend.set_clock(when)
            call(*args)

    def _begin(self) -> None:
        backend, plan, rng = self.backend, self.plan, self.rng
        backend.install(plan)
        backend.on_commit(self._committed)
        for agent in self.agents:
            agent.boot()
        for plane in range(plan.planes):
            self.at(self.now + rng.randrange(SWEEP_MS), self._sweep, plane)
        self.at(self.now + 10 * MINUTE, self._purge)
        self.at(plan.end + 1, lambda: None)
        self._plan_faults()
        for change in plan.changes:
            self.at(change.at, self._change, change)
        for window in plan.windows:
            self.at(window.start + rng.randrange(JUDGE_MS), self._cover, window)
        self.oracle.begin()

    # -- faults of a time

    def _plan_faults(self) -> None:
        faults = self.plan.faults
        for span in faults.partitions:
            for agent in self.by_region[span.who + 1]:
                self.at(span.start, agent.cut)
                self.at(span.end, agent.mend)
        for span in faults.agent_crashes:
            self.at(span.start, self._crash_agent, self.agents[span.who], span)
        for span in faults.agent_stalls:
            self.at(span.start, self._stall_agent, self.agents[span.who], span.end)
        for span in faults.plane_stalls:
            self.at(span.start, self._stall_plane, span.who, span.end)
        for span in faults.unwell_agents:
            self.at(span.start, self.agents[span.who].sicken)
            self.at(span.end, self.agents[span.who].recover)
        for span in faults.wrong_clocks:
            self.at(span.start, self._set_clock, self.agents[span.who], span.size)
            self.at(span.end, self._set_clock, self.agents[span.who], 0)
        for span in faults.plane_crashes:
            self.at(span.start, self.planes_up.discard, span.who)
            self.at(span.end, self.planes_up.add, span.who)
        for span in faults.plane_clocks:
            self.at(span.start, self._set_plane_clock, span.who, span.size)
            self.at(span.end, self._set_plane_clock, span.who, 0)
        self._unsettle()

    def _unsettle(self) -> None:
        """Tell the oracle which regions' word cannot be counted on, and when."""
        faults, unsettle = self.plan.faults, self.oracle.unsettle
        for span in faults.partitions:
            self.at(span.start, unsettle, span.who + 1, span.end)
        for span in (*faults.agent_crashes, *faults.agent_stalls, *faults.unwell_agents, *faults.wrong_clocks):
            self.at(span.start, unsettle, self.agents[span.who].me.region_id, span.end)
        for span in (*faults.plane_crashes, *faults.plane_stalls, *faults.plane_clocks):
            for region_id in self.by_region:
                self.at(span.start, unsettle, region_id, span.end)

    def _crash_agent(self, agent: SimAgent, span: Span) -> None:
        if agent.is_up:
            agent.crash()
            self.at(span.end, agent.boot)

    def _stall_agent(self, agent: SimAgent, until: int) -> None:
        if self.now >= agent.stalled_until:
            agent.stall(until, loses_time=self.rng.random() < 0.5)

    def _set_clock(self, agent: SimAgent, error_ms: int) -> None:
        """What it takes for the server's time becomes wrong, and right again."""
        agent.wrong_ms = error_ms
        self.at(self.now + self.rng.randrange(POLL_MS), agent.poll, agent.boots)

    def _stall_plane(self, plane: int, until: int) -> None:
        self._plane_stalled[plane] = until

    def _set_plane_clock(self, plane: int, error_ms: int) -> None:
        """A control plane's own clock steps; within half a minute it has measured the database's again."""
        self._plane_errors[plane] = error_ms
        for agent in self.agents:
            self.at(self.now + self.rng.randrange(POLL_MS), agent.poll, agent.boots)

    # -- what agents ask

    def time_error(self, agent: SimAgent) -> int:
        """How far off the server's time is that an agent learns from a poll."""
        plane = self.rng.choice(sorted(self.planes_up))
        half_trip = self.plan.latency_ms[agent.me.region_id] // 2 + 1
        return agent.wrong_ms + self._plane_errors[plane] + self.rng.randrange(-half_trip, half_trip)

    def assignments(self, region_id: int) -> tuple[int, list[Assignment]]:
        return self._revisions[region_id], self._assignments[region_id]

    def _assigned(self, region_id: int, cadences: dict[UUID, int]) -> list[Assignment]:
        return [
            Assignment(
                monitor_id=monitor.id,
                tenant_id=monitor.tenant_id,
                check_version=monitor.version,
                revision=self._revisions[region_id],
                check=HttpCheck(url=monitor.url, timeout=monitor.timeout),
                cadence=cadences.get(monitor.id, monitor.interval_s) * 1000,
                phase=monitor.phase(region_id),
                first_slot=monitor.first_slot,
            )
            for monitor in self.monitors.values()
            if monitor.enabled and region_id in monitor.regions
        ]

    def live_agents(self, region_id: int) -> list[UUID]:
        return self.backend.live_agents(region_id)

    def poke(self, region_id: int) -> None:
        """Something changed for the region: each of its agents sees it at its next poll."""
        for agent in self.by_region[region_id]:
            self.at(self.now + self.rng.randrange(POLL_MS), agent.poll, agent.boots)

    def hand_out(self, agent: SimAgent) -> None:
        """An agent's long poll for dispatches comes to an end, or goes on until the next one is due."""
        if not self.planes_up:
            agent.look_soon(1_000)
            return
        region_id = agent.me.region_id
        if not self.backend.may_hand_out(region_id):
            return
        self._arm_fault()
        try:
            due = self.backend.run(
                claim_dispatches(
                    self.backend.database,
                    None,  # type: ignore[arg-type] # re-checks carry no check to be opened
                    agent_id=AgentId(agent.me.id),
                    region_id=region_id,
                )
            )
        except Unavailable:
            agent.look_soon(1_000)
            return
        network = self.plan.faults.network
        if due.items:
            if not self._happens(network.loss):
                self.at(self.now + self.plan.latency_ms[region_id] // 2, agent.errands, due.items, agent.boots)
            agent.look_soon(self.plan.latency_ms[region_id] + 1)
        elif due.next_due_ms is not None:
            agent.look_soon(round(due.next_due_ms) + 1)

    # -- the network

    def _happens(self, share: float) -> bool:
        return share > 0 and self.now < self.plan.quiet_from and self.rng.random() < share

    def post(self, agent: SimAgent, request: Request) -> None:
        """Carry a batch to a control plane, once, twice, or never."""
        network = self.plan.faults.network
        if self._happens(network.loss):
            self.at(self.now + TIMEOUT_MS, agent.outbox.failed, request)
            return
        self._carry(agent, request)
        if self._happens(network.duplicates):
            self._carry(agent, request)

    def _carry(self, agent: SimAgent, request: Request) -> None:
        network = self.plan.faults.network
        delay = self.plan.latency_ms[agent.me.region_id] // 2
        if self._happens(network.delays):
            delay += min(self.rng.randrange(network.longest_delay), self.plan.quiet_from - self.now)
        if delay >= TIMEOUT_MS:
            self.at(self.now + TIMEOUT_MS, agent.outbox.failed, request)
        self.at(self.now + delay, self._arrive, agent, request)

    def _arrive(self, agent: SimAgent, request: Request) -> None:
        if not self.planes_up:
            agent.outbox.failed(request)
            return
        plane = self.rng.choice(sorted(self.planes_up)) if len(self.planes_up) > 1 else min(self.planes_up)
        stalled = self._plane_stalled[plane]
        if stalled > self.now:
            self.at(request.sent + TIMEOUT_MS, agent.outbox.failed, request)
            self.at(stalled, self._arrive, agent, request)
            return
        self._ingest(agent, request)

    # -- control planes

    def _arm_fault(self) -> None:
        """Choose what goes wrong with the next transaction."""
        faults = self.plan.faults
        if self._happens(faults.aborts):
            self.backend.fail_next(StoreFault("aborted", self.rng.randrange(25)))
        elif self._happens(faults.unknown_commits):
            self.backend.fail_next(StoreFault("unknown"))

    def _ingest(self, agent: SimAgent, request: Request) -> None:
        self._arm_fault()
        self._taking = request
        work = ingest_results(
            self.backend.database,
            agent.reporter,
            sent_at=request.sent_at,
            items=[seen.result for seen in request.batch],
        )
        try:
            ingested = self.backend.run(work)
        except Unavailable:
            agent.outbox.failed(request)
            return
        finally:
            self._taking = None
            self._pass_hints_on()
        if any(seen.result.dispatch_id for seen in request.batch):
            self._hint(agent.me.region_id)
        self._answer(agent, request, ingested.statuses)

    def _answer(self, agent: SimAgent, request: Request, statuses: tuple[str, ...]) -> None:
        is_late = self.now - request.sent >= TIMEOUT_MS
        if is_late or not agent.is_linked or self._happens(self.plan.faults.network.lost_answers):
            self.at(max(self.now, request.sent + TIMEOUT_MS), agent.outbox.failed, request)
            return
        if request.is_open:
            self.results += len(statuses)
            self.oracle.acknowledged(agent.me, request.batch, statuses)
        agent.outbox.acknowledged(request)

    def _judge(self, work: Callable[[SimDatabase], Coroutine[Any, Any, object]]) -> bool:
        """Let some control plane run a service that judges; whether it came through."""
        able = [plane for plane in sorted(self.planes_up) if self._plane_stalled[plane] <= self.now]
        if not able:
            return False
        self._arm_fault()
        try:
            self.backend.run(work(self.backend.database))
        except Unavailable:
            return False
        finally:
            self._pass_hints_on()
        return True

    def _judge_due(self, due: int) -> None:
        """The job of each second, at the first second at which it finds something."""
        self._dues.discard(due)
        if self._judge(judge_due):  # type: ignore[arg-type]
            return
        self._expect_due(self.now + JUDGE_MS)

    def _expect_due(self, due: int) -> None:
        if due not in self._dues:
            self._dues.add(due)
            self.at(due + self.rng.randrange(JUDGE_MS), self._judge_due, due)

    def _cover(self, window: Window) -> None:
        """A maintenance window begins; a control plane that could not do it then does it later."""
        if not self._judge(partial(self._covered, window=window)):
            self.at(self.now + JUDGE_MS, self._cover, window)

    async def _covered(self, database: SimDatabase, *, window: Window) -> None:
        ids = list(window.monitors)
        starts, ends_at = [from_unix_ms(window.start)] * len(ids), from_unix_ms(window.end)
        async with database.app_transaction() as conn:
            await conn.execute(maintenance_advance.COVER, window.tenant_id, window.id, ends_at, None, ids, starts)
            await judge_monitors(conn, ids)

    def _change(self, change: Change) -> None:
        """Somebody changes a monitor; if it does not come through, once more."""
        work = partial(
            change_monitor,
            sealer=None,  # type: ignore[arg-type] # no check is read or written
            tenant_id=TenantId(change.tenant_id),
            monitor_id=MonitorId(change.monitor_id),
            body=change.body,
            write_source="api",
            ports="any",
        )
        if not self._judge(work):
            self.at(self.now + JUDGE_MS, self._change, change)

    def _changed_monitor(self, row: dict[str, Any]) -> None:
        monitor = structs.replace(
            self.monitors[row["id"]],
            version=row["check_version"],
            first_slot=row["first_slot"],
            interval_s=row["interval_s"],
            regions=tuple(sorted(row["regions"])),
            confirmations=row["confirmations"],
            policy=Policy(row["region_policy"], row["region_policy_count"]),
            enabled=row["enabled"],
        )
        before, self.monitors[monitor.id] = self.monitors[monitor.id], monitor
        self.oracle.changed(before, monitor)

    def _sweep(self, plane: int) -> None:
        self.at(self.now + SWEEP_MS + self.rng.randrange(SWEEP_MS // 10), self._sweep, plane)
        if self.backend.may_be_stale(self.now):
            self._judge(sweep_verdicts)  # type: ignore[arg-type]

    def _purge(self) -> None:
        self.backend.purge(self.now)
        self.at(self.now + 10 * MINUTE, self._purge)

    def _committed(self, session: Committed) -> None:
        """A transaction committed, whatever its caller will hear of it."""
        for text, rows in session.writes:
            if text == decisions.TELL_OF_DISPATCHES:
                self._hints.update(rows)
            elif text == assignments_write.NOTIFY_REGIONS:
                self._changed.update(rows)
            elif text == decisions.TELL_JUDGES:
                self._judges_told = True
            elif text == decisions.SAVE_STATE:
                for row in rows:
                    if row[13] is not None:
                        self._expect_due(to_unix_ms(row[13]))
            elif text == monitors.UPDATE_MONITOR:
                self._changed_monitor(rows)
            elif text == maintenance_advance.COVER:
                self.oracle.covered(rows)
        self.oracle.committed(session.writes, self._taking)

    def _pass_hints_on(self) -> None:
        if self._hints:
            hints, self._hints = sorted(self._hints), set()
            for region_id in hints:
                self._hint(region_id)
        if self._changed:
            changed, self._changed = sorted(self._changed), set()
            for region_id in changed:
                self._revisions[region_id] += 1
                self._assignments[region_id] = self._assigned(region_id, self.backend.cadences(region_id))
                self.poke(region_id)
        if self._judges_told:
            self._judges_told = False
            if not self._happens(self.plan.faults.network.lost_hints):
                self.at(self.now + 2, self._judge, judge_followers)

    def _hint(self, region_id: int) -> None:
        """Long polls of the region look again; one that the hint did not reach does so within its 25 s."""
        for agent in self.by_region[region_id]:
            lost = self._happens(self.plan.faults.network.lost_hints)
            agent.look_soon(self.rng.randrange(25_000) if lost else 2)
