"""A mass outage: thousands of monitors fail in one slot, everybody is told once, and the others go on as before."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from uuid import UUID

import msgspec

from shared.protocol import BatchReceipt
from shared.results import CheckResult
from tests.bench.alarms import OPENED, alert, alert_through
from tests.bench.background import Background, background
from tests.bench.batches import BATCH, body, down, now_ms, up
from tests.bench.figure import Figure, Row
from tests.bench.hooks import Hooks, hooks
from tests.bench.http_client import HttpClient, http_client
from tests.bench.options import Options
from tests.bench.population import populate
from tests.bench.rotation import percentile
from tests.bench.world import Region, World, scratch, world
from tests.support.ntfy_server import NtfyServer, an_ntfy_server

COMMITTED_WITHIN_S = 10
SINGLES = 5
_INTERVAL_S = 600
_CALM_S = 10.0
"""How long the others are watched before the outage, in the full run."""

_INCIDENTS = "SELECT count(*) FROM incidents WHERE resolved_at IS NULL"
_OWED = "SELECT count(*) FROM deliveries WHERE channel_kind = $1 AND state = 'pending' AND NOT put_off"
_PUT_OFF = "SELECT count(*) FROM deliveries WHERE state = 'pending' AND put_off"
_MESSAGES = "SELECT count(DISTINCT message_id) FROM deliveries WHERE channel_kind = 'ntfy' AND state = 'delivered'"
_MINUTE_PASSES = "UPDATE deliveries SET due_at = due_at - interval '1 minute' WHERE put_off AND state = 'pending'"


@dataclass(slots=True)
class Outage:
    """What was seen. Times in seconds; `calm` and `during`: how long the others waited for their acknowledgements."""

    monitors: int
    wrong: int = 0
    committed_s: float = 0.0
    acknowledged_s: float = 0.0
    webhooks_s: float = 0.0
    webhooks: int = 0
    repeated: int = 0
    singles: int = 0
    singles_s: float = 0.0
    put_off: int = 0
    messages: int = 0
    titles: list[str] = field(default_factory=list)
    digest_s: float = 0.0
    others: int = 0
    calm: list[float] = field(default_factory=list)
    during: list[float] = field(default_factory=list)

    @property
    def mistakes(self) -> int:
        """What is not as it must be, whatever the speed."""
        return (
            self.wrong
            + self.repeated
            + abs(self.webhooks - self.monitors)
            + abs(self.singles - SINGLES)
            + abs(self.put_off - (self.monitors - SINGLES))
            + abs(self.messages - SINGLES - 1)
        )


class Story:
    """Every region reports all of them down, twice; the second of the second region decides."""

    def __init__(self, running: World, clients: Sequence[HttpClient], victims: Sequence[UUID]) -> None:
        self.wrong = 0
        self._pairs: list[tuple[Region, HttpClient]] = list(zip(running.regions, clients, strict=True))
        self._victims = victims
        self._chance = random.Random(4)
        self._slot = now_ms() - 20_000

    async def prelude(self) -> None:
        await self._tell(lambda each: up(each, self._slot - 300_000, self._chance))

    async def fail(self) -> None:
        """The slot in which they fail: nothing is decided yet."""
        await self._tell(lambda each: down(each, self._slot))

    async def confirm(self) -> None:
        """The re-checks of that slot, by which all is decided."""
        await self._tell(lambda each: down(each, self._slot + 2000))

    async def _tell(self, say: Callable[[UUID], CheckResult]) -> None:
        await asyncio.gather(*(self._region(region, client, say) for region, client in self._pairs))

    async def _region(self, region: Region, client: HttpClient, say: Callable[[UUID], CheckResult]) -> None:
        for start in range(0, len(self._victims), BATCH):
            items = [say(each) for each in self._victims[start : start + BATCH]]
            batch = body(items, gzip=True)
            status, answer = await client.post("/api/agent/v1/results", batch.data, key=region.probe_key, gzip=True)
            stored = msgspec.json.decode(answer, type=BatchReceipt).statuses.count("stored") if status == 200 else 0
            self.wrong += len(items) - stored


async def stage(*, monitors: int, others: int, per_second: int, whole: bool) -> Outage:
    """Let it happen. `whole`: the digest's minute is waited for, else it is let pass in the rows alone."""
    seen = Outage(monitors)
    async with AsyncExitStack() as stack:
        running = await stack.enter_async_context(world(await stack.enter_async_context(scratch()), regions=3))
        receiver = await stack.enter_async_context(hooks())
        phones = await stack.enter_async_context(an_ntfy_server())
        steady = await populate(running, [f"https://o-{n}.example/" for n in range(others)], interval_s=_INTERVAL_S)
        urls = [f"https://site-{n}.example/" for n in range(monitors)]
        victims = (await populate(running, urls, interval_s=_INTERVAL_S)).ids
        await alert(running, victims, receiver)
        ntfy = {"type": "ntfy", "topic": "storm", "server_url": phones.url}
        await alert_through(running, victims, ntfy)
        clients = [await stack.enter_async_context(http_client(running.port)) for _ in running.regions]
        story = Story(running, clients, victims)
        await story.prelude()
        async with background(running, steady, per_second=per_second) as load:
            await _watch(Cast(running, load, receiver, phones), story, seen, whole=whole)
        seen.wrong = story.wrong + load.wrong
        seen.others = load.sent
    return seen


