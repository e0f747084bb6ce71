"""Is it the target or is it us? No `down` leaves before a self-test that began after its check ended has passed.

Tests: the event loop is on time, a resolver answers, there is a route to public addresses, a canary can be reached,
and there is a way out: the control plane's host can be reached, or a check succeeds meanwhile. Each counts from its
first success on, so a machine without internet has none of them and is healthy; until then it is tried aside, and
nobody waits for it. Only a failed lookup waits: it speaks against its target once a resolver answered something else.

A late loop judges nobody, but the agent counts as healthy until that has lasted: its share would fall on others that
are most likely as busy, and make them late in turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from time import perf_counter

from agent.health.lag import LagMeter

MIN_GAP_S = 1.0
"""At most one self-test in this time; it serves every result that waits."""

MAX_LAG_MS = 1000.0
LASTING_S = 30.0
"""An agent whose every self-test found it late for this long gives its share away."""

PROBE_TIMEOUT_S = 3.0
RESOLVERS = "resolver"
"""The name of the group whose answers are proof."""


@dataclass(frozen=True, slots=True)
class Health:
    """`can_judge`: whether a failure may be told as the target's; `resolves`: a resolver answered during this test."""

    is_healthy: bool
    reason: str | None = None
    can_judge: bool = True
    resolves: bool = False


@dataclass(slots=True)
class Probe:
    """One thing that worked before and has to go on working. `attempt` raises OSError when it does not."""

    name: str
    attempt: Callable[[], Awaitable[object]]
    is_due: Callable[[], bool] = lambda: True
    heard_at: Callable[[], float] = lambda: float("-inf")
    """When it last answered somebody else (perf_counter)."""

    is_counted: bool = False
    trouble: str | None = None
    _answered_at: float = float("-inf")

    def has_answered_since(self, instant: float) -> bool:
        return max(self._answered_at, self.heard_at()) >= instant

    async def run(self) -> None:
        try:
            async with asyncio.timeout(PROBE_TIMEOUT_S):
                await self.attempt()
        except (OSError, ValueError, OverflowError) as error:  # the latter: a canary that is no address at all
            self.trouble = str(error) or type(error).__name__
        else:
            self.is_counted, self.trouble = True, None
            self._answered_at = perf_counter()


class SelfTest:
    """`groups`: the resolvers, the canaries; a group fails when none of its counted probes passes."""

    def __init__(self, *, groups: dict[str, Iterable[Probe]], lag: LagMeter) -> None:
        self.health = Health(is_healthy=True)
        self.runs = 0
        self._groups = groups
        self._lag = lag
        self._started_at = float("-inf")
        self._late_since: float | None = None
        self._is_proof_wanted = False
        self._next: asyncio.Task[Health] | None = None
        self._recruiting: asyncio.Future[list[None]] | None = None
        self._on_change: Callable[[], None] = lambda: None

    def on_change(self, call: Callable[[], None]) -> None:
        self._on_change = call

    async def after_now(self, *, prove_resolver: bool = False) -> Health:
        """The result of a self-test that starts after this call, shared with everyone who waits for the same.

        `prove_resolver`: it also asks the resolvers that have never answered, and waits for them.
        """
        self._is_proof_wanted |= prove_resolver
        if self._next is None:
            self._next = asyncio.create_task(self._run_in_turn())
        return await asyncio.shield(self._next)

    async def _run_in_turn(self) -> Health:
        await asyncio.sleep(max(0.0, self._started_at + MIN_GAP_S - perf_counter()))
        self._next = None  # who comes from here on needs a later one
        self._started_at = perf_counter()
        self.runs += 1
        groups = {name: list(probes) for name, probes in self._groups.items()}
        probes = [probe for group in groups.values() for probe in group]
        asked = [probe for probe in probes if probe.is_counted]
        if self._is_proof_wanted:
            asked += [probe for probe in groups.get(RESOLVERS, ()) if not probe.is_counted]
        self._is_proof_wanted = False
        await asyncio.gather(*(probe.run() for probe in asked))
        self._recruit([probe for probe in probes if probe not in asked and probe.is_due()])
        before, self.health = self.health, self._judge(groups)
        if before.is_healthy != self.health.is_healthy:
            self._on_change()
        return self.health

    def _recruit(self, probes: Sequence[Probe]) -> None:
        """Try what has never worked, beside the test, once at a time."""
        if probes and (self._recruiting is None or self._recruiting.done()):
            self._recruiting = asyncio.gather(*(probe.run() for probe in probes))

    def _judge(self, groups: dict[str, list[Probe]]) -> Health:
        is_lasting = self._is_late_for_long(lag := self._lag.worst_since(self._started_at - 5.0))
        reason = f"This agent is overloaded: its loop was {lag:.0f} ms late"
        late = Health(is_healthy=not is_lasting, reason=reason, can_judge=False)
        if self._lag.worst_since(self._started_at) > MAX_LAG_MS:
            return late  # while we stood still nobody could be heard
        for name, probes in groups.items():
            counted = [probe for probe in probes if probe.is_counted]
            if counted and not any(self._works(probe) for probe in counted):
                details = "; ".join(f"{probe.name}: {probe.trouble}" for probe in counted[:3])
                return Health(is_healthy=False, reason=f"No {name} works ({details})", can_judge=False)
        if lag > MAX_LAG_MS:
            return late
        resolves = any(probe.has_answered_since(self._started_at) for probe in groups.get(RESOLVERS, ()))
        return Health(is_healthy=True, resolves=resolves)

    def _works(self, probe: Probe) -> bool:
        """It passed, or answered somebody else while we asked."""
        return probe.trouble is None or probe.has_answered_since(self._started_at)

    def _is_late_for_long(self, lag: float) -> bool:
        if lag <= MAX_LAG_MS:
            self._late_since = None
            return False
        if self._late_since is None:
            self._late_since = self._started_at
        return self._started_at - self._late_since >= LASTING_S
