"""The demo's little web on loopback: services that answer as fast as their past says, and fail when somebody says so.

They fail by themselves now and then, so that incidents open and resolve in front of whoever looks; a switchboard lets
people break and mend each. The demo's regions are told apart by the loopback address that their checks come from.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime

from aiohttp import web
from msgspec import Struct

from control_plane.services.demo.pace import answer_ms

HOST = "127.0.0.1"
CYCLE_S = 900.0
WEB = ("website", "booking-api", "checkout", "search", "payments", "partner", "old-site", "tickets", "app")
_INBOX_KEPT = 200


class Ports(Struct, frozen=True):
    """Where everything listens, always on the loopback address."""

    web: int
    gates: int
    database: int
    cache: int
    queue: int
    dns: int
    tls: int
    old_tls: int


def timetable(at: float) -> Mapping[str, str]:
    """What is amiss by itself at this second of a cycle: an outage, a slow half hour, a region that fails alone."""
    amiss = {}
    if 75 <= at < 165:
        amiss["booking-api"] = "down"
    if 300 <= at < 480:
        amiss["search"] = "slow"
    if 540 <= at < 660:
        amiss["tickets"] = "far"
    return amiss


class Sites:
    """What is well and what is not, and what the channels were sent. `regions`: by source address."""

    def __init__(self, regions: Mapping[str, str], *, unlucky: str) -> None:
        self._regions = regions
        self._unlucky = unlucky
        self._began = time.monotonic()
        self._lot = random.Random()  # noqa: S311 - the time of an answer, no secret
        self.said: dict[str, str] = {}
        """By the switchboard: `up`, `down`, `slow`; what is not in it follows the timetable."""
        self.inbox: deque[tuple[datetime, str, str]] = deque(maxlen=_INBOX_KEPT)

    def state(self, name: str) -> str:
        """`up`, `down`, `slow` or `far` (fails for one region alone)."""
        told = self.said.get(name)
        return told or timetable((time.monotonic() - self._began) % CYCLE_S).get(name, "up")

    def fails(self, name: str, source: str) -> bool:
        """Whether it fails for whoever comes from this address."""
        state = self.state(name)
        return state == "down" or (state == "far" and source == self._unlucky)

    def wait_s(self, name: str, source: str) -> float:
        """How long it takes to answer whoever comes from this address."""
        region = self._regions.get(source, "")
        ms = answer_ms(name, region, at=datetime.now(UTC), lot=self._lot)
        return (ms + 900 if self.state(name) == "slow" else ms) / 1000

    def receive(self, channel: str, text: str) -> None:
        """Something that Farwatch sent to a channel."""
        self.inbox.appendleft((datetime.now(UTC), channel, text))


@asynccontextmanager
async def listening(sites: Sites, *, ports: Ports, more: Sequence[web.RouteDef] = ()) -> AsyncIterator[None]:
    """The web sites, the TCP services, and `more` pages beside the sites."""
    async with AsyncExitStack() as stack:
        runner = web.AppRunner(_app(sites, more), access_log=None)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, HOST, ports.web).start()
        for name in ("gates", "database", "cache", "queue"):
            server = await asyncio.start_server(_greeter(sites, name), HOST, getattr(ports, name))
            await stack.enter_async_context(server)
        yield


def _app(sites: Sites, more: Sequence[web.RouteDef]) -> web.Application:
    app = web.Application()
    app.add_routes(more)
    for name in WEB:
        app.router.add_get(f"/{name}", _site(sites, name))
    app.router.add_post("/", _inbox(sites, "Phone on call"))
    app.router.add_post("/inbox/operations", _inbox(sites, "Operations"))
    app.router.add_post("/alertmanager/api/v2/alerts", _inbox(sites, "Alertmanager"))
    return app


def _site(sites: Sites, name: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(request: web.Request) -> web.Response:
        source = request.remote or ""
        await asyncio.sleep(sites.wait_s(name if name != "old-site" else "website", source))
        if sites.fails(name, source):
            return web.json_response({"status": "failing", "service": name}, status=503)
        return web.json_response({"status": "ok", "service": name})

    return answer


def _inbox(sites: Sites, channel: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def take(request: web.Request) -> web.Response:
        sites.receive(channel, (await request.text())[:4000])
        return web.json_response({})

    return take


def _greeter(sites: Sites, name: str) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    """Answers PONG after a while; hangs up at once when it fails."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        source = writer.get_extra_info("peername")[0]
        try:
            async with asyncio.timeout(5):
                asked = b"" if sites.fails(name, source) else await reader.readline()
            if asked:
                await asyncio.sleep(sites.wait_s(name, source))
                writer.write(b"PONG\n")
                await writer.drain()
        except (TimeoutError, ConnectionError):
            pass  # whoever asked has gone: checks that only connect hang up like this
        finally:
            writer.close()

    return serve
