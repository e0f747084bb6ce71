"""Ingest at half of what this machine takes, or at a rate: results from a process of their own, for which no reader
waits. Regions send by turns, as they do who know nothing of each other.

python -m tests.bench.half_load reads a Load from a line of its standard input and says, a line of JSON each, how many
results a second were taken as fast as they were sent, and, when its input ends, what it sent since at half of that.
With a rate there is no such first part.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

import msgspec
import uvloop

from tests.bench.background import Background, Sender
from tests.bench.batches import BATCH, now_ms
from tests.bench.http_client import http_client
from tests.bench.population import Population
from tests.bench.world import Region, World

_OLDEST_MS = 60_000
_PACED_MS = 30_000
"""How old slots are: at first, and then at half load. Both are on time, as results of agents that keep up are."""

_FAST_STEP_MS = 200
_LOWEST = 19


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """Where to send which monitors' results, and for how many seconds to send them as fast as they are taken.

    `per_s`: how many a second to send instead, from the beginning.
    """

    port: int
    regions: Sequence[Region]
    ids: Sequence[UUID]
    phases: dict[int, Sequence[int]]
    interval_s: int
    fast_s: float = 0
    per_s: float = 0


class Sent(msgspec.Struct, frozen=True):
    """Results sent, how many were answered with something else than `stored`, and how many a second."""

    sent: int
    wrong: int
    per_s: float


@dataclass(slots=True)
class HalfLoad:
    """`fast`: what was taken as fast as it was sent. `paced`: what was sent meanwhile, there when the block ended."""

    fast: Sent
    paced: Sent | None = None


@asynccontextmanager
async def half_load(
    world: World, population: Population, *, fast_s: float = 0, per_s: float = 0
) -> AsyncIterator[HalfLoad]:
    """Measures for `fast_s` seconds how much is taken in, then sends half as much until the block ends.

    With `per_s` that many a second are sent, and nothing is measured before.
    """
    load = Load(
        port=world.port,
        regions=world.regions,
        ids=population.ids,
        phases=population.phases,
        interval_s=population.interval_s,
        fast_s=fast_s,
        per_s=per_s,
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.half_load"), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(msgspec.json.encode(load) + b"\n")
        told = HalfLoad(msgspec.json.decode(await process.stdout.readline(), type=Sent))
        yield told
        process.stdin.close()
        told.paced = msgspec.json.decode(await process.stdout.readline(), type=Sent)
    finally:
        process.stdin.close()
        await process.wait()


async def _send(load: Load) -> None:
    population, told, start = Population(load.ids, load.phases, load.interval_s), Background(), now_ms() - _OLDEST_MS
    async with AsyncExitStack() as stack:
        senders = [
            Sender(await stack.enter_async_context(http_client(load.port)), region, population, told)
            for region in load.regions
        ]
        await asyncio.gather(*(sender.slot(start, gap_s=0, step_ms=_FAST_STEP_MS) for sender in senders))
        gc.freeze()  # a pause for a collection would make two regions send at once
        fast = Sent(0, 0, 2 * load.per_s)
        if not load.per_s:
            after, over = start + _FAST_STEP_MS, asyncio.sleep(load.fast_s)
            fast = await _during(senders, told, over, at=after, gap_s=0, step_ms=_FAST_STEP_MS)
        _tell(fast)
        per_s = max(fast.per_s / 2, 1)
        as_time_goes = max(round(1000 * len(load.ids) * len(senders) / per_s), 1)
        gap_s = BATCH * len(senders) / per_s
        ended, at = asyncio.to_thread(sys.stdin.buffer.read), now_ms() - _PACED_MS
        _tell(await _during(senders, told, ended, at=at, gap_s=gap_s, step_ms=as_time_goes))


async def _during(
    senders: Sequence[Sender], told: Background, until: Awaitable[object], *, at: int, gap_s: float, step_ms: int
) -> Sent:
    """All senders at work until then, by turns."""
    sent, wrong, began = told.sent, told.wrong, time.monotonic()
    tasks = [
        asyncio.create_task(_run(sender, n * gap_s / len(senders), at=at, gap_s=gap_s, step_ms=step_ms))
        for n, sender in enumerate(senders)
    ]
    await until
    for task in tasks:
        task.cancel()
    taken = told.sent - sent
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    failed = sum(not isinstance(each, asyncio.CancelledError) for each in ended)
    return Sent(taken, told.wrong - wrong + failed, taken / (time.monotonic() - began))


async def _run(sender: Sender, after_s: float, *, at: int, gap_s: float, step_ms: int) -> None:
    await asyncio.sleep(after_s)
    await sender.run(at, gap_s=gap_s, step_ms=step_ms)


def _tell(sent: Sent) -> None:
    print(msgspec.json.encode(sent).decode(), flush=True)


if __name__ == "__main__":
    os.nice(_LOWEST)  # senders stand for agents, whose machines are others: they give way to what is measured here
    uvloop.run(_send(msgspec.json.decode(sys.stdin.buffer.readline(), type=Load)))
