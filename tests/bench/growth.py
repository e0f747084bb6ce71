"""S11: ten times the monitors at the same rate of results, unchanged polls, and how soon an edit arrives.

Two installations stand beside each other and take in the same number of results a second, each from a process of its
own: what they cost is counted over the same seconds, so that the machine's mood is the same for both.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec

from shared.protocol import Assignments, Dispatches
from tests.bench.batches import BATCH
from tests.bench.cpu import cpu_seconds, difference
from tests.bench.figure import Figure, Row
from tests.bench.half_load import HalfLoad, half_load
from tests.bench.http_client import HttpClient, http_client
from tests.bench.options import Options
from tests.bench.population import Population, populate
from tests.bench.rotation import Turn, percentile, ratios, rotate
from tests.bench.stamped_client import StampedClient, stamped_client
from tests.bench.world import CONTROL_PLANE, POSTGRES, Region, World, scratch, world

TIMES = 10
PAGE = 100
_REGIONS = 3
_INTERVAL_S = 600
_LISTENING_S = 0.1
"""Until all agents wait for a word."""
_PAUSE_S = 0.005
_SETTLE_S = 20
_WINDOW_S = 30
"""Long enough that jobs which run a few times a minute weigh the same in each."""
_WAIT_S = 25
_PATIENCE_S = 30.0


@dataclass(frozen=True, slots=True)
class Contestant:
    """An installation with its monitors."""

    world: World
    population: Population


class Following:
    """What an agent of a region does to hear of changes: waits for a word, then asks what is new since its cursor."""

    def __init__(self, client: HttpClient, region: Region) -> None:
        self._client = client
        self._key = region.probe_key
        self.cursor = ""
        self.tag = ""

    async def catch_up(self) -> list[Assignments]:
        """Every page until there are no more."""
        answers: list[Assignments] = []
        while not answers or answers[-1].more:
            path = f"/api/agent/v1/assignments?cursor={self.cursor}"
            status, self.tag, body = await self._client.ask(path, key=self._key)
            assert status == 200, body
            answers.append(msgspec.json.decode(body, type=Assignments))
            self.cursor = answers[-1].cursor
        return answers

    async def unchanged(self) -> bool:
        """A poll with nothing new: whether it was answered so, without a body."""
        path = f"/api/agent/v1/assignments?cursor={self.cursor}"
        status, _, body = await self._client.ask(path, key=self._key, known=self.tag)
        return status == 304 and not body

    async def hear_of(self, monitor_id: object) -> float:
        """When, on the monotonic clock, a change of this monitor was held."""
        while True:
            status, _, body = await self._client.ask(f"/api/agent/v1/dispatch?wait={_WAIT_S}", key=self._key)
            assert status == 200, body
            if not msgspec.json.decode(body, type=Dispatches).assignments_changed:
                continue
            answers = await self.catch_up()
            if any(each.monitor_id == monitor_id for answer in answers for each in answer.upserts):
                return time.monotonic()


async def measure(options: Options) -> Figure:
    few = options.scaled(2_000, quick=BATCH)
    per_s = options.scaled(8_000, quick=3 * BATCH)
    async with AsyncExitStack() as stack:
        directory = await stack.enter_async_context(scratch())
        both = [await stack.enter_async_context(_made(directory / str(many), many)) for many in (few, few * TIMES)]
        async with AsyncExitStack() as loads:
            sent = [
                await loads.enter_async_context(half_load(each.world, each.population, per_s=per_s)) for each in both
            ]
            await asyncio.sleep(options.scaled(_SETTLE_S, quick=0))
            costs = [await _costs(both, per_s, options.scaled(_WINDOW_S, quick=1)) for _ in range(options.rounds)]
            turns = await rotate(_readers(both, options.scaled(400, quick=10)), rounds=options.rounds)
            edits = options.scaled(60, quick=2)
            turns |= await rotate({"edits": lambda: _edits(both[1], edits)}, rounds=options.rounds)
        polls = options.scaled(2_000, quick=20)
        turns |= await rotate({"polls": lambda: _polls(both[1], polls)}, rounds=options.rounds)
    return _figure(sent, costs, turns, few=few, per_s=per_s)


@asynccontextmanager
async def _made(home: Path, monitors: int) -> AsyncIterator[Contestant]:
    home.mkdir(mode=0o755)  # noqa: ASYNC240 - nothing else runs yet
    async with world(home, regions=_REGIONS) as running:
        urls = [f"https://site-{n}.example/health" for n in range(monitors)]
        yield Contestant(running, await populate(running, urls, interval_s=_INTERVAL_S))


def _readers(both: Sequence[Contestant], count: int) -> dict[str, Callable[[], Awaitable[Turn]]]:
    return {
        f"{kind} {name}": partial(asyncio.to_thread, _reads, each, kind, count)
        for kind in ("page", "one")
        for name, each in zip(("small", "large"), both, strict=True)
    }


async def _costs(contestants: Sequence[Contestant], per_s: int, seconds: int) -> list[Turn]:
    """What the same number of results costs each of them, over the same seconds."""
    before = [cpu_seconds(each.world.roots()) for each in contestants]
    began = time.monotonic()
    await asyncio.sleep(seconds)
    after = [cpu_seconds(each.world.roots()) for each in contestants]
    results = round(per_s * (time.monotonic() - began))
    return [Turn(difference(*pair), results) for pair in zip(before, after, strict=True)]


def _reads(contestant: Contestant, kind: str, count: int) -> Turn:
    """One after another with a little rest between, timed by the kernel's stamp of the last byte."""
    running, ids = contestant.world, itertools.cycle(contestant.population.ids[::7])
    took: list[float] = []
    wrong = 0
    with stamped_client(running.port, key=running.api_key) as client:
        for _ in range(count):
            path = f"/api/v1/monitors?limit={PAGE}" if kind == "page" else f"/api/v1/monitors/{next(ids)}"
            wrong += not _ask(client, path, took)
            time.sleep(_PAUSE_S)
    return Turn({}, count, wrong=wrong, extra={"p50": percentile(took, 0.5), "p99": percentile(took, 0.99)})


