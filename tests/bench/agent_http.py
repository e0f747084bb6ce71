"""S1: what a plain HTTP check costs the agent, the whole path from schedule to shipment."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

from shared.checks.http import HttpCheck
from shared.results import CheckResult
from tests.bench import rotation
from tests.bench.blackbox import PROGRAM, Blackbox, blackbox
from tests.bench.figure import Figure, Row
from tests.bench.floor import compiled, floor_turn
from tests.bench.nginx import ADDRESSES, Target, target
from tests.bench.options import Options
from tests.bench.rotation import Turn, ratios
from tests.bench.sink import Load, agent_turn, is_up
from tests.bench.world import scratch

CONCURRENCY = 64
PACED = 1000
FLOOR_RATE = 5000
CROWDED = 25_000
"""More checks a second than one process can make."""
TIMEOUT_MS = 10_000

Turns = dict[str, list[Turn]]
Contestants = dict[str, Callable[[], Awaitable[Turn]]]


async def measure(options: Options) -> Figure:
    figure = Figure(
        "S1",
        "Agent, plain HTTP",
        [
            (
                f"target: nginx on {len(ADDRESSES)} loopback addresses, 210 bytes, a fresh connection for each check;"
                " its CPU counts for nobody"
            ),
            f"closed loop: {CONCURRENCY} checks under way at any time; the agent has {CROWDED} of them due each second",
            f"paced: {PACED} checks a second, evenly; blackbox_exporter is asked over kept connections",
            f"the agent is a real process that ships to a sink; the floor, tests/bench/floor.c, makes {FLOOR_RATE}/s",
        ],
    )
    async with AsyncExitStack() as stack:
        directory = await stack.enter_async_context(scratch())
        site = await stack.enter_async_context(target(directory / "nginx"))
        if site is None:
            figure.rows.append(Row("the agent", "µs/check", note="nginx is not installed"))
            return figure
        peer = await stack.enter_async_context(blackbox(directory / "blackbox", site.urls))
        binary = await compiled(directory)
        turns = await rotation.rotate(_contestants(directory, site, peer, binary, options), rounds=options.rounds)
    _fill(figure, turns)
    return figure


def _contestants(
    directory: Path, site: Target, peer: Blackbox | None, binary: Path | None, options: Options
) -> Contestants:
    window_s, warm_s = options.scaled(8, quick=2), options.scaled(3, quick=1)
    concurrency, crowded = options.scaled(CONCURRENCY, quick=8), options.scaled(CROWDED, quick=300)
    numbers = itertools.count()

    def agent(load: Load) -> Callable[[], Awaitable[Turn]]:
        return lambda: agent_turn(
            directory / f"agent-{next(numbers)}", load, warm_s=warm_s, window_s=window_s, is_right=_is_right
        )

    contestants: Contestants = {}
    if binary is not None:
        contestants["floor"] = lambda: floor_turn(
            binary, site.port, path="/health", window_s=window_s / 2, concurrency=CONCURRENCY, rate=FLOOR_RATE
        )
    contestants["agent"] = agent(Load(_checks(site, crowded), cadence_ms=1000, concurrency=concurrency))
    contestants["agent, paced"] = agent(Load(_checks(site, PACED * 10), cadence_ms=10_000, concurrency=500))
    if peer is not None:
        contestants["blackbox"] = lambda: peer.turn(window_s=window_s, concurrency=concurrency)
        contestants["blackbox, paced"] = lambda: peer.turn(window_s=window_s, concurrency=CONCURRENCY, rate=PACED)
    return contestants


def _checks(site: Target, count: int) -> list[HttpCheck]:
    return [HttpCheck(url=url, timeout=TIMEOUT_MS) for url in itertools.islice(itertools.cycle(site.urls), count)]


def _is_right(result: CheckResult) -> bool:
    return is_up(result) and result.http_status == 200 and result.ttfb is not None and result.download is not None


def _fill(figure: Figure, turns: Turns) -> None:
    figure.book(itertools.chain.from_iterable(turns.values()))
    costs = {name: [turn.per_item_us() for turn in each] for name, each in turns.items()}
    if "floor" in costs and rotation.is_void(costs["floor"]):
        figure.void = "the floor varied by more than 25 %"
    names = {
        "floor": "C floor",
        "agent": "agent, closed loop",
        "agent, paced": f"agent at {PACED}/s",
        "blackbox": f"{PROGRAM}, closed loop",
        "blackbox, paced": f"{PROGRAM} at {PACED}/s",
    }
    for key, what in names.items():
        each = turns.get(key, [])
        note = _note(each) if each else "not installed"
        figure.rows.append(Row(what, "µs/check", costs.get(key, ()), note=note))
    for mine, other, most in (
        ("agent", "floor", 2.5),
        ("agent", "blackbox", 0.25),
        ("agent, paced", "blackbox, paced", 0.25),
    ):
        values = ratios(costs[mine], costs[other]) if other in costs else ()
        figure.rows.append(Row(f"{names[mine]}, against {names[other].split(',')[0]}", "ratio", values, most))


def _note(turns: list[Turn]) -> str:
    wrong = sum(turn.wrong for turn in turns)
    rate = f"{rotation.spread_of([turn.extra['rate'] for turn in turns]).middle:.0f} checks/s"
    return f"{rate}, {wrong} wrong" if wrong else rate
