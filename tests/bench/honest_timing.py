"""S4: what the agent tells of a target that takes exactly 50 ms, with a thousand checks a second on one core."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

from agent.health.lag import NOTABLE_MS
from shared.checks.http import HttpCheck
from shared.results import CheckResult
from tests.bench import rotation
from tests.bench.figure import Figure, Row
from tests.bench.options import Options
from tests.bench.rotation import Turn, percentile
from tests.bench.sink import Load, an_agent, detail_of, first_result, is_up, reasons
from tests.bench.timed import cores, timed
from tests.bench.world import scratch

DELAY_MS = 50.0
RATE = 1000
CADENCE_MS = 10_000

_STOPPED_S, _GOING_S = 0.025, 0.225
_FAR_OFF_MS = 2 * NOTABLE_MS
"""A delay of the loop that is longer than this is always seen by its meter; the target's own lateness comes on top."""
_TOO_SHORT_MS = 0.05
"""Less than the target's delay by more than this cannot be."""


async def measure(options: Options) -> Figure:
    figure = Figure(
        "S4",
        "Honest timing",
        [
            f"{RATE} plain HTTP checks a second; the agent has one core to itself, target and receiver have the other",
            f"the target answers {DELAY_MS:.0f} ms after it has read the request; the error is what the agent adds",
            (
                f"held up: the agent is stopped for {_STOPPED_S * 1000:.0f} ms four times a second (SIGSTOP); results"
                f" that are more than {_FAR_OFF_MS:.0f} ms off have to be flagged (lag_ms), else they are wrong"
            ),
        ],
    )
    if len(cores()) < 2:
        figure.rows.append(Row("error of ttfb", "ms", note="needs two cores"))
        return figure
    async with AsyncExitStack() as stack:
        directory = await stack.enter_async_context(scratch())
        turns = await rotation.rotate(_contestants(directory, options), rounds=options.rounds)
    _fill(figure, turns)
    return figure


def _contestants(directory: Path, options: Options) -> dict[str, Callable[[], Awaitable[Turn]]]:
    window_s, numbers = options.scaled(8, quick=2), itertools.count()

    def turn(*, is_held_up: bool) -> Callable[[], Awaitable[Turn]]:
        return lambda: _turn(directory / f"turn-{next(numbers)}", window_s, is_held_up=is_held_up)

    return {"at ease": turn(is_held_up=False), "held up": turn(is_held_up=True)}


async def _turn(directory: Path, window_s: float, *, is_held_up: bool) -> Turn:
    directory.mkdir()  # noqa: ASYNC240 - nothing else runs yet
    mine, other = cores()[:2]
    with _only_on(other):
        async with timed(directory / "target", delay_s=DELAY_MS / 1000) as site:
            checks = [HttpCheck(url=site.url)] * (RATE * CADENCE_MS // 1000)
            load = Load(checks, CADENCE_MS, concurrency=500)
            async with an_agent(directory / "agent", load, core=mine) as (sink, pid):
                await first_result(sink)
                await asyncio.sleep(2)
                first = len(sink.stored)
                holding_up = asyncio.create_task(_hold_up(pid)) if is_held_up else None
                await asyncio.sleep(window_s)
                if holding_up is not None:
                    holding_up.cancel()
                    await asyncio.gather(holding_up, return_exceptions=True)
                results = sink.results(first)
        late_ms = [each * 1000 for each in site.record().late]
    return _judged(results, late_ms)


@contextmanager
def _only_on(core: int) -> Iterator[None]:
    """This process and what it starts meanwhile."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


async def _hold_up(pid: int) -> None:
    try:
        while True:
            await asyncio.sleep(_GOING_S)
            os.kill(pid, signal.SIGSTOP)
            await asyncio.sleep(_STOPPED_S)
            os.kill(pid, signal.SIGCONT)
    finally:
        os.kill(pid, signal.SIGCONT)


def _judged(results: Sequence[CheckResult], target_late_ms: Sequence[float]) -> Turn:
    ttfb = [(each.ttfb or 0.0) - DELAY_MS for each in results]
    total = [(each.total or 0.0) - DELAY_MS for each in results]
    is_flagged = [detail_of(each).lag_ms is not None for each in results]
    wrong = [each for each, error in zip(results, ttfb, strict=True) if not is_up(each) or error < -_TOO_SHORT_MS]
    plain = [error for error, flagged in zip(total, is_flagged, strict=True) if not flagged]
    return Turn(
        {},
        len(results),
        len(wrong),
        because=reasons(wrong),
        extra={
            "ttfb, median": percentile(ttfb, 0.5),
            "ttfb, p99": percentile(ttfb, 0.99),
            "total, median": percentile(total, 0.5),
            "total, p99": percentile(total, 0.99),
            "unflagged, p99": percentile(plain, 0.99),
            "unflagged, most": max(plain),
            "flagged": 100 * sum(is_flagged) / len(results),
            "silent": sum(error > _FAR_OFF_MS + max(target_late_ms) for error in plain),
            "target, p99": percentile(target_late_ms, 0.99),
            "target, most": max(target_late_ms),
        },
    )


def _fill(figure: Figure, turns: dict[str, list[Turn]]) -> None:
    figure.book(itertools.chain.from_iterable(turns.values()))
    ease, held = turns["at ease"], turns["held up"]
    silent = sum(round(turn.extra["silent"]) for turn in held)
    figure.wrong += silent
    if silent:
        figure.because["far off without a flag, held up"] = silent
    for what, most in (("ttfb, median", 0.3), ("ttfb, p99", 2.0), ("total, median", 0.3), ("total, p99", 2.0)):
        figure.rows.append(Row(f"error of {what}, all results", "ms", _extra(ease, what), most))
    figure.rows += [
        Row("error of total, p99, results without a flag", "ms", _extra(ease, "unflagged, p99"), 2.0),
        Row("error of total, most, results without a flag", "ms", _extra(ease, "unflagged, most")),
        Row("results with a flag", "%", _extra(ease, "flagged")),
        Row("the target's own lateness, p99", "ms", _extra(ease, "target, p99")),
        Row("held up: results with a flag", "%", _extra(held, "flagged")),
        Row("held up: error of total, p99, all results", "ms", _extra(held, "total, p99")),
        Row("held up: error of total, most, without a flag", "ms", _extra(held, "unflagged, most"), NOTABLE_MS),
    ]


def _extra(turns: Sequence[Turn], what: str) -> list[float]:
    return [turn.extra[what] for turn in turns]
