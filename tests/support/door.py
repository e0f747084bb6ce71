"""A control plane's HTTP side for one test: real sockets, the real middleware, only the routes that it is about."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import httpx
from aiohttp import web

from control_plane.domain.tenants.credentials import KeyKind, key_digest, key_prefix, make_key
from control_plane.sealing import Sealer
from control_plane.settings import DeliverySettings, EmailSettings, SecuritySettings, ServerSettings, Settings
from control_plane.store.pool import Connection, Database
from control_plane.web.authentication import Authenticator
from control_plane.web.call import Deps
from control_plane.web.dispatch import handler_of
from control_plane.web.hub import Hub
from control_plane.web.middleware import AUTHENTICATOR, border, finish_headers
from control_plane.web.routes import Route
from control_plane.web.server import EnvelopeRunner
from tests.support import seed
from tests.support.plain_http import NO_TLS
from tests.support.waiting import until

INSERT_KEY = """
INSERT INTO api_keys (tenant_id, id, number, label, prefix, digest, scopes) VALUES ($1, $2, $3, 'test', $4, $5, $6)
"""


@dataclass(frozen=True, slots=True)
class Served:
    """Where it listens, and the parts that a test wants to reach into."""

    host: str
    port: int
    deps: Deps

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def client(self, key: str, *, timeout: float = 20) -> httpx.AsyncClient:
        """A client that presents this key."""
        headers = {"Authorization": f"Bearer {key}"}
        return httpx.AsyncClient(base_url=self.url, headers=headers, timeout=timeout, verify=NO_TLS)


@asynccontextmanager
async def serving(
    database: Database,
    routes: Sequence[Route],
    *,
    delivery: DeliverySettings | None = None,
    email: EmailSettings | None = None,
    public_url: str = "",
) -> AsyncIterator[Served]:
    """Serve these routes on a free port of the loopback."""
    security = SecuritySettings(pepper=seed.PEPPER.decode())
    settings = Settings(
        security=security,
        delivery=delivery or DeliverySettings(),
        email=email or EmailSettings(),
        server=ServerSettings(public_url=public_url),
    )
    hub = Hub()
    deps = Deps(
        database=database,
        settings=settings,
        sealer=Sealer({"k1": b"k" * 32}),
        hub=hub,
        authenticator=Authenticator(database, settings),
        new_id=seed.new_id,
        now=lambda: datetime.now(UTC),
    )
    app = web.Application(middlewares=[border])
    app[AUTHENTICATOR] = deps.authenticator
    app.on_response_prepare.append(finish_headers)
    for route in routes:
        app.router.add_route(route.method, route.path, handler_of(route, deps), name=route.operation)
    await hub.start(database)
    runner = EnvelopeRunner(app, shutdown_timeout_s=5)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    try:
        yield Served(host, port, deps)
    finally:
        hub.close()
        await until(_no_stream_task, "every stream has ended")
        await runner.cleanup()


def _no_stream_task() -> bool:
    return not any(task.get_name().startswith("events of ") for task in asyncio.all_tasks())


async def an_api_key(conn: Connection, tenant_id: UUID, *scopes: str, number: int = 1) -> str:
    """An API key of the tenant under seed.PEPPER."""
    key = make_key(KeyKind.TENANT, seed.new_id().bytes * 2)
    digest = key_digest(key, seed.PEPPER)
    await conn.execute(INSERT_KEY, tenant_id, seed.new_id(), number, key_prefix(key), digest, list(scopes))
    return key
