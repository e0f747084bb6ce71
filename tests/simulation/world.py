"""The world: one clock, one queue of what happens next, one source of chance, and the product's services between them.

Agents post results through a network that loses, doubles and delays; control planes take them, one after another; the
sweep runs in each of them. Everything that decides is the product's own code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from heapq import heappop, heappush
from random import Random
from typing import Any
from uuid import UUID

from msgspec import structs

from control_plane.domain.judging.verdict import Policy
from control_plane.services.installation import identity
from control_plane.services.judging.sole_votes import STALE
from shared.checks.http import HttpCheck
from shared.protocol import Assignment
from tests.simulation.backend import Backend
from tests.simulation.mishaps import Mishaps
from tests.simulation.network import Network
from tests.simulation.oracle import Oracle
from tests.simulation.plan import Plan
from tests.simulation.planes import JUDGE_MS, SWEEP_MS, Planes
from tests.simulation.sim_agent import POLL_MS, SimAgent
from tests.simulation.trace import Trace
from tests.simulation.truth import MINUTE


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
        self.network = Network(self)
        self.planes = Planes(self)
        self.results = 0
        self._queue: list[tuple[int, int, Callable[..., object], tuple[Any, ...]]] = []
        self._count = 0
        self._revisions = dict.fromkeys(plan.regions, 1)
        self._assignments = {region_id: self._assigned(region_id, {}) for region_id in plan.regions}

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
        backend.on_commit(self.planes.committed)
        for agent in self.agents:
            agent.boot()
        for plane in range(plan.planes):
            self.at(self.now + rng.randrange(SWEEP_MS), self.planes.sweep, plane)
        self.at(self.now + 10 * MINUTE, self.planes.purge)
        self.at(plan.end + 1, lambda: None)
        self.oracle.begin()
        Mishaps(self).begin()
        for change in plan.changes:
            self.at(change.at, self.planes.change, change)
        for window in plan.windows:
            self.at(window.start + rng.randrange(JUDGE_MS), self.planes.cover, window)

    # -- what agents ask

    def time_error(self, agent: SimAgent) -> int:
        """How far off the server's time is that an agent learns from a poll."""
        plane = self.rng.choice(sorted(self.planes.up))
        half_trip = self.plan.latency_ms[agent.me.region_id] // 2 + 1
        return agent.wrong_ms + self.planes.errors[plane] + self.rng.randrange(-half_trip, half_trip)

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
            self.soon(agent)

    def soon(self, agent: SimAgent) -> None:
        """Its next poll comes round."""
        self.at(self.now + self.rng.randrange(POLL_MS), agent.poll, agent.boots)

    def assign(self, region_id: int) -> None:
        """The region's assignments changed."""
        self._revisions[region_id] += 1
        self._assignments[region_id] = self._assigned(region_id, self.backend.cadences(region_id))
        self.poke(region_id)

    def changed(self, row: dict[str, Any]) -> None:
        """A monitor was changed: the parameters of the statement that did it."""
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
