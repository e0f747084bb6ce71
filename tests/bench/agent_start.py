"""How long the agent's command takes to say anything, and what an import of the whole agent costs."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from time import perf_counter

from tests.bench.figure import Figure, Row
from tests.bench.options import Options

ROOT = Path(__file__).parents[2]
LIMIT_MS = 400.0

_COMMANDS = {
    "bare interpreter": ("-c", "pass"),
    "import agent.__main__": ("-c", "import agent.__main__"),
    "farwatch-agent --help": ("-m", "agent", "--help"),
    "import agent.app, all that `run` needs": ("-c", "import agent.app"),
}


async def measure(options: Options) -> Figure:
    """Wall clock of a process from its start to its end, files in the page cache."""
    taken: dict[str, list[float]] = {what: [] for what in _COMMANDS}
    for _ in range(options.rounds + 1):
        for what, arguments in _COMMANDS.items():
            taken[what].append(await asyncio.to_thread(_time, arguments))
    conditions = ["each a process of its own, in turn; the first round warms the page cache and is left out"]
    figure = Figure("agent-start", "The agent's start", conditions, checked=options.rounds * len(_COMMANDS))
    for what, values in taken.items():
        limit = None if what == "bare interpreter" else LIMIT_MS
        figure.rows.append(Row(what, "ms", values[1:], target=limit))
    return figure


def _time(arguments: tuple[str, ...]) -> float:
    before = perf_counter()
    subprocess.run([sys.executable, *arguments], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return (perf_counter() - before) * 1000
