"""The pages that people open, with 10 000 monitors and as many incidents: what each costs, and how a browser gets on.

Server time is from the moment before a page is asked for until the kernel has stamped its last byte, one page after
another on one connection. CPU is that of control plane and PostgreSQL. A page's bytes are as they are transferred.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from http.cookies import SimpleCookie

import httpx

from tests.bench.cpu import cpu_seconds, difference
from tests.bench.figure import Figure, Row
from tests.bench.long_lists import long_lists, status_pages
from tests.bench.options import Options
from tests.bench.population import Population
from tests.bench.rotation import Turn, percentile, rotate
from tests.bench.seen import Seen, sees
from tests.bench.stamped_client import stamped_client
from tests.bench.world import CONTROL_PLANE, POSTGRES, World, scratch, world

MONITORS = 10_000
PAGES = 10
_REGIONS = 3
_PAUSE_S = 0.02
_STALE_AFTER_S = 3.1
"""A status page is read at most once in 3 s."""

_MS = {"api": 50.0}
_USUAL_MS = 100.0


@dataclass(frozen=True, slots=True)
class View:
    """A page: its addresses by turns, and what one of them must hold."""

    label: str
    paths: Sequence[str]
    holds: bytes
    kind: str = "page"


def views(population: Population, slugs: Sequence[str]) -> Mapping[str, View]:
    some = [f"/app/monitors/{each}" for each in population.ids[::97]]
    pages = [f"/status/{slug}" for slug in slugs]
    return {
        "overview": View("overview", ["/app"], b'id="live"'),
        "worst": View("overview, worst first", ["/app?sort=attention"], b'id="live"'),
        "search": View("overview, searched", ["/app?q=site-99", "/app?q=site-12"], b'id="live"'),
        "filter": View("overview, by state and tag", ["/app?state=up&tag=team-3"], b'id="live"'),
        "far": View("overview, a page far behind", [f"/app?page={max(len(population.ids) // 110, 1)}"], b'id="live"'),
        "monitor": View("a monitor", some, b'id="live"'),
        "incidents": View("incidents", ["/app/incidents"], b"Resolved"),
        "sought": View("incidents, searched", ["/app/incidents?q=no+answer"], b"Resolved"),
        "regions": View("regions", ["/app/regions"], b"Region 1"),
        "cached": View("status page of 100 systems, cached", pages[:1], b"System 7"),
        "cold": View("status page of 100 systems, read anew", pages, b"System 7", "cold"),
        "api": View("GET /monitors, 100 of them", ["/api/v1/monitors?limit=100"], b'"check"', "api"),
        "api search": View("GET /monitors, searched", ["/api/v1/monitors?limit=100&q=site-9"], b'"check"', "api"),
    }


async def measure(options: Options) -> Figure:
    monitors, count = options.scaled(MONITORS, quick=300), options.scaled(60, quick=2)
    async with AsyncExitStack() as stack:
        running = await stack.enter_async_context(world(await stack.enter_async_context(scratch()), regions=_REGIONS))
        population = await long_lists(running, monitors)
        slugs = await status_pages(running, population.ids, options.scaled(PAGES, quick=2))
        looked_at = views(population, slugs)
        cookie = await _sign_in(running)
        contestants: dict[str, Callable[[], Awaitable[Turn]]] = {
            name: partial(asyncio.to_thread, _turn, running, view, cookie, count) for name, view in looked_at.items()
        }
        contestants["browser"] = lambda: _browser(running, population, cookie, seconds=options.scaled(12, quick=2))
        turns = await rotate(contestants, rounds=options.rounds)
    return _figure(turns, looked_at, monitors=monitors)


async def _sign_in(running: World) -> str:
    async with httpx.AsyncClient(base_url=running.url, trust_env=False, timeout=20) as http:
        answer = await http.post("/login", data={"key": running.api_key})
        assert answer.status_code == 303, answer.text
        found = SimpleCookie(answer.headers["set-cookie"])
    return "; ".join(f"{name}={morsel.value}" for name, morsel in found.items())


def _turn(running: World, view: View, cookie: str, count: int) -> Turn:
    """One after another, with a little rest between."""
    if view.kind == "cold":
        count = len(view.paths)
        time.sleep(_STALE_AFTER_S)
    paths: Iterator[str] = itertools.cycle(view.paths)
    took: list[float] = []
    wrong = size = 0
    with stamped_client(running.port, key=running.api_key, cookie=cookie) as client:
        before = cpu_seconds(running.roots())
        for _ in range(count):
            answer = client.get(next(paths))
            wrong += answer.status != 200 or view.holds not in answer.body
            took.append(answer.took_ms)
            size = max(size, len(answer.body))
            time.sleep(_PAUSE_S)
        used = difference(before, cpu_seconds(running.roots()))
    told = {"p50": percentile(took, 0.5), "p95": percentile(took, 0.95), "size": size / 1000}
    return Turn(used, count, wrong=wrong, extra=told)


async def _browser(running: World, population: Population, cookie: str, *, seconds: int) -> Turn:
    seen = await sees(running, population, cookie, seconds=seconds)
    if seen is None:
        return Turn({}, 0)
    return Turn({}, 1, wrong=seen.updates == 0, extra=seen.told())


def _figure(turns: dict[str, list[Turn]], looked_at: Mapping[str, View], *, monitors: int) -> Figure:
    figure = Figure(
        "Dashboard",
        "Pages",
        [
            f"{monitors} monitors in 40 groups × {_REGIONS} regions, and as many incidents",
            "10 changes and 4 windows of maintenance a month for each monitor, and a day of latency",
            "pages one after another, on one connection, until the kernel has stamped the last byte; not compressed",
            "read anew: a status page that nobody asked for in the last 3 s",
            "the browser is Chromium at 1200 × 800 with an empty cache, on the same machine",
            "interactive: scripts have run and the stream of events is open",
            "layout shift (web.dev/cls) while results of shown monitors come in and the page is laid anew",
        ],
    )
    for name, view in looked_at.items():
        figure.rows += _rows(view, turns[name])
    figure.rows += _seen_rows(turns["browser"])
    figure.book(turn for each in turns.values() for turn in each)
    return figure


def _rows(view: View, turns: Sequence[Turn]) -> list[Row]:
    most = _MS.get(view.kind, _USUAL_MS)
    cpu = [turn.per_item_us(CONTROL_PLANE, POSTGRES) / 1000 for turn in turns]
    rows = [
        Row(f"{view.label}, p50", "ms", [turn.extra["p50"] for turn in turns]),
        Row(f"{view.label}, p95", "ms", [turn.extra["p95"] for turn in turns], most),
        Row(f"{view.label}, control plane and PostgreSQL", "ms CPU", cpu),
    ]
    if view.kind == "page":
        rows.append(Row(f"{view.label}, transferred", "kB", [turn.extra["size"] for turn in turns], 300.0))
    return rows


def _seen_rows(turns: Sequence[Turn]) -> list[Row]:
    measured = [turn for turn in turns if turn.count]
    return [
        Row(label, unit, [turn.extra[name] for turn in measured], most, "" if measured else "no chromium here")
        for name, label, unit, most in Seen.LABELS
    ]
