"""The checking itself: schedule, runner and their clockwork, in the process that this is built in.

`Work` is what the session asks of it; `LocalWork` does it here, `agent.workers.crew.Crew` in several processes.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable, Mapping
from time import perf_counter
from typing import Protocol
from uuid import UUID

from msgspec import Struct

from agent.checks import crowd_of
from agent.checks.check import CheckContext
from agent.health.lag import LagMeter
from agent.health.self_test import SelfTest
from agent.link.server_clock import ServerClock
from agent.runner import Deliver, Runner
from agent.schedule.crowds import Crowds
from agent.schedule.jobs import Entry, Errand
from agent.schedule.scheduler import Scheduler
from agent.settings import AgentSettings
from agent.tally import Tally
from shared.protocol import Assignment, Dispatch, RegionGrant

_IDLE_MS = 1000
"""The schedule is looked at this often even when nothing is due. Waits are whole ms, the loop's own resolution: one
that ends a little too early would be followed by many more."""


class Held(Protocol):
    """An assignment in somebody's hands."""

    @property
    def assignment(self) -> Assignment: ...


class WorkStats(Struct, frozen=True):
    """How the work goes. Counts since the start; `late_ms`, `lag_ms`: the worst since the last look anew."""

    gaps: int = 0
    crowded_gaps: int = 0
    crowded: int = 0
    """Checks that wait for others at the same target."""
    running: int = 0
    saturation: float = 0.0
    """Share of the places in use."""
    late_ms: float = 0.0
    """How late checks started."""
    lag_ms: float = 0.0
    """How late the event loop was."""


class Work(Protocol):
    """What runs an agent's checks. Everything is told to it; `wake` after changes of the schedule or the clock."""

    paused: str | None

    @property
    def entries(self) -> Mapping[UUID, Held]: ...
    @property
    def health_reason(self) -> str | None:
        """Why it cannot judge, in words; None while its self-test passes."""
        ...

    async def start(self) -> None: ...
    async def replace(self, assignments: Iterable[Assignment]) -> None: ...
    def put(self, assignment: Assignment) -> None: ...
    def remove(self, monitor_id: UUID) -> None: ...
    async def share_among(self, agents: Iterable[UUID], me: UUID) -> None: ...
    def send(self, dispatch: Dispatch) -> None: ...
    def clock_set_back(self) -> None: ...
    def take_grant(self, grant: RegionGrant) -> None: ...
    def wake(self) -> None: ...
    def look(self, *, anew: bool = False) -> WorkStats:
        """How it goes; `anew` begins the worst figures afresh."""
        ...

    def tidy(self) -> None: ...
    async def drain(self, seconds: float) -> None: ...
    async def stop(self) -> None: ...


class LocalWork:
    """Work in this process. `deliver` gets every result; `context_of` makes what checks run with under a grant."""

    def __init__(
        self,
        *,
        settings: AgentSettings,
        me: UUID,
        grant: RegionGrant,
        context_of: Callable[[RegionGrant], CheckContext],
        clock: ServerClock,
        self_test: SelfTest,
        lag: LagMeter,
        tally: Tally,
        deliver: Deliver,
        concurrency: int,
    ) -> None:
        crowds: Crowds[Entry | Errand] = Crowds(
            crowd_of=crowd_of, per_target=settings.target_max_inflight, per_registry=settings.rdap_max_inflight
        )
        self.scheduler = Scheduler(me=me, now_ms=clock.now_ms, crowds=crowds)
        self._context_of = context_of
        self._context = context_of(grant)
        self.runner = Runner(
            scheduler=self.scheduler,
            context=lambda: self._context,
            self_test=self_test,
            lag=lag,
            tally=tally,
            deliver=deliver,
            concurrency=concurrency,
        )
        self._clock = clock
        self._self_test = self_test
        self._lag = lag
        self._looked_at = perf_counter()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def entries(self) -> Mapping[UUID, Held]:
        return self.scheduler.entries

    @property
    def paused(self) -> str | None:
        return self.scheduler.paused

    @paused.setter
    def paused(self, reason: str | None) -> None:
        self.scheduler.paused = reason

    @property
    def health_reason(self) -> str | None:
        health = self._self_test.health
        return None if health.is_healthy else health.reason or "the self-test fails"

    async def start(self) -> None:
        self.wake()

    async def replace(self, assignments: Iterable[Assignment]) -> None:
        await self.scheduler.replace(assignments)

    def put(self, assignment: Assignment) -> None:
        self.scheduler.put(assignment)

    def remove(self, monitor_id: UUID) -> None:
        self.scheduler.remove(monitor_id)

    async def share_among(self, agents: Iterable[UUID], me: UUID) -> None:
        await self.scheduler.share_among(agents, me)

    def send(self, dispatch: Dispatch) -> None:
        self.scheduler.send(dispatch)

    def clock_set_back(self) -> None:
        self.scheduler.clock_set_back()

    def take_grant(self, grant: RegionGrant) -> None:
        """From the next check on it is the policy."""
        self._context = self._context_of(grant)

    def wake(self) -> None:
        """Start what is due and come back when the next thing is."""
        if self._timer is not None:
            self._timer.cancel()
        self.scheduler.advance()
        self.runner.pump()
        next_at = self.scheduler.next_at()
        wait = _IDLE_MS if next_at is None else min(math.ceil(next_at - self._clock.now_ms()) + 1, _IDLE_MS)
        self._timer = asyncio.get_running_loop().call_later(max(wait, 1) / 1000, self.wake)

    def look(self, *, anew: bool = False) -> WorkStats:
        scheduler, runner = self.scheduler, self.runner
        stats = WorkStats(
            gaps=scheduler.gaps,
            crowded_gaps=scheduler.crowded_gaps,
            crowded=scheduler.crowds.waiting,
            running=runner.running,
            saturation=runner.saturation,
            late_ms=max(0.0, scheduler.lag_ms),
            lag_ms=self._lag.worst_since(self._looked_at),
        )
        if anew:
            scheduler.lag_ms, self._looked_at = 0.0, perf_counter()
        return stats

    def tidy(self) -> None:
        self.runner.forget_others(self.scheduler.entries)

    async def drain(self, seconds: float) -> None:
        """Start nothing more, and let what is under way end, for so long at most."""
        self.scheduler.paused = "leaving"
        await self.runner.drain(seconds)

    async def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        self.scheduler.paused = "stopping"
        await self.runner.stop()
