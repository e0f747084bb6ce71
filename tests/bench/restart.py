"""S9 and S13, the agent's: what a hundred thousand assignments weigh, and how it begins again with them."""

from __future__ import annotations

import asyncio
import itertools
import re
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from uuid import UUID

from shared.checks.http import HttpCheck
from tests.bench import rotation
from tests.bench.figure import Figure, Row
from tests.bench.options import Options
from tests.bench.rotation import Turn
from tests.bench.sink import Load, Sink, agent_process, is_up, reasons, sink_for
from tests.bench.timed import timed
from tests.bench.world import scratch

CADENCE_MS = 60_000
TENANTS = 1000
_MIB = 1024 * 1024


async def measure(options: Options) -> Figure:
    count = options.scaled(100_000, quick=3000)
    figure = Figure(
        "S13",
        "Restart and memory",
        [
            (
                f"{count} assignments of {TENANTS} tenants at distinct URLs, every {CADENCE_MS // 1000} s, plain HTTP"
                " on loopback"
            ),
            (
                "memory: resident, while it runs them, before and after a restart; the restart is a SIGTERM and a new"
                " process on the same state"
            ),
            "first check: from the start of the new process to its first request at the target",
            "peak and mean: requests a second at the target, from that first one on",
        ],
    )
    async with AsyncExitStack() as stack:
        directory = await stack.enter_async_context(scratch())
        turns = await rotation.rotate(_contestants(directory, count, options), rounds=options.rounds)
    _fill(figure, turns["agent"])
    return figure


def _contestants(directory: Path, count: int, options: Options) -> dict[str, Callable[[], Awaitable[Turn]]]:
    window_s, numbers = options.scaled(10, quick=3), itertools.count()
    return {"agent": lambda: _turn(directory / f"turn-{next(numbers)}", count, window_s)}


async def _turn(directory: Path, count: int, window_s: float) -> Turn:
    directory.mkdir()  # noqa: ASYNC240 - nothing else runs yet
    async with timed(directory / "target", delay_s=0) as site:
        load = _load(site.url, count)
        sink = sink_for(load)
        async with sink.serving() as address:
            async with agent_process(directory / "agent", address, load) as process:
                await _until_saved(directory / "agent", sink)
                await asyncio.sleep(window_s)
                before = resident_bytes(process.pid)
            begun, stored = time.time(), len(sink.stored)
            async with agent_process(directory / "agent", address, load) as process:
                await _until_more(sink, stored)
                await asyncio.sleep(window_s)
                after, results = resident_bytes(process.pid), sink.results()
    seconds = _per_second([instant for instant in site.record().came if instant >= begun])
    wrong = [each for each in results if not is_up(each)]
    return Turn(
        {},
        len(results),
        len(wrong),
        because=reasons(wrong),
        extra={
            "before": before / _MIB,
            "after": after / _MIB,
            "first": min(instant for instant in site.record().came if instant >= begun) - begun,
            "peak": max(seconds) * len(seconds) / sum(seconds),
        },
    )


def _load(url: str, count: int) -> Load:
    checks = [HttpCheck(url=f"{url}{number}") for number in range(count)]
    return Load(checks, CADENCE_MS, concurrency=500, tenants=[UUID(int=number + 1) for number in range(TENANTS)])


async def _until_saved(directory: Path, sink: Sink) -> None:
    async with asyncio.timeout(60):
        while not (sink.stored and (directory / "assignments.jsonl").exists()):  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def _until_more(sink: Sink, stored: int) -> None:
    async with asyncio.timeout(60):
        while len(sink.stored) == stored:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


def _per_second(instants: Sequence[float]) -> list[int]:
    """Counts of the whole seconds since the first."""
    counts = Counter(int(instant - instants[0]) for instant in instants)
    return [counts[second] for second in range(max(counts))] or [1]


def resident_bytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE)
    assert found is not None
    return int(found[1]) * 1024


def _fill(figure: Figure, turns: Sequence[Turn]) -> None:
    figure.book(turns)
    for what, key, unit, most in (
        ("S9: resident before", "before", "MiB", 150.0),
        ("S9: resident after the restart", "after", "MiB", 150.0),
        ("S13: first check after", "first", "s", 2.0),
        ("S13: busiest second against the mean", "peak", "ratio", 1.5),
    ):
        figure.rows.append(Row(what, unit, [turn.extra[key] for turn in turns], most))
