"""The control planes: the product's services, run when somebody asks and when their jobs come round.

All of them share one store, so which of them does something matters only for whether it is up, and what time it tells.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any

from control_plane.errors import Unavailable
from control_plane.services.fleet.hand_out_dispatches import claim_dispatches
from control_plane.services.fleet.ingest_results import ingest_results
from control_plane.services.judging.judge_due import judge_due, judge_followers
from control_plane.services.judging.judge_monitors import judge_monitors
from control_plane.services.judging.sweep_verdicts import sweep_verdicts
from control_plane.services.monitors.change_monitor import change_monitor
from control_plane.store import assignments_write, decisions, maintenance_advance, monitors
from shared.clock import from_unix_ms, to_unix_ms
from shared.ids import AgentId, MonitorId, TenantId
from tests.simulation.memory_store import Committed, SimDatabase, StoreFault
from tests.simulation.outbox import TIMEOUT_MS, Request
from tests.simulation.plan import Change, Window
from tests.simulation.sim_agent import SimAgent
from tests.simulation.truth import MINUTE

if TYPE_CHECKING:
    from tests.simulation.world import World

SWEEP_MS, JUDGE_MS = 15_000, 1_000


class Planes:
    """`up`: those that run. `errors`: by how many ms the time is off that each tells."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.up = set(range(world.plan.planes))
        self.errors = [0] * world.plan.planes
        self._stalled = [0] * world.plan.planes
        self._taking: Request | None = None
        self._hints: set[int] = set()
        self._changed: set[int] = set()
        self._dues: set[int] = set()
        self._judges_told = False

    def stall(self, plane: int, until: int) -> None:
        """It stands still until then: what it was asked waits."""
        self._stalled[plane] = until

    def receive(self, agent: SimAgent, request: Request) -> None:
        """A batch has arrived, at whichever of them is up."""
        world = self._world
        if not self.up:
            agent.outbox.failed(request)
            return
        plane = world.rng.choice(sorted(self.up)) if len(self.up) > 1 else min(self.up)
        stalled = self._stalled[plane]
        if stalled > world.now:
            world.at(request.sent + TIMEOUT_MS, agent.outbox.failed, request)
            world.at(stalled, self.receive, agent, request)
            return
        self._ingest(agent, request)

    def hand_out(self, agent: SimAgent) -> None:
        """An agent's long poll for dispatches comes to an end, or goes on until the next one is due."""
        if not self.up:
            agent.look_soon(1_000)
            return
        region_id = agent.me.region_id
        if not self._world.backend.may_hand_out(region_id):
            return
        self._arm_fault()
        try:
            due = self._world.backend.run(
                claim_dispatches(
                    self._world.backend.database,
                    None,  # type: ignore[arg-type] # re-checks carry no check to be opened
                    agent_id=AgentId(agent.me.id),
                    region_id=region_id,
                )
            )
        except Unavailable:
            agent.look_soon(1_000)
            return
        network = self._world.plan.faults.network
        if due.items:
            if not self._world.network.happens(network.loss):
                self._world.at(
                    self._world.now + self._world.plan.latency_ms[region_id] // 2, agent.errands, due.items, agent.boots
                )
            agent.look_soon(self._world.plan.latency_ms[region_id] + 1)
        elif due.next_due_ms is not None:
            agent.look_soon(round(due.next_due_ms) + 1)

    def _arm_fault(self) -> None:
        """Choose what goes wrong with the next transaction."""
        faults = self._world.plan.faults
        if self._world.network.happens(faults.aborts):
            self._world.backend.fail_next(StoreFault("aborted", self._world.rng.randrange(25)))
        elif self._world.network.happens(faults.unknown_commits):
            self._world.backend.fail_next(StoreFault("unknown"))

    def _ingest(self, agent: SimAgent, request: Request) -> None:
        self._arm_fault()
        self._taking = request
        work = ingest_results(
            self._world.backend.database,
            agent.reporter,
            sent_at=request.sent_at,
            items=[seen.result for seen in request.batch],
        )
        try:
            ingested = self._world.backend.run(work)
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
        is_late = self._world.now - request.sent >= TIMEOUT_MS
        if is_late or not agent.is_linked or self._world.network.happens(self._world.plan.faults.network.lost_answers):
            self._world.at(max(self._world.now, request.sent + TIMEOUT_MS), agent.outbox.failed, request)
            return
        if request.is_open:
            self._world.results += len(statuses)
            self._world.oracle.ledger.acknowledged(agent.me, request.batch, statuses)
        agent.outbox.acknowledged(request)

    def _judge(self, work: Callable[[SimDatabase], Coroutine[Any, Any, object]]) -> bool:
        """Let some control plane run a service that judges; whether it came through."""
        able = [plane for plane in sorted(self.up) if self._stalled[plane] <= self._world.now]
        if not able:
            return False
        self._arm_fault()
        try:
            self._world.backend.run(work(self._world.backend.database))
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
        self._expect_due(self._world.now + JUDGE_MS)

    def _expect_due(self, due: int) -> None:
        if due not in self._dues:
            self._dues.add(due)
            self._world.at(due + self._world.rng.randrange(JUDGE_MS), self._judge_due, due)

    def cover(self, window: Window) -> None:
        """A maintenance window begins; a control plane that could not do it then does it later."""
        if not self._judge(partial(self._covered, window=window)):
            self._world.at(self._world.now + JUDGE_MS, self.cover, window)

    async def _covered(self, database: SimDatabase, *, window: Window) -> None:
        ids = list(window.monitors)
        starts, ends_at = [from_unix_ms(window.start)] * len(ids), from_unix_ms(window.end)
        async with database.app_transaction() as conn:
            await conn.execute(maintenance_advance.COVER, window.tenant_id, window.id, ends_at, None, ids, starts)
            await judge_monitors(conn, ids)

    def change(self, change: Change) -> None:
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
            self._world.at(self._world.now + JUDGE_MS, self.change, change)

    def sweep(self, plane: int) -> None:
        """The job of every 15 s in one of them."""
        self._world.at(self._world.now + SWEEP_MS + self._world.rng.randrange(SWEEP_MS // 10), self.sweep, plane)
        if self._world.backend.may_be_stale(self._world.now):
            self._judge(sweep_verdicts)  # type: ignore[arg-type]

    def purge(self) -> None:
        """The job of retention, as far as anything here grows."""
        self._world.backend.purge(self._world.now)
        self._world.at(self._world.now + 10 * MINUTE, self.purge)

    def committed(self, session: Committed) -> None:
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
                self._world.changed(rows)
            elif text == maintenance_advance.COVER:
                self._world.oracle.covered(rows)
        self._world.oracle.committed(session.writes, self._taking)

    def _pass_hints_on(self) -> None:
        if self._hints:
            hints, self._hints = sorted(self._hints), set()
            for region_id in hints:
                self._hint(region_id)
        if self._changed:
            changed, self._changed = sorted(self._changed), set()
            for region_id in changed:
                self._world.assign(region_id)
        if self._judges_told:
            self._judges_told = False
            if not self._world.network.happens(self._world.plan.faults.network.lost_hints):
                self._world.at(self._world.now + 2, self._judge, judge_followers)

    def _hint(self, region_id: int) -> None:
        """Long polls of the region look again; one that the hint did not reach does so within its 25 s."""
        for agent in self._world.by_region[region_id]:
            lost = self._world.network.happens(self._world.plan.faults.network.lost_hints)
            agent.look_soon(self._world.rng.randrange(25_000) if lost else 2)
