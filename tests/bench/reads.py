"""S10: reads while results are taken in at half load.

Half load is half of what the same senders got taken in just before, as fast as they were answered. They are a process
of their own, and so is the control plane, which takes the results and answers the reads, as in a small installation.

Rollups and raw rows answer the same question and are timed to the same point: three regions' percentiles and means of
24 h and of each of its 60 slices, as values in Python, from 25 920 results. From raw rows these come from the database
finished (raw_latency.py), which is faster than our own way for ranges without rollups.

Monitors that are read have fresh votes in all regions, as watched ones do.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from uuid import UUID

import msgspec

from control_plane.domain.uptime.time_slices import starts
from control_plane.services.uptime.read_availability import Horizon, read_uptimes
from control_plane.services.uptime.read_latency import Series, read_latency
from control_plane.settings import RetentionSettings
from control_plane.store import uptime_reads
from tests.bench.background import Background, Sender
from tests.bench.batches import BATCH, now_ms
from tests.bench.figure import Figure, Row
from tests.bench.half_load import HalfLoad, half_load
from tests.bench.http_client import HttpClient, http_client
from tests.bench.options import Options
from tests.bench.past import DAY_MS, write_changes, write_results
from tests.bench.population import Population, populate
from tests.bench.programs import free_port, listening, program
from tests.bench.raw_latency import chart_from_raw
from tests.bench.rotation import Turn, percentile, rotate
from tests.bench.stamped_client import Stamped, StampedClient, stamped_client
from tests.bench.world import World, scratch, world

PAGE = 100
_CONNECTIONS = 4
_PAUSE_S = 0.005
_REGIONS = 3
_SLICES = 60
_VOTED_AGO_MS = 60_000
_LEAST = 8_400
"""Samples of a day at one in ten seconds, but for some minutes."""


class Reader:
    """Asks about monitors in turn. Every answer is looked at."""

    def __init__(self, running: World, monitors: Sequence[UUID]) -> None:
        self._world = running
        self._next: Iterator[UUID] = itertools.cycle(monitors)

    def by_region(self, client: StampedClient) -> tuple[bool, Stamped]:
        """The chart of a day, a line for each region, through the API."""
        answer = client.get(f"/api/v1/monitors/{next(self._next)}/latency/by-region")
        regions = msgspec.json.decode(answer.body)["regions"] if answer.status == 200 else ()
        whole = len(regions) == _REGIONS and all(each["summary"]["samples"] >= _LEAST for each in regions)
        return whole, answer

    def page(self, client: StampedClient) -> tuple[bool, Stamped]:
        """A page of monitors through the API."""
        answer = client.get(f"/api/v1/monitors?limit={PAGE}")
        return answer.status == 200 and len(msgspec.json.decode(answer.body)["items"]) == PAGE, answer

    async def uptimes(self, monitors: Sequence[UUID]) -> bool:
        """The uptime of a page over 30 days, by the function that the API and the dashboard call."""
        now = datetime.now(UTC)
        tenant_id = self._world.tenant_id
        async with self._world.database.tenant(tenant_id) as conn:
            found = await read_uptimes(
                conn,
                await uptime_reads.uptime_monitors(conn, tenant_id=tenant_id, monitor_ids=monitors),
                tenant_id=tenant_id,
                start=now - timedelta(days=30),
                end=now,
                horizon=Horizon(now, timedelta(days=400)),
            )
        return len(found) == PAGE and all(each.uptime_pct is not None for each in found.values())

    async def rolled(self) -> bool:
        """The chart of a day by the function that the API calls."""
        now = datetime.now(UTC)
        async with self._world.database.tenant(self._world.tenant_id) as conn:
            chart = await read_latency(
                conn,
                tenant_id=self._world.tenant_id,
                monitor_id=next(self._next),
                start=now - timedelta(days=1),
                end=now,
                now=now,
                kept=RetentionSettings(),
                by_region=True,
            )
        return _is_whole(chart.series)

    async def raw(self) -> bool:
        """The same from the raw rows."""
        end = now_ms()
        grid = starts(end - DAY_MS, end)
        async with self._world.database.tenant(self._world.tenant_id) as conn:
            series = await chart_from_raw(
                conn,
                tenant_id=self._world.tenant_id,
                monitor_id=next(self._next),
                start_ms=end - DAY_MS,
                end_ms=end,
                grid=grid,
            )
        return _is_whole(series)

    async def one(self, client: HttpClient) -> bool:
        status, reply = await client.get(f"/api/v1/monitors/{next(self._next)}", key=self._world.api_key)
        return status == 200 and b'"check"' in reply

    async def bare(self, client: HttpClient) -> bool:
        status, reply = await client.get(f"/monitors/{next(self._next)}")
        return status == 200 and b'"check"' in reply


def _is_whole(series: Sequence[Series]) -> bool:
    return len(series) == _REGIONS and all(
        each.whole.samples >= _LEAST and sum(of.latency.p99 is not None for of in each.slices) >= _SLICES
        for each in series
    )


async def measure(options: Options) -> Figure:
    others = options.scaled(5_000, quick=BATCH)
    reads, fast_s = options.scaled(400, quick=20), options.scaled(5, quick=1)
    async with AsyncExitStack() as stack:
        directory = await stack.enter_async_context(scratch())
        running = await stack.enter_async_context(world(directory, regions=_REGIONS))
        watched = await populate(running, [f"https://read-{n}.example/" for n in range(PAGE)])
        read_about = watched.ids
        await _vote(running, watched)
        await write_changes(running, read_about)
        charted = read_about[: options.scaled(20, quick=3)]
        written = await write_results(running, charted)
        beside = await populate(running, [f"https://site-{n}.example/" for n in range(others)], interval_s=600)
        bare = await stack.enter_async_context(_bare(directory, running))
        reader = Reader(running, charted)
        contestants: dict[str, Callable[[], Awaitable[Turn]]] = {
            "by region": partial(asyncio.to_thread, _stamped, running, reader.by_region, reads),
            "page": partial(asyncio.to_thread, _stamped, running, reader.page, reads),
            "uptimes": lambda: _timed(lambda: reader.uptimes(read_about), reads),
            "rolled": lambda: _timed(reader.rolled, reads),
            "raw": lambda: _timed(reader.raw, reads // 2),
            "one": lambda: _closed(reader.one, running.port, reads * 4),
            "bare": lambda: _closed(reader.bare, bare, reads * 4),
        }
        gc.freeze()  # as a control plane does once it serves: what runs here shall not stop to look through the harness
        async with half_load(running, beside, fast_s=fast_s) as load:
            turns = await rotate(contestants, rounds=options.rounds)
    return _figure(turns, load, written=written, charted=len(charted))


async def _vote(running: World, population: Population) -> None:
    """A result of each monitor from each region, through the API."""
    told = Background()
    for region in running.regions:
        async with http_client(running.port) as client:
            await Sender(client, region, population, told).slot(now_ms() - _VOTED_AGO_MS, gap_s=0)
    assert told.wrong == 0


@asynccontextmanager
async def _bare(directory: Path, running: World) -> AsyncIterator[int]:
    """The bare handler's port."""
    port, dsn = free_port(), running.postgres.dsn
    async with program(sys.executable, "-m", "tests.bench.bare_handler", str(port), dsn, log=directory / "bare.log"):
        await listening(port)
        yield port


