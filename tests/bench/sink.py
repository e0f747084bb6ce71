"""A control plane that hands out checks and counts what comes back; its CPU counts for nobody."""

from __future__ import annotations

import asyncio
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from control_plane.domain.judging.schedule import phase_ms
from shared.checks import Check
from shared.protocol import Assignment
from shared.results import CheckResult, Detail, Outcome
from tests.bench.cpu import cpu_seconds, difference
from tests.bench.programs import program
from tests.bench.rotation import Turn
from tests.bench.world import AGENT
from tests.support.fake_control_plane import KEY, FakeControlPlane
from tests.support.seed import FIRST_SLOT, new_id

RightOrNot = Callable[[CheckResult], bool]

_FIRST_RESULT_S = 60.0


@dataclass(frozen=True, slots=True)
class Load:
    """One monitor per check, in the order given, all at one cadence; every `tenants`-th belongs to one tenant.

    `concurrency` bounds the checks under way. `settings`: others of the agent's, by name.
    """

    checks: Sequence[Check]
    cadence_ms: int
    concurrency: int
    tenants: Sequence[UUID] = field(default_factory=lambda: (new_id(),))
    settings: Mapping[str, str] = field(default_factory=dict)


class Sink(FakeControlPlane):
    """Knows its assignments from the start, so that no hint of a change ever makes the agent ask again."""

    def hold(self, assignment: Assignment) -> None:
        self.assignments[assignment.monitor_id] = assignment
        self._changed_at[assignment.monitor_id] = self._change

    def results(self, first: int = 0) -> list[CheckResult]:
        """In the order of their arrival, from the `first` on."""
        return list(self.stored.values())[first:]


def assignments(load: Load) -> list[Assignment]:
    """The monitors of a load, evenly spread over the cadence as the control plane spreads them."""
    made = []
    for number, check in enumerate(load.checks):
        tenant_id = load.tenants[number % len(load.tenants)]
        phase = phase_ms(load.tenants[0], number, region_index=0, region_count=1, interval_ms=load.cadence_ms)
        made.append(Assignment(new_id(), tenant_id, 1, 1, check, load.cadence_ms, phase, FIRST_SLOT))
    return made


def sink_for(load: Load) -> Sink:
    sink = Sink()
    for assignment in assignments(load):
        sink.hold(assignment)
    return sink


@asynccontextmanager
async def agent_process(directory: Path, address: str, load: Load) -> AsyncIterator[asyncio.subprocess.Process]:
    """A real agent with its state in `directory`, which may hold that of an earlier one."""
    settings = {
        "url": address,
        "key": KEY,
        "state_dir": str(directory),
        "concurrency": str(load.concurrency),
        "target_max_inflight": str(load.concurrency),
        "log_level": "error",
        **load.settings,
    }
    environment = {f"FARWATCH_AGENT__{name.upper()}": value for name, value in settings.items()}
    directory.mkdir(exist_ok=True)  # noqa: ASYNC240 - nothing else runs yet
    command = (sys.executable, "-m", "agent", "run")
    async with program(*command, log=directory / "agent.log", environment=environment) as process:
        yield process


@asynccontextmanager
async def an_agent(directory: Path, load: Load, *, core: int | None = None) -> AsyncIterator[tuple[Sink, int]]:
    """A real agent process with its own new state, on one `core` alone if so wanted, and what it reports to."""
    sink = sink_for(load)
    async with sink.serving() as address, agent_process(directory, address, load) as process:
        if core is not None:
            os.sched_setaffinity(process.pid, {core})
        yield sink, process.pid


async def first_result(sink: Sink) -> None:
    """Until something has been seen. Raises TimeoutError."""
    async with asyncio.timeout(_FIRST_RESULT_S):
        while not sink.stored:  # noqa: ASYNC110 - it is another process
            await asyncio.sleep(0.05)


def is_up(result: CheckResult) -> bool:
    return result.outcome is Outcome.UP


def detail_of(result: CheckResult) -> Detail:
    """Its rarer parts; without any, an empty one."""
    return result.detail or Detail()


async def agent_turn(
    directory: Path, load: Load, *, warm_s: float, window_s: float, is_right: RightOrNot = is_up
) -> Turn:
    """CPU of an agent over a window of steady work, per result that has arrived in it."""
    async with an_agent(directory, load) as (sink, pid):
        await first_result(sink)
        await asyncio.sleep(warm_s)
        first, before = len(sink.stored), cpu_seconds({AGENT: pid})
        await asyncio.sleep(window_s)
        used, last = difference(before, cpu_seconds({AGENT: pid})), len(sink.stored)
        results = sink.results(first)[: last - first]
        duplicates = sink.duplicates  # not later: an agent that stops sends what it has no receipt for once more
    wrong = [result for result in results if not is_right(result)]
    return Turn(
        used,
        last - first,
        len(wrong) + duplicates,
        extra={"rate": (last - first) / window_s},
        because=reasons(wrong, duplicates=duplicates),
    )


def reasons(wrong: Iterable[CheckResult], *, duplicates: int = 0) -> Counter[str]:
    """What wrong answers said, for whoever has to find out why."""
    told = Counter(f"{each.outcome}, {each.reason}: {detail_of(each).message or each.http_status}" for each in wrong)
    if duplicates:
        told["sent twice"] = duplicates
    return told
