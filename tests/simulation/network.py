"""The way between agents and control planes: it loses, doubles, delays and so reorders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.simulation.outbox import TIMEOUT_MS, Request
from tests.simulation.sim_agent import SimAgent

if TYPE_CHECKING:
    from tests.simulation.world import World


class Network:
    def __init__(self, world: World) -> None:
        self._world = world

    def happens(self, share: float) -> bool:
        """Draw whether something that happens to this share of messages happens to this one."""
        world = self._world
        return share > 0 and world.now < world.plan.quiet_from and world.rng.random() < share

    def post(self, agent: SimAgent, request: Request) -> None:
        """Carry a batch to a control plane, once, twice, or never."""
        world = self._world
        network = world.plan.faults.network
        if self.happens(network.loss):
            world.at(world.now + TIMEOUT_MS, agent.outbox.failed, request)
            return
        self._carry(agent, request)
        if self.happens(network.duplicates):
            self._carry(agent, request)

    def _carry(self, agent: SimAgent, request: Request) -> None:
        world = self._world
        network = world.plan.faults.network
        delay = world.plan.latency_ms[agent.me.region_id] // 2
        if self.happens(network.delays):
            delay += min(world.rng.randrange(network.longest_delay), world.plan.quiet_from - world.now)
        if delay >= TIMEOUT_MS:
            world.at(world.now + TIMEOUT_MS, agent.outbox.failed, request)
        world.at(world.now + delay, world.planes.receive, agent, request)
