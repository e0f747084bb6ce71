"""How quickly the agent's command is there, and what an agent without work holds."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

from tests.bench import rotation
from tests.bench.cpu import cpu_seconds
from tests.bench.figure import Figure, Row
from tests.bench.options import Options
from tests.bench.programs import output_of
from tests.bench.restart import resident_bytes
from tests.bench.rotation import Turn
from tests.bench.sink import Load, an_agent
from tests.bench.world import AGENT, scratch

_COMMANDS = {
    "python -c pass": ("-c", "pass"),
    "import agent.__main__": ("-c", "import agent.__main__"),
    "farwatch-agent --help": ("-m", "agent", "--help"),
    "import agent.app, which runs it": ("-c", "import agent.app"),
}
_MEGABYTE = 1_000_000


async def measure(options: Options) -> Figure:
    figure = Figure(
        "Light",
        "The agent's start and rest",
        [
            "time by the clock until a fresh process has ended, modules compiled before",
            "idle: an agent without assignments, resident, and its share of a core over some seconds",
        ],
    )
    for command in _COMMANDS.values():
        await output_of(sys.executable, *command)
    contestants: dict[str, Callable[[], Awaitable[Turn]]] = {name: _starting(name) for name in _COMMANDS}
    turns = await rotation.rotate(contestants, rounds=options.scaled(4, quick=1) * options.rounds)
    for name, each in turns.items():
        most = 0.4 if name.startswith(("import agent.__main__", "farwatch")) else None
        figure.rows.append(Row(name, "s", [turn.extra["seconds"] for turn in each], most))
    async with AsyncExitStack() as stack:
        directory = await stack.enter_async_context(scratch())
        idle = [await _idle(directory / f"idle-{n}", options.scaled(10, quick=3)) for n in range(1)]
    figure.rows.append(Row("idle, resident", "MB", [turn.extra["resident"] for turn in idle], 60.0))
    figure.rows.append(Row("idle, share of a core", "%", [turn.extra["share"] for turn in idle]))
    figure.book([*(turn for each in turns.values() for turn in each), *idle])
    return figure


def _starting(name: str) -> Callable[[], Awaitable[Turn]]:
    async def turn() -> Turn:
        begun = time.perf_counter()
        await output_of(sys.executable, *_COMMANDS[name])
        return Turn({}, 1, extra={"seconds": time.perf_counter() - begun})

    return turn


async def _idle(directory: Path, window_s: float) -> Turn:
    async with an_agent(directory, Load((), 10_000, concurrency=500)) as (sink, pid):
        async with asyncio.timeout(60):
            while not sink.observations:  # noqa: ASYNC110 - it is another process
                await asyncio.sleep(0.05)
        before = cpu_seconds({AGENT: pid})[AGENT]
        await asyncio.sleep(window_s)
        used = cpu_seconds({AGENT: pid})[AGENT] - before
        held = resident_bytes(pid) / _MEGABYTE
        wrong = int(not all(each.healthy for each in sink.observations))
    return Turn({}, 1, wrong, extra={"resident": held, "share": 100 * used / window_s})
