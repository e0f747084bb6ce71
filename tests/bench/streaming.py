"""S12: live events by SSE to a thousand readers of one tenant.

Events are written as a deciding transaction writes them: a row with its number, and a hint at the commit. What the
control plane needs to read, encode and send them is counted, with everything that it does by itself meanwhile.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial

from control_plane.domain.tenants.credentials import SCOPES
from control_plane.services.tenants.issue_api_key import write_key
from control_plane.store import decisions
from tests.bench.audience import Ask, Audience, Heard, audience
from tests.bench.cpu import cpu_seconds, difference
from tests.bench.figure import Figure, Row
from tests.bench.fixed_work import fixed_turn
from tests.bench.options import Options
from tests.bench.rotation import Turn, rotate
from tests.bench.world import CONTROL_PLANE, POSTGRES, World, scratch, world

READERS = 1_000
STALLED = 50
PER_KEY = 20
GONE_WITHIN_S = 2.0
_EVERY_S = 0.04
_BURST = 20
_ROOM = "x" * 300
"""An event is about as long as one of an incident is."""
_SETTLED_S = 10.0
_EVENT = "incident.updated"


@dataclass(frozen=True, slots=True)
class Stage:
    """The installation, the keys of the readers, and how many there are of those."""

    world: World
    keys: Sequence[str]
    readers: int
    stalled: int
    events: int


async def measure(options: Options) -> Figure:
    readers = options.scaled(READERS, quick=40)
    async with AsyncExitStack() as stack:
        running = await stack.enter_async_context(world(await stack.enter_async_context(scratch()), regions=1))
        keys = [await _key(running, n) for n in range(-(-readers // PER_KEY))]
        stalled, events = options.scaled(STALLED, quick=2), options.scaled(150, quick=60)
        stage = Stage(running, keys, readers, stalled, events)
        contestants: dict[str, Callable[[], Awaitable[Turn]]] = {
            "floor": partial(asyncio.to_thread, fixed_turn),
            "single": lambda: _turn(stage, burst=1, stalled=0),
            "bursts": lambda: _turn(stage, burst=_BURST, stalled=0),
            "stalled": lambda: _turn(stage, burst=1, stalled=stalled),
        }
        turns = await rotate(contestants, rounds=options.rounds)
    return _figure(turns, stage)


async def _key(running: World, n: int) -> str:
    pepper = running.installation.prepare().pepper.encode()
    async with running.database.tenant_transaction(running.tenant_id) as conn:
        issued = await write_key(conn, running.tenant_id, label=f"reader {n}", scopes=sorted(SCOPES), pepper=pepper)
    return issued.key


async def _turn(stage: Stage, *, burst: int, stalled: int) -> Turn:
    """All streams are opened, then `events` events are written, `burst` in a transaction, at an even pace."""
    ask = Ask(port=stage.world.port, keys=stage.keys, readers=stage.readers, stalled=stalled)
    async with audience(ask) as heard_by:
        await _write(stage.world, 1)
        await _all_heard(heard_by, stage.readers - stalled)
        before, began_ns, due = cpu_seconds(stage.world.roots()), time.time_ns(), time.monotonic()
        for _ in range(0, stage.events, burst):
            await _write(stage.world, burst)
            due += _EVERY_S * burst
            await asyncio.sleep(due - time.monotonic())
        count = -(-stage.events // burst) * burst * (stage.readers - stalled)
        heard = await _all_heard(heard_by, count)
        used = difference(before, cpu_seconds(stage.world.roots()))
    gone = [(at - began_ns) / 1e9 for at in heard.gone]
    late = stalled - sum(each <= GONE_WITHIN_S for each in gone)
    extra = {"p50": heard.p50, "p99": heard.p99, "gone": max(gone, default=0), "late": float(late)}
    return Turn(used, count, wrong=heard.wrong + abs(heard.events - count) + stalled - len(gone), extra=extra)


async def _write(running: World, count: int) -> None:
    """So many events in one transaction."""
    tenant_id = running.tenant_id
    async with running.database.app_transaction() as conn:
        now = await conn.fetchval("SELECT clock_timestamp()")
        last = await decisions.take_numbers(conn, tenant_id=tenant_id, events=count, incidents=0, deliveries=0)
        told = [(tenant_id, last.events - count + n, now, _EVENT, None, _data()) for n in range(1, count + 1)]
        await decisions.append_events(conn, told)


def _data() -> str:
    return f'{{"sent_ns": {time.time_ns()}, "room": "{_ROOM}"}}'


async def _all_heard(heard_by: Audience, count: int) -> Heard:
    """What was heard, once that is everything; what there is after some seconds where something is missing."""
    patience, parts = time.monotonic() + _SETTLED_S, [await heard_by.heard()]
    while sum(part.events for part in parts) < count and time.monotonic() < patience:
        await asyncio.sleep(0.05)
        parts.append(await heard_by.heard())
    full = max(parts, key=lambda part: part.events)
    return Heard(
        events=sum(part.events for part in parts),
        wrong=sum(part.wrong for part in parts),
        p50=full.p50,
        p99=max(part.p99 for part in parts),
        gone=parts[-1].gone,
    )


def _figure(turns: dict[str, list[Turn]], stage: Stage) -> Figure:
    figure = Figure(
        "S12",
        "Live events",
        [
            f"{stage.readers} open streams of one tenant, {PER_KEY} to a key, in a process of their own",
            f"{stage.events} events of some 400 bytes, {1 / _EVERY_S:.0f} a second, written as decisions are",
            f"in bursts: {_BURST} of them in one transaction; else each in its own",
            f"stalled: {stage.stalled} of the readers read nothing from the first event on",
            "a delivery: one event at one reader, in order and once; latency from before the writing transaction",
        ],
    )
    for name, label in (("single", "one by one"), ("bursts", f"in bursts of {_BURST}")):
        costs = [turn.per_item_us(CONTROL_PLANE) for turn in turns[name]]
        most = 1e6 / 90_000 if name == "single" else None
        figure.rows.append(Row(f"a delivery, {label}, control plane", "µs CPU", costs, most))
        rates = [1e6 / cost if cost else float("inf") for cost in costs]
        figure.rows.append(Row(f"deliveries per core-second, {label}", "1/s", rates))
        figure.rows.append(Row(f"PostgreSQL, {label}", "µs CPU", [turn.per_item_us(POSTGRES) for turn in turns[name]]))
    for name, label in (("single", "nobody stalled"), ("stalled", f"{stage.stalled} stalled")):
        for share in ("p50", "p99"):
            values = [turn.extra[share] for turn in turns[name]]
            most = 100.0 if (name, share) == ("stalled", "p99") else None
            figure.rows.append(Row(f"written → heard, {label}, {share}", "ms", values, most))
    both = zip(turns["stalled"], turns["single"], strict=True)
    slower = [stalled.extra["p99"] / single.extra["p99"] for stalled, single in both]
    figure.rows.append(Row("… p99 against nobody stalled", "ratio", slower))
    gone = [turn.extra["gone"] for turn in turns["stalled"]]
    figure.rows.append(Row("the last stalled reader is gone after", "s", gone, GONE_WITHIN_S))
    floor = [turn.per_item_us() for turn in turns["floor"]]
    figure.rows.append(Row("decoding alone, the floor", "µs/result", floor))
    figure.book(turn for name, each in turns.items() if name != "floor" for turn in each)
    return figure
