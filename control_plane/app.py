"""One place builds the control plane. Nothing else reads the environment or opens a pool."""

from __future__ import annotations

import asyncio
import gc
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime
from functools import cache
from importlib.metadata import version

import msgspec
import structlog
from aiohttp import web
from prometheus_client import REGISTRY
from prometheus_client.exposition import choose_encoder

from control_plane import agent_api, dashboard, operator_api, public_site, tenant_api
from control_plane.errors import StartupRefused
from control_plane.jobs import JOBS
from control_plane.jobs.loop import run_jobs
from control_plane.metrics import BUILD
from control_plane.openapi import DOCUMENT, build_document
from control_plane.sealing import Sealer
from control_plane.services.installation.database_clock import DatabaseClock
from control_plane.services.installation.identity import new_id
from control_plane.services.safety.check_sealing_keys import check_sealing_keys
from control_plane.settings import Settings, check_serving
from control_plane.store.migrate import check_schema
from control_plane.store.pool import Database
from control_plane.web import health
from control_plane.web.authentication import Authenticator
from control_plane.web.call import Call, Deps
from control_plane.web.dispatch import PUBLIC_READ, handler_of
from control_plane.web.hub import Hub
from control_plane.web.middleware import AUTHENTICATOR, ERROR_PAGE, border, finish_headers
from control_plane.web.rate_limits import RateLimits
from control_plane.web.routes import Door, Route
from control_plane.web.server import EnvelopeRunner

DEPS = web.AppKey("deps", Deps)

_COLLECT_AFTER = 10_000
"""Objects more than were let go, until the young ones are looked through for rings. A page of a list alone makes a few
thousand, hardly any ring among them: at Python's 700 every answer would pay for several useless looks.
"""

_log = structlog.get_logger("farwatch")


class Running(msgspec.Struct, frozen=True):
    """Where a serving process can be reached; ports as really bound."""

    url: str
    metrics_url: str


def all_routes() -> tuple[Route, ...]:
    """Every route of every door."""
    doors = (
        *tenant_api.ROUTES,
        *operator_api.ROUTES,
        *agent_api.ROUTES,
        *public_site.ROUTES,
        *(_rooted(route) for route in getattr(dashboard, "ROUTES", ())),
        *getattr(dashboard, "OPERATOR_ROUTES", ()),
        *health.ROUTES,
    )
    openapi = Route(
        method="GET",
        path="/openapi.json",
        handler=_openapi,
        operation="get_openapi",
        summary="This document",
        tag="Meta",
        door=Door.PUBLIC,
    )
    return (*doors, openapi)


def _rooted(route: Route) -> Route:
    """`/` of a status page's own domain is that page."""
    return replace(route, handler=public_site.at_root(route.handler)) if route.path == "/" else route


@cache
def openapi_document() -> bytes:
    """The document as it is served: JSON with sorted names, so that it can be compared."""
    document = build_document(all_routes(), version=version("farwatch"))
    return msgspec.json.encode(document, order="sorted")


async def build_app(
    settings: Settings, *, database: Database, with_jobs: bool = True, now: Callable[[], datetime] | None = None
) -> web.Application:
    """The application, with its hub and jobs running for as long as it does. The database stays the caller's."""
    hub = Hub()
    clock = now or await _database_clock(database)
    deps = Deps(
        database=database,
        settings=settings,
        sealer=Sealer.from_setting(settings.security.sealing_keys, allow_unsealed=settings.security.allow_unsealed),
        hub=hub,
        authenticator=Authenticator(database, settings),
        new_id=new_id,
        now=clock,
        limits=RateLimits(msgspec.structs.asdict(settings.rates)),
        draw_page=public_site.draw_page,
    )
    app = web.Application(middlewares=[border])
    app[DEPS] = deps
    app[AUTHENTICATOR] = deps.authenticator
    app[ERROR_PAGE] = public_site.error_page
    document: Callable[[], bytes] = openapi_document
    app[DOCUMENT] = document
    app.on_response_prepare.append(finish_headers)
    app.on_shutdown.append(_end_streams)
    app.cleanup_ctx.append(_hub)
    app.cleanup_ctx.append(_process)
    if with_jobs:
        app.cleanup_ctx.append(_jobs)
    add_routes(app, all_routes(), deps)
    return app


