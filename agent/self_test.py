"""Is it the target or is it us? No `down` leaves before a self-test that began after its check ended has passed.

Tests: the event loop is on time, a resolver answers, a canary can be reached. A resolver or canary counts from its
first success on, so a machine without internet has none of them and is healthy; until then it is tried aside, and
nobody waits for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from time import perf_counter

from agent.lag import LagMeter

MIN_GAP_S = 1.0
"""At most one self-test in this time; it serves every result that waits."""

MAX_LAG_MS = 1000.0
PROBE_TIMEOUT_S = 3.0


@dataclass(frozen=True, slots=True)
class Health:
    is_healthy: bool
    reason: str | None = None


@dataclass(slots=True)
class Probe:
    """One thing that worked before and has to go on working. `attempt` raises OSError when it does not."""

    name: str
    attempt: Callable[[], Awaitable[object]]
    is_due: Callable[[], bool] = lambda: True
    is_counted: bool = False
    trouble: str | None = None

    async def run(self) -> None:
        try:
            async with asyncio.timeout(PROBE_TIMEOUT_S):
                await self.attempt()
        except OSError as error:
            self.trouble = str(error) or type(error).__name__
        else:
            self.is_counted, self.trouble = True, None


class SelfTest:
    """`groups`: the resolvers, the canaries; a group fails when none of its counted probes passes."""

    def __init__(self, *, groups: dict[str, Sequence[Probe]], lag: LagMeter) -> None:
        self.health = Health(is_healthy=True)
        self.runs = 0
        self._groups = groups
        self._lag = lag
        self._started_at = float("-inf")
        self._next: asyncio.Task[Health] | None = None
        self._recruiting: asyncio.Future[list[None]] | None = None
        self._on_change: Callable[[], None] = lambda: None

    def on_change(self, call: Callable[[], None]) -> None:
        self._on_change = call

    async def after_now(self) -> Health:
        """The result of a self-test that starts after this call, shared with everyone who waits for the same."""
        if self._next is None:
            self._next = asyncio.create_task(self._run_in_turn())
        return await asyncio.shield(self._next)

    async def _run_in_turn(self) -> Health:
        await asyncio.sleep(max(0.0, self._started_at + MIN_GAP_S - perf_counter()))
        self._next = None  # who comes from here on needs a later one
        self._started_at = perf_counter()
        self.runs += 1
        probes = [probe for group in self._groups.values() for probe in group]
        await asyncio.gather(*(probe.run() for probe in probes if probe.is_counted))
        self._recruit([probe for probe in probes if not probe.is_counted and probe.is_due()])
        before, self.health = self.health, self._judge()
        if before.is_healthy != self.health.is_healthy:
            self._on_change()
        return self.health

    def _recruit(self, probes: Sequence[Probe]) -> None:
        """Try what has never worked, beside the test, once at a time."""
        if probes and (self._recruiting is None or self._recruiting.done()):
            self._recruiting = asyncio.gather(*(probe.run() for probe in probes))

    def _judge(self) -> Health:
        lag = self._lag.worst_since(self._started_at - 5.0)
        if lag > MAX_LAG_MS:
            return Health(is_healthy=False, reason=f"This agent is overloaded: its loop was {lag:.0f} ms late")
        for name, probes in self._groups.items():
            counted = [probe for probe in probes if probe.is_counted]
            if counted and all(probe.trouble for probe in counted):
                details = "; ".join(f"{probe.name}: {probe.trouble}" for probe in counted[:3])
                return Health(is_healthy=False, reason=f"No {name} answers ({details})")
        return Health(is_healthy=True)