def _stamped(running: World, ask: Callable[[StampedClient], tuple[bool, Stamped]], count: int) -> Turn:
    """As `_timed`, until the kernel has the last byte: when it lets the reader see that is not the server's doing."""
    took: list[float] = []
    late: list[float] = []
    wrong = 0
    with stamped_client(running.port, key=running.api_key) as client:
        for _ in range(count):
            right, answer = ask(client)
            wrong += not right
            took.append(answer.took_ms)
            late.append(answer.seen_ms - answer.took_ms)
            time.sleep(_PAUSE_S)
    told = {"p50": percentile(took, 0.5), "p99": percentile(took, 0.99), "late": percentile(late, 0.99)}
    return Turn({}, count, wrong=wrong, extra=told)


async def _timed(ask: Callable[[], Awaitable[bool]], count: int) -> Turn:
    """One after another, with a little rest between: each as a person would see it."""
    took: list[float] = []
    wrong = 0
    for _ in range(count):
        began = time.perf_counter()
        wrong += not await ask()
        took.append((time.perf_counter() - began) * 1000)
        await asyncio.sleep(_PAUSE_S)
    return Turn({}, count, wrong=wrong, extra={"p50": percentile(took, 0.5), "p99": percentile(took, 0.99)})


async def _closed(ask: Callable[[HttpClient], Awaitable[bool]], port: int, count: int) -> Turn:
    """As fast as they answer, on all connections."""
    each = count // _CONNECTIONS

    async def run(client: HttpClient) -> int:
        return sum([not await ask(client) for _ in range(each)])

    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(http_client(port)) for _ in range(_CONNECTIONS)]
        began = time.perf_counter()
        wrong = await asyncio.gather(*(run(client) for client in clients))
        rate = each * len(clients) / (time.perf_counter() - began)
    return Turn({}, each * len(clients), wrong=sum(wrong), extra={"rate": rate})


