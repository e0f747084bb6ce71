"""S8, first half: from the acknowledgement of the deciding result to the committed transition and the webhook."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from uuid import UUID

import msgspec

from shared.protocol import BatchReceipt
from shared.results import CheckResult
from tests.bench.alarms import OPENED, alert, opened_at
from tests.bench.background import Background, background
from tests.bench.batches import body, down, now_ms, up
from tests.bench.figure import Figure, Row
from tests.bench.hooks import Hooks, hooks
from tests.bench.http_client import HttpClient, http_client
from tests.bench.options import Options
from tests.bench.population import populate
from tests.bench.rotation import percentile
from tests.bench.world import Region, World, scratch, world

TARGET_MS = 250
BACKGROUND_PER_S = 10_000
_INCIDENTS_PER_S = 8
_INTERVAL_S = 600


@dataclass(frozen=True, slots=True)
class Decided:
    """When the deciding result was sent and acknowledged, by the sender's clock, in Unix seconds."""

    sent: float
    acknowledged: float


class Story:
    """Two of three regions report a site down, twice each; the last of the four results decides."""

    def __init__(self, running: World, clients: Sequence[HttpClient]) -> None:
        self.decided: dict[UUID, Decided] = {}
        self.wrong = 0
        self._regions = running.regions
        self._clients = clients
        self._chance = random.Random(8)

    async def prelude(self, victims: Sequence[UUID]) -> None:
        """All regions have seen all of them up."""
        slot = now_ms() - 300_000
        for region, client in zip(self._regions, self._clients, strict=True):
            await self._send(client, region, [up(each, slot, self._chance) for each in victims])

    async def tell(self, victim: UUID) -> None:
        first = now_ms() - 20_000
        for index in (0, 1):
            await self._send(self._clients[index], self._regions[index], [down(victim, first + index * 100)])
        await self._send(self._clients[0], self._regions[0], [down(victim, first + 2000)])
        sent = time.time()
        await self._send(self._clients[1], self._regions[1], [down(victim, first + 2100)])
        self.decided[victim] = Decided(sent, time.time())

    async def _send(self, client: HttpClient, region: Region, items: Sequence[CheckResult]) -> None:
        batch = body(items, gzip=False)
        status, answer = await client.post("/api/agent/v1/results", batch.data, key=region.probe_key, gzip=False)
        stored = msgspec.json.decode(answer, type=BatchReceipt).statuses.count("stored") if status == 200 else 0
        self.wrong += len(items) - stored


async def measure(options: Options) -> Figure:
    per_round, monitors = options.scaled(100, quick=10), options.scaled(10_000, quick=500)
    async with AsyncExitStack() as stack:
        running = await stack.enter_async_context(world(await stack.enter_async_context(scratch()), regions=3))
        receiver = await stack.enter_async_context(hooks())
        urls = [f"https://site-{n}.example/health" for n in range(monitors)]
        others = await populate(running, urls, interval_s=_INTERVAL_S)
        victims = (await populate(running, urls[: per_round * options.rounds], interval_s=_INTERVAL_S)).ids
        await alert(running, victims, receiver)
        clients = [await stack.enter_async_context(http_client(running.port)) for _ in running.regions]
        story = Story(running, clients)
        await story.prelude(victims)
        async with background(running, others, per_second=options.scaled(BACKGROUND_PER_S, quick=2000)) as load:
            began = time.monotonic()
            for victim in victims:
                await story.tell(victim)
                await asyncio.sleep(1 / _INCIDENTS_PER_S)
            await _all_arrived(receiver, len(victims))
            rate = load.sent / (time.monotonic() - began)
        opened = await opened_at(running, victims)
    return _figure(story, receiver, opened, victims, load, per_round=per_round, rate=rate)


async def _all_arrived(receiver: Hooks, count: int) -> None:
    patience = time.monotonic() + 30
    while receiver.count(OPENED) < count and time.monotonic() < patience:  # noqa: ASYNC110 - bounded
        await asyncio.sleep(0.05)


def _figure(
    story: Story,
    receiver: Hooks,
    opened: dict[UUID, float],
    victims: Sequence[UUID],
    load: Background,
    *,
    per_round: int,
    rate: float,
) -> Figure:
    figure = Figure(
        "S8",
        "Detection: from the deciding result to the webhook",
        [
            (
                f"{len(victims)} incidents in rounds of {per_round}, {_INCIDENTS_PER_S} a second, policy majority of 3"
                f" regions, confirmations 2, while {rate:.0f} other results a second are taken in"
            ),
            "by the clock of the sender of the results, who also receives the webhooks; all on one machine",
            "the transition commits before the deciding result is acknowledged, so it cannot be later than that",
        ],
        checked=len(victims) + load.sent,
        wrong=story.wrong + load.wrong + receiver.repeated,
    )
    arrived = {each: receiver.arrived.get((OPENED, each)) for each in victims}
    missing = sum(arrived[each] is None or each not in opened for each in victims)
    figure.wrong += missing
    if missing:
        return figure
    rounds = [victims[start : start + per_round] for start in range(0, len(victims), per_round)]

    def spans(of: Sequence[UUID], share: float, what: str) -> float:
        told = [story.decided[each] for each in of]
        hooks_at = [arrived[each] or 0.0 for each in of]
        values = {
            "acknowledged": [each.acknowledged - each.sent for each in told],
            "committed": [opened[each] - story.decided[each].sent for each in of],
            "webhook": [at - each.acknowledged for at, each in zip(hooks_at, told, strict=True)],
            "whole": [at - each.sent for at, each in zip(hooks_at, told, strict=True)],
        }
        return percentile(values[what], share) * 1000

    for what, label, target in (
        ("acknowledged", "deciding result sent → acknowledged", None),
        ("committed", "deciding result sent → incident judged open", None),
        ("webhook", "acknowledged → webhook arrived", TARGET_MS),
        ("whole", "deciding result sent → webhook arrived", None),
    ):
        for share, name in ((0.5, "median"), (0.99, "p99")):
            most = target if share > 0.5 else None
            figure.rows.append(Row(f"{label}, {name}", "ms", [spans(each, share, what) for each in rounds], most))
    return figure
