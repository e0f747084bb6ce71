"""S14, the agent's half: twice as many checks as it has places for."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from uuid import UUID

from shared.checks.http import HttpCheck
from shared.results import CheckResult
from tests.bench import rotation
from tests.bench.figure import Figure, Row
from tests.bench.options import Options
from tests.bench.rotation import Turn, percentile
from tests.bench.sink import Load, Sink, an_agent, detail_of, is_up, reasons
from tests.bench.timed import timed
from tests.bench.world import scratch

DELAY_MS = 50
PLACES = 50
"""Together: at most 1000 checks a second."""
DUE = 2000
CADENCE_MS = 4000
SHARES = (8, 4, 2, 1, 1)
"""How the monitors are divided among the tenants."""
SAYS_SO_MS = 1000
"""A check that starts later than this says so in its result."""


async def measure(options: Options) -> Figure:
    figure = Figure(
        "S14",
        "Overload, the agent's half",
        [
            (
                f"{DUE} checks a second due, every {CADENCE_MS // 1000} s each, and {PLACES} places at a target that"
                f" takes {DELAY_MS} ms: at most {PLACES * 1000 // DELAY_MS} a second"
            ),
            f"{len(SHARES)} tenants with {', '.join(map(str, SHARES))} sixteenths of the monitors",
            (
                "fairness: what share of its due checks a tenant gets, the best served one against the worst; order:"
                " how much older than one that arrived before it a slot is"
            ),
            "a result that is not up is wrong, and so is an agent that tells of no lateness and no gaps",
        ],
    )
    async with AsyncExitStack() as stack:
        directory = await stack.enter_async_context(scratch())
        turns = await rotation.rotate(_contestants(directory, options), rounds=options.rounds)
    _fill(figure, turns["agent"])
    return figure


def _contestants(directory: Path, options: Options) -> dict[str, Callable[[], Awaitable[Turn]]]:
    window_s, numbers = options.scaled(12, quick=4), itertools.count()
    return {"agent": lambda: _turn(directory / f"turn-{next(numbers)}", window_s)}


async def _turn(directory: Path, window_s: float) -> Turn:
    directory.mkdir()  # noqa: ASYNC240 - nothing else runs yet
    tenants = [UUID(int=number) for number, share in enumerate(SHARES, 1) for _ in range(share)]
    async with timed(directory / "target", delay_s=DELAY_MS / 1000) as site:
        checks = [HttpCheck(url=site.url)] * (DUE * CADENCE_MS // 1000)
        load = Load(checks, CADENCE_MS, concurrency=PLACES, tenants=tenants)
        async with an_agent(directory / "agent", load) as (sink, _):
            await _until_settled(sink)
            first = len(sink.stored)
            await asyncio.sleep(window_s)
            results = sink.results(first)
            return _judged(sink, results, window_s)


async def _until_settled(sink: Sink) -> None:
    """Gaps are told: so lateness has grown to its full. Raises TimeoutError."""
    async with asyncio.timeout(60):
        while not (sink.observations and sink.observations[-1].gaps):  # noqa: ASYNC110 - it is another process
            await asyncio.sleep(0.1)


def _judged(sink: Sink, results: Sequence[CheckResult], window_s: float) -> Turn:
    owner = {each.monitor_id: each.tenant_id for each in sink.assignments.values()}
    due, served = Counter(owner.values()), Counter(owner[each.monitor_id] for each in results)
    shares = [served[tenant] / count for tenant, count in due.items()]
    late = [detail_of(each).late_ms or 0.0 for each in results]
    wrong = [each for each in results if not is_up(each)]
    told = sink.observations[-1]
    is_silent = not told.gaps or (told.lag or 0) < SAYS_SO_MS
    return Turn(
        {},
        len(results),
        len(wrong) + sink.duplicates + is_silent,
        because=reasons(wrong, duplicates=sink.duplicates) + Counter({"no lateness told": int(is_silent)}),
        extra={
            "rate": len(results) / window_s,
            "fairness": max(shares) / min(shares) if min(shares) else float("inf"),
            "disorder": percentile(_disorder_ms(results), 0.99),
            "late": percentile(late, 0.5) / 1000,
            "saying": 100 * sum(each > SAYS_SO_MS for each in late) / len(late),
            "told": (told.lag or 0.0) / 1000,
        },
    )


def _disorder_ms(results: Sequence[CheckResult]) -> list[float]:
    newest, behind = 0, []
    for each in results:
        newest = max(newest, each.slot)
        behind.append(float(newest - each.slot))
    return behind


def _fill(figure: Figure, turns: Sequence[Turn]) -> None:
    figure.book(turns)
    for what, key, unit, most in (
        ("checks made", "rate", "1/s", None),
        ("fairness between tenants", "fairness", "ratio", 2.0),
        ("oldest due first: out of order by, p99", "disorder", "ms", 2.0 * DELAY_MS),
        ("results that tell how late they are", "saying", "%", None),
        ("lateness told in results, median", "late", "s", None),
        ("lateness told in observations", "told", "s", None),
    ):
        figure.rows.append(Row(what, unit, [turn.extra[key] for turn in turns], most))
