"""The acknowledgement ledger, kept outside of the store: what was committed, what was acknowledged, what is there."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from shared.protocol import MAX_AGE_MS, MAX_FUTURE_MS
from shared.results import OUTCOMES, Outcome
from tests.simulation.plan import PlannedAgent

if TYPE_CHECKING:
    from tests.simulation.oracle import Oracle
    from tests.simulation.outbox import Request
    from tests.simulation.seen import Seen
    from tests.simulation.world import World

Key = tuple[UUID, int, int]
"""(monitor, region, slot)."""


class Ledger:
    def __init__(self, world: World, oracle: Oracle) -> None:
        self._world = world
        self._broken = oracle.broken
        self._real: dict[Key, bool] = {}
        """Stored slots: whether the row is a real result, no error."""
        self._acknowledged: dict[Key, Outcome] = {}

    def commit(self, request: Request) -> list[Seen]:
        """A batch was committed: those of its results that are real and new, or take an error's place."""
        now, batch, real, region_id = self._world.now, request.batch, self._real, request.region_id
        if len(batch) > 1:
            batch = sorted(batch, key=lambda seen: (seen.result.outcome is Outcome.ERROR, seen.result.slot))
        fresh: list[Seen] = []
        for seen in batch:
            result = seen.result
            if not now - MAX_AGE_MS <= result.slot <= now + MAX_FUTURE_MS:
                continue
            key = (result.monitor_id, region_id, result.slot)
            is_real = result.outcome is not Outcome.ERROR
            if real.get(key, False) or (key in real and not is_real):
                continue
            real[key] = is_real
            if is_real:
                fresh.append(seen)
        return fresh

    def acknowledged(self, agent: PlannedAgent, batch: list[Seen], statuses: tuple[str, ...]) -> None:
        """The agent has the answer and forgets the batch."""
        world = self._world
        if len(statuses) != len(batch):
            self._broken("ledger", f"{len(batch)} items, {len(statuses)} answers")
        for seen, status in zip(batch, statuses, strict=False):
            result = seen.result
            if not status.startswith("rejected"):
                self._acknowledged[result.monitor_id, agent.region_id, result.slot] = result.outcome
            world.trace.add(world.now, f"{agent.name} {world.monitors[result.monitor_id].name} {result.slot} {status}")

    def audit(self) -> None:
        """What was acknowledged is there, and nothing is that was never committed."""
        names = {monitor_id: monitor.name for monitor_id, monitor in self._world.monitors.items()}
        stored = self._world.backend.outcomes()
        for key, outcome in self._acknowledged.items():
            found = stored.get(key)
            if found is None:
                self._broken("ledger", f"{names[key[0]]} {key[1:]} was acknowledged and is not there")
            elif OUTCOMES[found] is Outcome.ERROR and outcome is not Outcome.ERROR:
                self._broken("ledger", f"{names[key[0]]} {key[1:]} was {outcome} and is an error")
        if stored.keys() != self._real.keys():
            self._broken("ledger", f"{len(stored.keys() ^ self._real.keys())} rows are not those that were committed")
