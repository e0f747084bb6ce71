"""Faults that last for a time, made to happen when the plan says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.simulation.faults import Span
from tests.simulation.sim_agent import SimAgent

if TYPE_CHECKING:
    from tests.simulation.world import World


class Mishaps:
    def __init__(self, world: World) -> None:
        self._world = world

    def begin(self) -> None:
        """Let everything that is planned happen."""
        world, at = self._world, self._world.at
        faults = world.plan.faults
        for span in faults.partitions:
            for agent in world.by_region[span.who + 1]:
                at(span.start, agent.cut)
                at(span.end, agent.mend)
        for span in faults.agent_crashes:
            at(span.start, self._crash_agent, world.agents[span.who], span)
        for span in faults.agent_stalls:
            at(span.start, self._stall_agent, world.agents[span.who], span.end)
        for span in faults.plane_stalls:
            at(span.start, world.planes.stall, span.who, span.end)
        for span in faults.unwell_agents:
            at(span.start, world.agents[span.who].sicken)
            at(span.end, world.agents[span.who].recover)
        for span in faults.wrong_clocks:
            at(span.start, self._set_clock, world.agents[span.who], span.size)
            at(span.end, self._set_clock, world.agents[span.who], 0)
        for span in faults.plane_crashes:
            at(span.start, world.planes.up.discard, span.who)
            at(span.end, world.planes.up.add, span.who)
        for span in faults.plane_clocks:
            at(span.start, self._set_plane_clock, span.who, span.size)
            at(span.end, self._set_plane_clock, span.who, 0)
        self._unsettle()

    def _unsettle(self) -> None:
        """Tell the oracle which regions' word cannot be counted on, and when."""
        world, at = self._world, self._world.at
        faults, unsettle = world.plan.faults, world.oracle.deadlines.unsettle
        for span in faults.partitions:
            at(span.start, unsettle, span.who + 1, span.end)
        for span in (*faults.agent_crashes, *faults.agent_stalls, *faults.unwell_agents, *faults.wrong_clocks):
            at(span.start, unsettle, world.agents[span.who].me.region_id, span.end)
        for span in (*faults.plane_crashes, *faults.plane_stalls, *faults.plane_clocks):
            for region_id in world.by_region:
                at(span.start, unsettle, region_id, span.end)

    def _crash_agent(self, agent: SimAgent, span: Span) -> None:
        if agent.is_up:
            agent.crash()
            self._world.at(span.end, agent.boot)

    def _stall_agent(self, agent: SimAgent, until: int) -> None:
        if self._world.now >= agent.stalled_until:
            agent.stall(until, loses_time=self._world.rng.random() < 0.5)

    def _set_clock(self, agent: SimAgent, error_ms: int) -> None:
        """What it takes for the server's time becomes wrong, and right again."""
        agent.wrong_ms = error_ms
        self._world.soon(agent)

    def _set_plane_clock(self, plane: int, error_ms: int) -> None:
        """A control plane's own clock steps; within half a minute it has measured the database's again."""
        self._world.planes.errors[plane] = error_ms
        for agent in self._world.agents:
            self._world.soon(agent)
