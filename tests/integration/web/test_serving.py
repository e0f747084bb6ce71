"""The whole program: it binds, answers, refuses to start when it must, and stops cleanly."""

from __future__ import annotations

import asyncio
import socket
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial

import httpx
import msgspec
import pytest
from aiohttp import web

from control_plane.app import add_routes, running
from control_plane.errors import StartupRefused
from control_plane.services.tenants.first_run import ensure_first_tenant
from control_plane.settings import Settings
from control_plane.store import tenants
from control_plane.store.pool import Database
from control_plane.web import health
from control_plane.web.middleware import AUTHENTICATOR, border
from control_plane.web.server import EnvelopeRunner
from tests.support import seed
from tests.support.serving import ControlPlane, control_plane, settings_with
from tests.support.waiting import until, until_async

IS_WAITED_FOR = "SELECT count(*) FROM pg_locks WHERE NOT granted"


def settings_for(dsn: str) -> Settings:
    return settings_with(
        database={"dsn": dsn, "pool_size": 3}, server={"port": 0, "metrics_port": 0, "shutdown_timeout_s": 5}
    )


async def test_it_serves_its_doors_and_its_metrics_and_stops(dsn: str) -> None:
    async with running(settings_for(dsn)) as where, httpx.AsyncClient() as client:
        assert (await client.get(f"{where.url}/readyz")).json() == {"status": "ok"}
        assert (await client.get(f"{where.url}/api/v1/me")).status_code == 401
        metrics = (await client.get(f"{where.metrics_url}/metrics")).text
        assert 'farwatch_http_requests_total{operation="get_readiness",status="2xx"}' in metrics
        assert (await client.get(f"{where.url}/metrics")).status_code == 404
    async with httpx.AsyncClient() as client:
        with pytest.raises(httpx.ConnectError):
            await client.get(f"{where.url}/healthz")


async def test_several_processes_may_share_a_port(dsn: str) -> None:
    several = msgspec.structs.replace(settings_for(dsn).server, workers=2)
    first = msgspec.structs.replace(settings_for(dsn), server=several)
    async with running(first) as one:
        port = int(one.url.rsplit(":", 1)[1])
        same_port = msgspec.structs.replace(first, server=msgspec.structs.replace(several, port=port))
        async with running(same_port) as two:
            assert one.url == two.url


@pytest.mark.parametrize(
    ("section", "keys", "said"),
    [
        ("security", {"pepper": ""}, "security.pepper is not set"),
        ("security", {"sealing_keys": ""}, "sealing_keys is not set"),
        ("security", {"sealing_keys": "k1:eHh4"}, "key k1 is 3 bytes, it must be 32"),
    ],
)
async def test_it_refuses_to_start_without_what_it_needs(
    dsn: str, section: str, keys: dict[str, str], said: str
) -> None:
    settings = settings_for(dsn)
    changed = msgspec.structs.replace(getattr(settings, section), **keys)
    with pytest.raises(StartupRefused) as refusal:
        async with running(msgspec.structs.replace(settings, **{section: changed})):
            pass
    assert said in str(refusal.value)


async def test_readiness_says_503_while_the_database_is_away_and_health_stays_200(served: ControlPlane) -> None:
    away = replace(served.deps, database=Database("postgresql://nobody@127.0.0.1:1/none", max_size=1))
    app = web.Application(middlewares=[border])
    app[AUTHENTICATOR] = away.authenticator
    add_routes(app, health.ROUTES, away)
    runner = EnvelopeRunner(app, shutdown_timeout_s=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{runner.addresses[0][1]}") as client:
        ready = await client.get("/readyz")
        assert (ready.status_code, ready.json()["error"]["code"]) == (503, "UNAVAILABLE")
        assert ready.headers["Retry-After"]
        assert (await client.get("/healthz")).status_code == 200
    await runner.cleanup()


async def test_however_often_readiness_is_asked_the_database_is_asked_once_a_second(database: Database) -> None:
    async with database.owner() as counting, control_plane(database) as served, served.client() as client:
        await client.get("/readyz")
        sessions = "SELECT sessions FROM pg_stat_database WHERE datname = current_database()"
        before = await counting.fetchval(sessions)
        for _ in range(5):
            answers = await asyncio.gather(*(client.get("/readyz") for _ in range(20)))
            assert {answer.status_code for answer in answers} == {200}

        async def counted() -> int:
            await counting.execute("SELECT pg_stat_force_next_flush(), pg_stat_clear_snapshot()")
            opened: int = await counting.fetchval(sessions) - before
            return opened

        assert await counted() <= 5


async def test_a_stop_waits_for_the_request_in_hand(dsn: str, database: Database) -> None:
    home = await ensure_first_tenant(database, pepper=seed.PEPPER)
    assert home is not None
    async with AsyncExitStack() as stack, asyncio.timeout(20):
        where = await stack.enter_async_context(running(settings_for(dsn)))
        client = httpx.AsyncClient(base_url=where.url, headers={"Authorization": f"Bearer {home.api_key}"})
        async with client:
            async with database.app_transaction() as conn:
                await tenants.hold_counters(conn, tenant_id=home.tenant_id)
                post = asyncio.create_task(client.post("/api/v1/keys", json={"label": "a key"}))
                await until_async(partial(conn.fetchval, IS_WAITED_FOR), "the request waits for the tenant's counters")
                stopping = asyncio.create_task(stack.aclose())
                port = int(where.url.rsplit(":", 1)[1])
                await until(partial(is_closed, port), "no more connections are taken")
            assert (await post).status_code == 201
        await stopping


def is_closed(port: int) -> bool:
    """Whether nobody listens any more; asked without connecting."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