def _figure(turns: dict[str, list[Turn]], load: HalfLoad, *, written: int, charted: int) -> Figure:
    assert load.paced is not None
    figure = Figure(
        "S10",
        "Reads",
        [
            f"{charted} monitors × {_REGIONS} regions with {written} results of the last day, one in ten seconds",
            f"{PAGE} monitors with 10 changes of verdict and 4 windows of maintenance in the last 30 days",
            (
                f"while {load.paced.per_s:.0f} other results a second are taken in, of {load.fast.per_s:.0f} as fast as"
                " they are answered; readers, senders and servers share the machine, senders at the lowest priority"
            ),
            "a chart of a day is 60 slices with p50, p95, p99 and phase means for each region",
            "GETs one after another, until the kernel has stamped the last byte; regions send their batches by turns",
            "rates: four connections, each as fast as it is answered",
            "the bare handler is aiohttp on uvloop with one query by primary key and orjson",
        ],
    )
    for name, label, most in (
        ("by region", "24 h percentiles of 3 regions, GET", 8.0),
        ("page", "a page of 100 monitors, GET", 10.0),
        ("uptimes", "uptime of 100 monitors over 30 days", 10.0),
        ("rolled", "24 h percentiles of 3 regions, from rollups", None),
        ("raw", "24 h percentiles of 3 regions, from raw rows", None),
    ):
        for share in ("p50", "p99"):
            values = [turn.extra[share] for turn in turns[name]]
            figure.rows.append(Row(f"{label}, {share}", "ms", values, most if share == "p99" else None))
    late = [turn.extra["late"] for name in ("by region", "page") for turn in turns[name]]
    figure.rows.append(Row("the reader's own lateness, not in the GETs above, p99", "ms", late))
    against = [
        rolled.extra["p50"] / raw.extra["p50"] for rolled, raw in zip(turns["rolled"], turns["raw"], strict=True)
    ]
    figure.rows.append(Row("… rollups against raw rows, medians", "ratio", against, 0.2))
    for name, label in (("one", "GET of a monitor"), ("bare", "a bare handler with one query")):
        figure.rows.append(Row(label, "1/s", [turn.extra["rate"] for turn in turns[name]]))
    slower = [bare.extra["rate"] / one.extra["rate"] for one, bare in zip(turns["one"], turns["bare"], strict=True)]
    figure.rows.append(Row("… bare against ours", "ratio", slower, 4.0))
    figure.book(turn for each in turns.values() for turn in each)
    figure.wrong += load.fast.wrong + load.paced.wrong
    return figure
