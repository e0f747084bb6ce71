"""S6: what a result costs from the socket to the commit, votes and verdicts included."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any

import msgspec

from shared.protocol import BatchReceipt
from shared.results import CheckResult
from tests.bench import rotation
from tests.bench.batches import BATCH, Body, body, now_ms, slot_items
from tests.bench.cpu import cpu_seconds, difference
from tests.bench.figure import Figure, Row
from tests.bench.fixed_work import fixed_turn
from tests.bench.http_client import HttpClient, http_client
from tests.bench.options import Options
from tests.bench.population import Population, populate
from tests.bench.rotation import Turn, ratios
from tests.bench.store_only import StoreOnly
from tests.bench.world import CONTROL_PLANE, POSTGRES, World, scratch, world

STEP_MS = 10_000
INTERVAL_S = 600
_FIRST_SLOT_AGO_MS = 1_150_000
"""Votes of an interval of 600 s live 1240 s: a few hundred slots of 10 s lie in the past and are all counted."""

Bodies = dict[int, list[Body]]
"""What each region sends, by its id."""


class Ingest:
    """Sends whole slots of all monitors in all regions, one connection per region, and checks each answer."""

    def __init__(self, world: World, population: Population, clients: dict[int, HttpClient], slots: int) -> None:
        self.world = world
        self.population = population
        self.sent = 0
        self.last_slots: dict[tuple[Any, int], int] = {}
        self._clients = clients
        self._slots_per_turn = slots
        self._next_slot = now_ms() - _FIRST_SLOT_AGO_MS
        self._chance = random.Random(20)
        self._latest: Bodies = {}

    async def turn(self, *, gzip: bool) -> Turn:
        """New slots, steady but for a monitor's first ones."""
        made = self._make(self._slots_per_turn)
        self._latest = self._encode(made, gzip=gzip)
        turn = await self._send(self._latest, gzip=gzip, expected="stored")
        self.sent += turn.count
        return turn

    async def replay(self) -> Turn:
        """The very bytes of the turn before, once more. Rows that this adds count as wrong answers."""
        before = await self.rows()
        turn = await self._send(self._latest, gzip=False, expected="duplicate")
        added = await self.rows() - before
        return Turn(turn.cpu, turn.count, turn.wrong + added)

    async def store_only(self, floor: StoreOnly) -> Turn:
        """As many results, for the floor."""
        return await floor.turn(self._make(self._slots_per_turn))

    async def rows(self) -> int:
        async with self.world.database.owner() as conn:
            count: int = await conn.fetchval("SELECT count(*) FROM results")
            return count

    def _make(self, slots: int) -> dict[int, list[list[CheckResult]]]:
        made: dict[int, list[list[CheckResult]]] = {region.id: [] for region in self.world.regions}
        for _ in range(slots):
            for region_id, lists in made.items():
                items = slot_items(self.population, region_id, at=self._next_slot, step_ms=STEP_MS, chance=self._chance)
                lists.extend(items)
            self._next_slot += STEP_MS
        return made

    def _encode(self, made: dict[int, list[list[CheckResult]]], *, gzip: bool) -> Bodies:
        for region_id, lists in made.items():
            self.last_slots |= {(item.monitor_id, region_id): item.slot for items in lists for item in items}
        return {region_id: [body(items, gzip=gzip) for items in lists] for region_id, lists in made.items()}

    async def _send(self, bodies: Bodies, *, gzip: bool, expected: str) -> Turn:
        before = cpu_seconds(self.world.roots())
        async with asyncio.TaskGroup() as tasks:
            sent = [
                tasks.create_task(self._send_region(region_id, each, gzip=gzip, expected=expected))
                for region_id, each in bodies.items()
            ]
        used = difference(before, cpu_seconds(self.world.roots()))
        count = sum(each.items for lists in bodies.values() for each in lists)
        return Turn(used, count, sum(task.result() for task in sent))

    async def _send_region(self, region_id: int, bodies: Sequence[Body], *, gzip: bool, expected: str) -> int:
        """How many items were answered with something else."""
        key = next(region.probe_key for region in self.world.regions if region.id == region_id)
        wrong = 0
        for each in bodies:
            status, answer = await self._clients[region_id].post("/api/agent/v1/results", each.data, key=key, gzip=gzip)
            if status != 200:
                wrong += each.items
                continue
            statuses = msgspec.json.decode(answer, type=BatchReceipt).statuses
            wrong += each.items - sum(one == expected for one in statuses)
        return wrong


