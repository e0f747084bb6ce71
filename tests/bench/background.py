"""Steady results at an even pace, while something else is measured."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import msgspec

from shared.protocol import BatchReceipt
from tests.bench.batches import BATCH, Body, body, now_ms, slot_items
from tests.bench.http_client import HttpClient, http_client
from tests.bench.population import Population
from tests.bench.world import Region, World

STEP_MS = 10_000
_FIRST_SLOT_AGO_MS = 1_000_000


@dataclass(slots=True)
class Background:
    """What was sent, and how many items were answered with something else than `stored`.

    `took` has for each batch when it was sent, in seconds of the monotonic clock, and after how many it was answered.
    """

    sent: int = 0
    wrong: int = 0
    took: list[tuple[float, float]] = field(default_factory=list)


@asynccontextmanager
async def background(world: World, population: Population, *, per_second: int) -> AsyncIterator[Background]:
    """Every region sends its share in batches of 500, all monitors up, until the block ends.

    The first slots of all monitors, which are judged one by one, are sent before the block begins.
    """
    told, start = Background(), now_ms() - _FIRST_SLOT_AGO_MS
    gap_s = BATCH * len(world.regions) / per_second
    async with AsyncExitStack() as stack:
        senders = [
            Sender(await stack.enter_async_context(http_client(world.port)), region, population, told)
            for region in world.regions
        ]
        await asyncio.gather(*(sender.slot(start, gap_s=0) for sender in senders))
        tasks = [asyncio.create_task(sender.run(start + STEP_MS, gap_s=gap_s)) for sender in senders]
        try:
            yield told
        finally:
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
            told.wrong += sum(not isinstance(each, asyncio.CancelledError) for each in ended)


class Sender:
    """One region's results, on one connection."""

    def __init__(self, client: HttpClient, region: Region, population: Population, told: Background) -> None:
        self._client = client
        self._region = region
        self._population = population
        self._told = told
        self._chance = random.Random(region.id)

    async def run(self, at: int, *, gap_s: float, step_ms: int = STEP_MS) -> None:
        """One slot of all monitors after another, `gap_s` from batch to batch, until cancelled."""
        while True:
            await self.slot(at, gap_s=gap_s, step_ms=step_ms)
            at += step_ms

    async def slot(self, at: int, *, gap_s: float, step_ms: int = STEP_MS) -> None:
        """One slot of all monitors."""
        due = asyncio.get_running_loop().time()
        lists = slot_items(self._population, self._region.id, at=at, step_ms=step_ms, chance=self._chance)
        for items in lists:
            due += gap_s
            await asyncio.sleep(due - asyncio.get_running_loop().time())
            await self._post(body(items, gzip=True))

    async def _post(self, batch: Body) -> None:
        key, began = self._region.probe_key, time.monotonic()
        status, answer = await self._client.post("/api/agent/v1/results", batch.data, key=key, gzip=True)
        stored = msgspec.json.decode(answer, type=BatchReceipt).statuses.count("stored") if status == 200 else 0
        self._told.took.append((began, time.monotonic() - began))
        self._told.sent += batch.items
        self._told.wrong += batch.items - stored
