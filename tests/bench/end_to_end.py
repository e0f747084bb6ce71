"""S7: the whole system per result, from the schedule of a real agent to the committed row."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

from tests.bench import rotation
from tests.bench.cpu import cpu_seconds, difference
from tests.bench.figure import Figure, Row
from tests.bench.icinga import icinga, is_here
from tests.bench.nginx import Target, target
from tests.bench.options import Options
from tests.bench.population import populate
from tests.bench.rotation import Turn, ratios
from tests.bench.world import AGENT, CONTROL_PLANE, POSTGRES, World, scratch, world

INTERVAL_S = 10
PACED, SATURATED = 200, 5000
"""Checks a second that Farwatch is asked for. The second is more than a small machine can do."""
ICINGA_SATURATED = 2500

_COUNT = "SELECT count(*) FROM results"
_VOTES = "SELECT count(*) FROM votes"
_WRONG = "SELECT count(*) FROM results WHERE outcome <> 0 OR http_status <> 200"
_NOT_UP = "SELECT count(*) FROM monitor_states WHERE verdict = 'down'"
_UNKNOWN = "SELECT count(*) FROM monitor_states WHERE verdict <> 'up'"
_PARTS = (AGENT, CONTROL_PLANE, POSTGRES)


async def measure(options: Options) -> Figure:
    figure = Figure(
        "S7",
        "End to end",
        [
            (
                f"one region, one agent, plain HTTP every {INTERVAL_S} s to nginx on loopback; Farwatch is started"
                " anew for each turn and measured once every monitor has been seen"
            ),
            (
                "icinga2 runs check_http of the monitoring plugins and writes each result to a file: no database, no"
                " second region, no votes; so Farwatch does more for each of its results"
            ),
            "saturated: as many checks as each can do here, on all cores",
        ],
    )
    async with AsyncExitStack() as stack:
        directory = await stack.enter_async_context(scratch())
        site = await stack.enter_async_context(target(directory / "nginx"))
        if site is None:
            figure.rows.append(Row("Farwatch", "µs/result", note="nginx is not installed"))
            return figure
        turns = await rotation.rotate(_contestants(directory, site, options), rounds=options.rounds)
    _fill(figure, turns)
    return figure


def _contestants(directory: Path, site: Target, options: Options) -> dict[str, Callable[[], Awaitable[Turn]]]:
    window_s, numbers = float(options.scaled(15, quick=4)), itertools.count()

    def farwatch(rate: int) -> Callable[[], Awaitable[Turn]]:
        return lambda: _farwatch_turn(directory / f"world-{next(numbers)}", site, rate=rate, window_s=window_s)

    def peer(rate: int) -> Callable[[], Awaitable[Turn]]:
        return lambda: _icinga_turn(directory / f"icinga-{next(numbers)}", site, rate=rate, window_s=window_s)

    contestants = {"farwatch": farwatch(PACED)}
    if is_here():
        contestants["icinga"] = peer(PACED)
    contestants["farwatch, saturated"] = farwatch(SATURATED)
    if is_here():
        contestants["icinga, saturated"] = peer(ICINGA_SATURATED)
    return contestants


async def _farwatch_turn(directory: Path, site: Target, *, rate: int, window_s: float) -> Turn:
    directory.mkdir(mode=0o755)  # noqa: ASYNC240 - nothing else runs yet
    async with world(directory, regions=1) as running:
        await populate(running, [site.url] * (rate * INTERVAL_S), interval_s=INTERVAL_S)
        running.start_agents()
        await _all_seen(running, rate * INTERVAL_S)
        first, before = await _ask(running, _COUNT), cpu_seconds(_roots(running))
        await asyncio.sleep(window_s)
        used = difference(before, cpu_seconds(_roots(running)))
        count = await _ask(running, _COUNT) - first
        # Under saturation slots are left out, and then coverage may be lost; but nothing may be called down.
        wrong = await _ask(running, _WRONG) + await _ask(running, _NOT_UP if rate > PACED else _UNKNOWN)
    return Turn(used, count, wrong, extra={"rate": count / window_s})


async def _all_seen(running: World, monitors: int) -> None:
    """First results are judged one by one and cost more: they are not what is measured."""
    async with asyncio.timeout(120):
        while await _ask(running, _VOTES) < monitors:  # noqa: ASYNC110 - it is another process
            await asyncio.sleep(0.5)
    await asyncio.sleep(2)


def _roots(running: World) -> dict[str, int]:
    return {AGENT if name.startswith(AGENT) else name: pid for name, pid in running.roots().items()}


async def _ask(running: World, question: str) -> int:
    async with running.database.owner() as conn:
        answer: int = await conn.fetchval(question)
        return answer


async def _icinga_turn(directory: Path, site: Target, *, rate: int, window_s: float) -> Turn:
    async with icinga(directory, site, hosts=rate * INTERVAL_S, interval_s=INTERVAL_S) as running:
        return await running.turn(warm_s=INTERVAL_S + 3, window_s=window_s)


def _fill(figure: Figure, turns: dict[str, list[Turn]]) -> None:
    figure.wrong = sum(turn.wrong for each in turns.values() for turn in each)
    figure.checked = sum(turn.count for each in turns.values() for turn in each)
    costs = {name: [turn.per_item_us() for turn in each] for name, each in turns.items()}
    for suffix, speed, most in (("", f"at {PACED}/s", 1 / 8), (", saturated", "saturated", 1 / 20)):
        mine, other = f"farwatch{suffix}", f"icinga{suffix}"
        for part in _PARTS:
            figure.rows.append(Row(f"{part}, {speed}", "µs/result", [turn.per_item_us(part) for turn in turns[mine]]))
        figure.rows.append(Row(f"Farwatch, {speed}", "µs/result", costs[mine], note=_rate(turns[mine])))
        is_measured = other in turns
        note = _rate(turns[other]) if is_measured else "not installed"
        figure.rows.append(Row(f"icinga2, {speed}", "µs/result", costs.get(other, ()), note=note))
        values = ratios(costs[mine], costs[other]) if is_measured else ()
        figure.rows.append(Row(f"Farwatch against icinga2, {speed}", "ratio", values, most))


def _rate(turns: list[Turn]) -> str:
    return f"{rotation.spread_of([turn.extra['rate'] for turn in turns]).middle:.0f} results/s"