async def count_mistakes(ingest: Ingest) -> int:
    """What the database holds against what was acknowledged: rows, votes and verdicts."""
    async with ingest.world.database.owner() as conn:
        votes = await conn.fetch("SELECT monitor_id, region_id, newest_slot, vote FROM votes")
        not_up: int = await conn.fetchval("SELECT count(*) FROM monitor_states WHERE verdict <> 'up'")
    newest = {(row["monitor_id"], row["region_id"]): row["newest_slot"] for row in votes if row["vote"] == "up"}
    wrong_votes: int = sum(newest.get(key) != slot for key, slot in ingest.last_slots.items())
    wrong_rows = abs(await ingest.rows() - ingest.sent)
    return wrong_rows + wrong_votes + not_up + (len(votes) - len(newest))


async def measure(options: Options) -> Figure:
    monitors = options.scaled(10_000, quick=500)
    slots = options.scaled(6, quick=1)
    async with AsyncExitStack() as stack:
        directory = await stack.enter_async_context(scratch())
        running = await stack.enter_async_context(world(directory, regions=3))
        population = await populate(
            running, [f"https://site-{n}.example/health" for n in range(monitors)], interval_s=INTERVAL_S
        )
        clients = {region.id: await stack.enter_async_context(http_client(running.port)) for region in running.regions}
        floor = await stack.enter_async_context(StoreOnly.made(running))
        ingest = Ingest(running, population, clients, slots)
        first = await ingest.turn(gzip=True)
        await ingest.turn(gzip=True)
        turns = await rotation.rotate(
            {
                "floor": _machine,
                "alone": lambda: ingest.store_only(floor),
                "gzip": lambda: ingest.turn(gzip=True),
                "identity": lambda: ingest.turn(gzip=False),
                "replay": ingest.replay,
            },
            rounds=options.rounds,
        )
        mistakes = await count_mistakes(ingest)
    return _figure(first, turns, mistakes, monitors=monitors)


async def _machine() -> Turn:
    return fixed_turn()


def _figure(first: Turn, turns: dict[str, list[Turn]], mistakes: int, *, monitors: int) -> Figure:
    everything = [first, *(turn for name, each in turns.items() if name != "floor" for turn in each)]
    figure = Figure(
        "S6",
        "Ingest",
        [
            (
                f"{monitors} monitors × 3 regions, {turns['gzip'][0].count} results per turn in batches of {BATCH},"
                " one connection per region, each batch acknowledged after its commit; the client is not counted"
            ),
            (
                "the control plane is a process of its own, PostgreSQL the embedded one with durable settings, both"
                " with everything they do by themselves meanwhile; agents send gzip"
            ),
            "the floor is a fixed piece of computing: decoding one batch of 500 results again and again",
            "storing alone: one `INSERT … SELECT unnest … ON CONFLICT DO NOTHING` and commit per batch",
        ],
        wrong=mistakes + sum(turn.wrong for turn in everything),
        checked=sum(turn.count for turn in everything),
    )
    floor, alone = _costs(turns["floor"]), _costs(turns["alone"], POSTGRES)
    if rotation.is_void(floor):
        figure.void = "the same computing varied by more than 25 %: the machine was not quiet"
    for name in ("gzip", "identity"):
        whole = _costs(turns[name], CONTROL_PLANE, POSTGRES)
        figure.rows += [
            Row(f"control plane, {name}", "µs/result", _costs(turns[name], CONTROL_PLANE), 7),
            Row(f"PostgreSQL, {name}", "µs/result", _costs(turns[name], POSTGRES)),
            Row(f"both, {name}", "µs/result", whole, 20),
        ]
    new, again = (_costs(turns[name], CONTROL_PLANE, POSTGRES) for name in ("identity", "replay"))
    figure.rows += [
        Row("the same identity bodies once more, both", "µs/result", again, note="no row added"),
        Row("… against the first time", "ratio", ratios(again, new), 0.6),
        Row("storing alone, PostgreSQL", "µs/result", alone),
        Row("PostgreSQL, gzip, against storing alone", "ratio", ratios(_costs(turns["gzip"], POSTGRES), alone)),
        Row("decoding alone, the floor", "µs/result", floor),
        Row(
            "first results of new monitors, each one judged, both",
            "µs/result",
            [first.per_item_us(CONTROL_PLANE, POSTGRES)],
        ),
    ]
    return figure


def _costs(turns: Sequence[Turn], *parts: str) -> list[float]:
    return [turn.per_item_us(*parts) for turn in turns]
