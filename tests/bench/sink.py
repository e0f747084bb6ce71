"""A control plane that hands out plain HTTP checks and counts what comes back; its CPU counts for nobody."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from control_plane.domain.schedule import phase_ms
from shared.checks.http import HttpCheck
from shared.protocol import Assignment
from shared.results import Outcome
from tests.bench.cpu import cpu_seconds, difference
from tests.bench.programs import program
from tests.bench.rotation import Turn
from tests.bench.world import AGENT
from tests.support.fake_control_plane import KEY, FakeControlPlane
from tests.support.seed import FIRST_SLOT, new_id


@dataclass(frozen=True, slots=True)
class Load:
    """So many monitors at such a cadence. `concurrency` bounds the checks under way."""

    monitors: int
    cadence_ms: int
    concurrency: int


class Sink(FakeControlPlane):
    """Knows its assignments from the start, so that no hint of a change ever makes the agent ask again."""

    def hold(self, assignment: Assignment) -> None:
        self.assignments[assignment.monitor_id] = assignment
        self._changed_at[assignment.monitor_id] = self._change


def _assignment(number: int, url: str, tenant_id: UUID, load: Load) -> Assignment:
    phase = phase_ms(tenant_id, number, region_index=0, region_count=1, interval_ms=load.cadence_ms)
    check = HttpCheck(url=url, timeout=1000)
    return Assignment(new_id(), tenant_id, 1, 1, check, load.cadence_ms, phase, FIRST_SLOT)


@asynccontextmanager
async def an_agent(directory: Path, url: str, load: Load) -> AsyncIterator[tuple[Sink, int]]:
    """A real agent process with its own new state, and what it reports to."""
    fake = Sink()
    tenant_id = new_id()
    for number in range(load.monitors):
        fake.hold(_assignment(number, url, tenant_id, load))
    directory.mkdir()  # noqa: ASYNC240 - nothing else runs yet
    async with fake.serving() as address:
        environment = {
            "FARWATCH_AGENT__URL": address,
            "FARWATCH_AGENT__KEY": KEY,
            "FARWATCH_AGENT__STATE_DIR": str(directory),
            "FARWATCH_AGENT__CONCURRENCY": str(load.concurrency),
            "FARWATCH_AGENT__TARGET_MAX_INFLIGHT": str(load.concurrency),
            "FARWATCH_AGENT__LOG_LEVEL": "error",
        }
        command = (sys.executable, "-m", "agent", "run")
        async with program(*command, log=directory / "agent.log", environment=environment) as process:
            yield fake, process.pid


async def agent_turn(directory: Path, url: str, load: Load, *, warm_s: float, window_s: float) -> Turn:
    """CPU of an agent over a window of steady work, per result that has arrived in it."""
    async with an_agent(directory, url, load) as (fake, pid):
        async with asyncio.timeout(30):
            while not fake.stored:  # noqa: ASYNC110 - it is another process
                await asyncio.sleep(0.05)
        await asyncio.sleep(warm_s)
        first, before = len(fake.stored), cpu_seconds({AGENT: pid})
        await asyncio.sleep(window_s)
        used, last = difference(before, cpu_seconds({AGENT: pid})), len(fake.stored)
        results = list(fake.stored.values())[first:last]
    wrong = sum(one.outcome is not Outcome.UP or one.http_status != 200 for one in results) + fake.duplicates
    return Turn(used, last - first, wrong, extra={"rate": (last - first) / window_s})