async def _database_clock(database: Database) -> DatabaseClock:
    clock = DatabaseClock()
    await clock.measure(database)
    return clock


def add_routes(app: web.Application, routes: Sequence[Route], deps: Deps) -> None:
    """Hang every route into the router; GET answers HEAD as well, save where a route says otherwise."""
    for route in routes:
        handler = handler_of(route, deps)
        methods = ("GET", "HEAD") if route.method == "GET" and route.head else (route.method,)
        for method in methods:
            app.router.add_route(method, route.path, handler, expect_handler=_expect)


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Running]:
    """A serving control plane in this process, from binding to a clean stop.

    Raises StartupRefused when a setting or the schema forbids it, Unavailable when the database does not answer.
    """
    check_serving(settings)
    async with AsyncExitStack() as stack:
        database = await Database.connect(
            settings.database.dsn, max_size=settings.database.pool_size, public_url=settings.server.public_url
        )
        stack.push_async_callback(database.close)
        await check_schema(database)
        security = settings.security
        sealer = Sealer.from_setting(security.sealing_keys, allow_unsealed=security.allow_unsealed)
        await check_sealing_keys(database, sealer)
        api = await _run(stack, await build_app(settings, database=database), settings)
        metrics = await _run(stack, _metrics_app(), settings)
        server = settings.server
        yield Running(
            url=await _bind(api, host=server.host, port=server.port, shared=server.workers > 1),
            metrics_url=await _bind(metrics, host=server.metrics_host, port=server.metrics_port, shared=False),
        )


async def serve(settings: Settings, *, ready: Callable[[Running], None] | None = None) -> None:
    """Serve until SIGINT or SIGTERM. `ready` is told where, once requests are answered."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with running(settings) as where:
        gc.freeze()  # what was imported and built stays: collections need not walk through it again
        gc.set_threshold(_COLLECT_AFTER, *gc.get_threshold()[1:])
        _log.info("serving", url=where.url, metrics=where.metrics_url)
        if ready is not None:
            ready(where)
        await stop.wait()
        _log.info("stopping")


async def _run(stack: AsyncExitStack, app: web.Application, settings: Settings) -> EnvelopeRunner:
    runner = EnvelopeRunner(app, shutdown_timeout_s=settings.server.shutdown_timeout_s)
    stack.push_async_callback(runner.cleanup)
    await runner.setup()
    return runner


async def _bind(runner: EnvelopeRunner, *, host: str, port: int, shared: bool) -> str:
    site = web.TCPSite(runner, host, port, reuse_port=shared or None, backlog=1024)
    try:
        await site.start()
    except OSError as error:
        raise StartupRefused(f"{host}:{port} cannot be listened on: {error.strerror}. Choose another port") from None
    bound = runner.addresses[0]
    shown = f"[{bound[0]}]" if ":" in bound[0] else bound[0]
    return f"http://{shown}:{bound[1]}"


def _metrics_app() -> web.Application:
    async def metrics(request: web.Request) -> web.Response:
        encode, kind = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(REGISTRY), headers={"Content-Type": kind})

    BUILD.info({"version": version("farwatch")})
    app = web.Application()
    app.router.add_get("/metrics", metrics)
    return app


async def _hub(app: web.Application) -> AsyncIterator[None]:
    hub = app[DEPS].hub
    await hub.start(app[DEPS].database)
    await app[DEPS].authenticator.listen()
    await app[DEPS].database.listen("farwatch_pages", app[DEPS].pages.forget_domains)
    yield
    hub.close()


async def _process(app: web.Application) -> AsyncIterator[None]:
    yield
    await app[DEPS].processes.leave(app[DEPS].database)


async def _jobs(app: web.Application) -> AsyncIterator[None]:
    task = asyncio.create_task(run_jobs(app[DEPS], JOBS), name="jobs")
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def _end_streams(app: web.Application) -> None:
    """Long polls and streams end before the server waits for its handlers."""
    app[DEPS].hub.close()


async def _expect(request: web.Request) -> None:
    """`Expect: 100-continue` (RFC 9110 section 10.1.1); other expectations are ignored, as it allows."""
    if request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0


async def _openapi(_call: Call) -> web.Response:
    headers = {"Cache-Control": PUBLIC_READ}
    return web.Response(body=openapi_document(), content_type="application/json", headers=headers)
