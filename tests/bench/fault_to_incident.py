"""S8, second half: real agents of three regions, and sites that break: from the fault to the incident."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from uuid import UUID

from tests.bench.alarms import OPENED, alert, first_bad_at, opened_at
from tests.bench.figure import Figure, Row
from tests.bench.hooks import Hooks, hooks
from tests.bench.nginx import Target, target
from tests.bench.options import Options
from tests.bench.population import populate
from tests.bench.rotation import percentile
from tests.bench.world import World, scratch, world

REGIONS, CONFIRMATIONS, RECHECK_S = 3, 2, 2.0

_NOT_UP = "SELECT count(*) FROM monitor_states WHERE verdict <> 'up'"
_INCIDENTS = "SELECT count(*) FROM incidents"


async def measure(options: Options) -> Figure:
    monitors, victims = options.scaled(10_000, quick=300), options.scaled(200, quick=20)
    interval_s = options.scaled(60, quick=10)
    most = interval_s / REGIONS + CONFIRMATIONS * RECHECK_S + 1
    figure = Figure(
        "S8-fault",
        "Detection: from the fault to the incident",
        [
            (
                f"{monitors} monitors every {interval_s} s from each of {REGIONS} regions, one real agent each, plain"
                f" HTTP to nginx on loopback; {victims} of the sites break, one after another within one interval"
            ),
            (
                "policy majority, confirmations 2, fast confirmation; a failing check takes a few ms here, so the bound"
                f" is {interval_s} / {REGIONS} + {CONFIRMATIONS} × {RECHECK_S:.0f} + 1 s"
            ),
            "one run: the figures are over all incidents of it, not over rounds",
        ],
    )
    async with AsyncExitStack() as stack:
        directory = await stack.enter_async_context(scratch())
        site = await stack.enter_async_context(target(directory / "nginx"))
        if site is None:
            figure.rows.append(Row("fault → incident", "s", note="nginx is not installed"))
            return figure
        running = await stack.enter_async_context(world(directory, regions=REGIONS))
        receiver = await stack.enter_async_context(hooks())
        await populate(running, [site.url] * (monitors - victims), interval_s=interval_s)
        urls = [site.make_site(f"{n}") for n in range(victims)]
        broken = (await populate(running, urls, interval_s=interval_s)).ids
        await alert(running, broken, receiver)
        running.start_agents()
        await _all_up(running, within_s=interval_s * 2 + 30)
        faults = await _break_one_by_one(site, broken, over_s=interval_s)
        await _all_arrived(receiver, victims, within_s=most + 15)
        opened = await opened_at(running, broken)
        bad = await first_bad_at(running, broken)
        extra = await _ask(running, _INCIDENTS) - len(opened)
    _fill(figure, faults, opened, receiver, most=most, extra=extra)
    if not figure.wrong:
        figure.rows += _from_first_bad(opened, bad)
    return figure


async def _ask(running: World, question: str) -> int:
    async with running.database.owner() as conn:
        answer: int = await conn.fetchval(question)
        return answer


async def _all_up(running: World, *, within_s: float) -> None:
    async with asyncio.timeout(within_s):
        while await _ask(running, _NOT_UP):  # noqa: ASYNC110 - it is another process
            await asyncio.sleep(0.5)
    await asyncio.sleep(1)


async def _break_one_by_one(site: Target, broken: Sequence[UUID], *, over_s: float) -> dict[UUID, float]:
    """When each site broke, in Unix seconds; at random instants, so that no phase is favoured."""
    chance = random.Random(8)
    began = time.time()
    faults = {}
    for offset, (number, monitor_id) in zip(
        sorted(chance.uniform(0, over_s) for _ in broken), enumerate(broken), strict=True
    ):
        await asyncio.sleep(max(0.0, began + offset - time.time()))
        site.break_site(f"{number}")
        faults[monitor_id] = time.time()
    return faults


async def _all_arrived(receiver: Hooks, count: int, *, within_s: float) -> None:
    patience = time.monotonic() + within_s
    while receiver.count(OPENED) < count and time.monotonic() < patience:  # noqa: ASYNC110 - bounded
        await asyncio.sleep(0.1)


def _from_first_bad(opened: dict[UUID, float], bad: dict[UUID, float]) -> list[Row]:
    """Fast confirmation alone: what the slots' own rhythm adds before the first bad result is left out."""
    spans = [at - bad[each] for each, at in opened.items()]
    most = CONFIRMATIONS * RECHECK_S + 1
    return [
        Row("first bad result → incident", "s", spans),
        Row("first bad result → incident, p99", "s", [percentile(spans, 0.99)], most),
    ]


def _fill(
    figure: Figure, faults: dict[UUID, float], opened: dict[UUID, float], receiver: Hooks, *, most: float, extra: int
) -> None:
    """An incident that nobody caused, one that is missing and a webhook that came twice are wrong answers."""
    missing = sum(each not in opened or (OPENED, each) not in receiver.arrived for each in faults)
    figure.checked, figure.wrong = len(faults), missing + extra + receiver.repeated
    if missing:
        return
    incident = [opened[each] - at for each, at in faults.items()]
    webhook = [receiver.arrived[OPENED, each] - at for each, at in faults.items()]
    figure.rows += [
        Row("fault → incident", "s", incident),
        Row("fault → incident, p99", "s", [percentile(incident, 0.99)], most),
        Row("fault → webhook", "s", webhook),
        Row("fault → webhook, p99", "s", [percentile(webhook, 0.99)]),
    ]