@dataclass(frozen=True, slots=True)
class Cast:
    """Who takes part besides the monitors that fail."""

    running: World
    load: Background
    receiver: Hooks
    phones: NtfyServer


async def _watch(cast: Cast, story: Story, seen: Outage, *, whole: bool) -> None:
    running, receiver, phones = cast.running, cast.receiver, cast.phones
    await asyncio.sleep(_CALM_S if whole else 1.0)
    await story.fail()
    began = time.monotonic()
    telling = asyncio.create_task(story.confirm())
    seen.committed_s = await _until(lambda: _is(running, seen.monitors, _INCIDENTS), began)
    await telling
    seen.acknowledged_s = time.monotonic() - began
    seen.singles_s = await _until(lambda: _is(running, 0, _OWED, "ntfy"), began)
    seen.singles, seen.put_off = len(phones.published), await _ask(running, _PUT_OFF)
    if not whole:
        await _ask(running, _MINUTE_PASSES)
    seen.digest_s = await _until(lambda: _is(running, 0, _PUT_OFF), began)
    await _until(lambda: _is(running, 0, _OWED, "ntfy"), began)
    seen.webhooks_s = await _until(lambda: _arrived(receiver, seen.monitors), began)
    ended = time.monotonic()
    seen.webhooks, seen.repeated = receiver.count(OPENED), receiver.repeated
    seen.messages = await _ask(running, _MESSAGES)
    seen.titles = [each["title"] for each in phones.published]
    seen.calm = [took for at, took in cast.load.took if at < began]
    seen.during = [took for at, took in cast.load.took if began <= at < ended]


async def _until(condition: Callable[[], Awaitable[bool]], began: float, *, within_s: float = 120) -> float:
    """Seconds since `began` once the condition holds, or was waited for in vain: then the counts say so."""
    while not await condition() and time.monotonic() - began < within_s:  # noqa: ASYNC110 - bounded
        await asyncio.sleep(0.05)
    return time.monotonic() - began


async def _arrived(receiver: Hooks, count: int) -> bool:
    return receiver.count(OPENED) >= count


async def _is(running: World, wanted: int, question: str, *arguments: object) -> bool:
    return await _ask(running, question, *arguments) == wanted


async def _ask(running: World, question: str, *arguments: object) -> int:
    async with running.database.app() as conn:
        answer: int = await conn.fetchval(question, *arguments)
    return answer


async def measure(options: Options) -> Figure:
    monitors, others = options.scaled(2000, quick=100), options.scaled(5000, quick=200)
    per_second = options.scaled(3000, quick=300)
    seen = await stage(monitors=monitors, others=others, per_second=per_second, whole=not options.quick)
    return Figure(
        "Outage",
        "Mass outage: everything fails in one slot",
        [
            (
                f"{monitors} monitors of one tenant in 3 regions, policy majority, confirmations 2, all bound to one"
                f" webhook and one ntfy channel; while {per_second} results a second of {others} others are taken in"
            ),
            "times count from the moment at which the first deciding batch is sent; all on one machine; one run",
            f"told to ntfy: {len(seen.titles)} messages, the last of them {seen.titles[-1:]}",
        ],
        rows=[
            Row("all incidents committed", "s", [seen.committed_s], COMMITTED_WITHIN_S),
            Row("all deciding batches acknowledged", "s", [seen.acknowledged_s]),
            Row("last of the five single messages recorded", "s", [seen.singles_s]),
            Row("last webhook arrived", "s", [seen.webhooks_s]),
            Row("digest recorded", "s", [seen.digest_s], note="" if not options.quick else "its minute was cut short"),
            *_acknowledgements("before the outage", seen.calm),
            *_acknowledgements("until all are told", seen.during),
        ],
        checked=monitors + seen.others,
        wrong=seen.mistakes,
    )


def _acknowledgements(when: str, took: Sequence[float]) -> list[Row]:
    return [
        Row(
            f"a batch of the others acknowledged, {when}, {name}",
            "ms",
            [percentile(took, share) * 1000] if took else [],
        )
        for share, name in ((0.5, "median"), (0.99, "p99"))
    ]
