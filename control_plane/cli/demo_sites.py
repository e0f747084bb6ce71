"""The demo's little web: sites on one local port that fail on a timetable, so that every kind of verdict is seen.

The timetable repeats every `CYCLE_S` seconds; the regions of the demo are told apart by the loopback address that
their agents' checks come from.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from msgspec import Struct

CYCLE_S = 180.0


class Site(Struct, frozen=True):
    """A path, what people read of it, and what it does `at` a second of the cycle to a visitor from `source`."""

    path: str
    name: str
    story: str
    act: Callable[[float, str], str]


def steady(at: float, source: str) -> str:
    """Always well."""
    del at, source
    return "ok"


def outage(at: float, source: str) -> str:
    """Down for everybody for a minute of each cycle."""
    del source
    return "error" if 30 <= at < 90 else "ok"


def local_failure(unlucky: str) -> Callable[[float, str], str]:
    """Fails for the visitors from one address only."""

    def act(at: float, source: str) -> str:
        return "error" if source == unlucky and at >= 60 else "ok"

    return act


def sluggish(at: float, source: str) -> str:
    """Slow for half of each cycle."""
    del source
    return "slow" if at >= 90 else "ok"


def demo_sites(unlucky: str) -> tuple[Site, ...]:
    """The cast. `unlucky` is the source address of the region that the second site fails."""
    return (
        Site("/shop", "Shop", "always up", steady),
        Site("/blog", "Blog", "fails from one region only, which the others outvote", local_failure(unlucky)),
        Site("/api", "API", "down for everybody for a minute of every three: an incident opens and resolves", outage),
        Site("/search", "Search", "slow for half of the time: degraded", sluggish),
    )


@asynccontextmanager
async def serve_sites(sites: tuple[Site, ...], *, host: str) -> AsyncIterator[int]:
    """Serve them on a free port, which is yielded."""
    began = time.monotonic()
    app = web.Application()
    for site in sites:
        app.router.add_get(site.path, _handler(site, began))
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, 0).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def _handler(site: Site, began: float) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(request: web.Request) -> web.Response:
        at = (time.monotonic() - began) % CYCLE_S
        match site.act(at, request.remote or ""):
            case "error":
                return web.Response(status=500, text=f"{site.name} has a problem\n")
            case "slow":
                await asyncio.sleep(0.7)
        return web.Response(text=f"{site.name} is well\n")

    return answer