def _ask(client: StampedClient, path: str, took: list[float]) -> bool:
    answer = client.get(path)
    took.append(answer.took_ms)
    return answer.status == 200 and b'"check"' in answer.body


async def _polls(contestant: Contestant, count: int) -> Turn:
    """Polls of one agent, one after another, when no results come in: what they cost is theirs, and what idles."""
    running = contestant.world
    async with http_client(running.port) as client:
        agent = Following(client, running.regions[0])
        await agent.catch_up()
        before = cpu_seconds(running.roots())
        wrong = sum([not await agent.unchanged() for _ in range(count)])
        used = difference(before, cpu_seconds(running.roots()))
    return Turn(used, count, wrong=wrong)


async def _edits(contestant: Contestant, count: int) -> Turn:
    """Edits of one monitor after another, until an agent of each region holds what was written."""
    running, took = contestant.world, []
    async with AsyncExitStack() as stack:
        agents = []
        for region in running.regions:
            agents.append(Following(await stack.enter_async_context(http_client(running.port)), region))
            await agents[-1].catch_up()
        api = await stack.enter_async_context(running.api())
        for n in range(count):
            monitor_id = contestant.population.ids[n % len(contestant.population.ids)]
            heard = [asyncio.create_task(agent.hear_of(monitor_id)) for agent in agents]
            await asyncio.sleep(_LISTENING_S)
            began = time.monotonic()
            change = {"check": {"url": f"https://edited-{time.time_ns()}.example/"}}
            answer = await api.patch(f"/api/v1/monitors/{monitor_id}", json=change)
            assert answer.status_code == 200, answer.text
            async with asyncio.timeout(_PATIENCE_S):
                took += [at - began for at in await asyncio.gather(*heard)]
    return Turn({}, len(took), extra={"p50": percentile(took, 0.5), "p99": percentile(took, 0.99)})


def _figure(
    sent: Sequence[HalfLoad],
    costs: Sequence[Sequence[Turn]],
    turns: dict[str, list[Turn]],
    *,
    few: int,
    per_s: int,
) -> Figure:
    figure = Figure(
        "S11",
        "Growth",
        [
            f"{few} and {few * TIMES} monitors × {_REGIONS} regions, each taking in {per_s} results a second",
            "both installations at once, each in processes of its own, with everything they do by themselves",
            "senders of results run at the lowest priority",
            "reads: one after another, until the kernel has stamped the answer's last byte",
            f"an edit: of the one with {few * TIMES}, from its request to an agent of each region holding it",
            f"polls: of the one with {few * TIMES}, CPU of control plane and PostgreSQL, afterwards",
        ],
    )
    per_result = [[pair[n].per_item_us(CONTROL_PLANE, POSTGRES) for pair in costs] for n in (0, 1)]
    figure.rows = [
        Row(f"{few} monitors, control plane and PostgreSQL", "µs/result", per_result[0]),
        Row(f"{few * TIMES} monitors", "µs/result", per_result[1]),
        Row("… ten times the monitors against the few", "ratio", ratios(per_result[1], per_result[0]), 1.15),
    ]
    for kind, label in (("page", f"a page of {PAGE} monitors"), ("one", "GET of a monitor")):
        for share, most in (("p50", None), ("p99", 1.3)):
            of = [[turn.extra[share] for turn in turns[f"{kind} {name}"]] for name in ("small", "large")]
            figure.rows += [
                Row(f"{label}, {share}, {few} monitors", "ms", of[0]),
                Row(f"{label}, {share}, {few * TIMES} monitors", "ms", of[1]),
                Row("… against the few", "ratio", ratios(of[1], of[0]), most),
            ]
    polls = [turn.per_item_us(CONTROL_PLANE, POSTGRES) / 1000 for turn in turns["polls"]]
    figure.rows.append(Row("an unchanged assignment poll, no body", "ms CPU", polls, 0.5))
    for share, most in (("p50", None), ("p99", 1.0)):
        values = [turn.extra[share] for turn in turns["edits"]]
        figure.rows.append(Row(f"an edit reaches its agents, {share}", "s", values, most))
    figure.book(turn for each in turns.values() for turn in each)
    for each in sent:
        assert each.paced is not None
        figure.wrong += each.paced.wrong
        figure.checked += each.paced.sent
        if each.paced.per_s < 0.9 * per_s:
            figure.void = f"only {each.paced.per_s:.0f} of {per_s} results a second were taken in"
    return figure
