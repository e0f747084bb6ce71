"""A flood of slow requests by one tenant, and by the operator: what others, agents above all, notice of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from control_plane.store.pool import Database
from control_plane.web.call import Call, Reply
from control_plane.web.routes import Door, Handler, Route
from tests.support import seed
from tests.support.door import Served, an_api_key, serving
from tests.support.waiting import until

SLOWLY = "SELECT pg_sleep(0.5)::text"
FLOOD = 90
"""With at most 3 of 5 connections each, so many slow reads take 15 s."""
QUICK = 10


async def slow(call: Call) -> Reply:
    async with call.deps.database.tenant(call.tenant().tenant_id) as conn:
        return Reply(await conn.fetchval(SLOWLY))


async def quick(call: Call) -> Reply:
    async with call.deps.database.tenant(call.tenant().tenant_id) as conn:
        return Reply(await conn.fetchval("SELECT 1"))


async def survey(call: Call) -> Reply:
    async with call.deps.database.app() as conn:
        return Reply(await conn.fetchval(SLOWLY))


async def report(call: Call) -> Reply:
    async with call.deps.database.app() as conn:
        return Reply(await conn.fetchval("SELECT 1"))


def route(door: Door, path: str, handler: Handler, scope: str | None = None) -> Route:
    name = path.rpartition("/")[2]
    return Route(
        method="GET", path=path, handler=handler, operation=name, summary=name, tag="test", door=door, scope=scope
    )


ROUTES = (
    route(Door.TENANT, "/api/v1/slow", slow, "monitors:read"),
    route(Door.TENANT, "/api/v1/quick", quick, "monitors:read"),
    route(Door.PUBLIC, "/survey", survey),
    route(Door.AGENT, "/api/agent/v1/report", report),
)


class Flood:
    """Requests under way all at once."""

    def __init__(self, client: httpx.AsyncClient, path: str) -> None:
        self.statuses: list[int] = []
        self._tasks = [asyncio.create_task(self._ask(client, path)) for _ in range(FLOOD)]

    async def _ask(self, client: httpx.AsyncClient, path: str) -> None:
        self.statuses.append((await client.get(path, timeout=60)).status_code)

    async def begun(self) -> None:
        await until(lambda: bool(self.statuses), "the first of the flood is answered")

    async def leave(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def flooded(client: httpx.AsyncClient, path: str) -> AsyncIterator[Flood]:
    flood = Flood(client, path)
    try:
        await flood.begun()
        yield flood
    finally:
        await flood.leave()


async def key_of(database: Database, name: str) -> str:
    async with database.app() as conn:
        return await an_api_key(conn, await seed.a_tenant(conn, name), "monitors:read")


def plain(served: Served, key: str = "") -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=200)
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return httpx.AsyncClient(base_url=served.url, headers=headers, timeout=30, limits=limits)


@pytest.fixture
async def served(database: Database) -> AsyncIterator[Served]:
    async with serving(database, ROUTES) as running:
        yield running


async def test_a_tenants_flood_leaves_another_its_pace(served: Served) -> None:
    loud, quiet = await key_of(served.deps.database, "Loud"), await key_of(served.deps.database, "Quiet")
    async with plain(served, loud) as flooder, plain(served, quiet) as other, flooded(flooder, "/api/v1/slow") as flood:
        answers = [(await other.get("/api/v1/quick")).status_code for _ in range(QUICK)]
        assert answers == [200] * QUICK
        assert len(flood.statuses) < FLOOD / 2, "who came later was not kept until the flood was over"


async def test_what_agents_bring_waits_for_nobody_else(served: Served) -> None:
    async with served.deps.database.app() as conn:
        _, probe_key = await seed.an_agent(conn, await seed.a_region(conn))
    async with plain(served) as flooder, plain(served, probe_key) as agent, flooded(flooder, "/survey") as flood:
        answers = [(await agent.get("/api/agent/v1/report")).status_code for _ in range(QUICK)]
        assert answers == [200] * QUICK
        assert len(flood.statuses) < FLOOD / 2
