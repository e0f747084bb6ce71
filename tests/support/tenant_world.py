"""Two tenants with keys, two shared regions, and the tenant door served over real sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from control_plane.store.pool import Database
from control_plane.tenant_api import ROUTES
from shared.ids import TenantId
from tests.support import seed
from tests.support.door import Served, an_api_key, serving

SCOPES = ("monitors:read", "monitors:write", "incidents:read", "incidents:write")
CHECK = "https://a.example.com/health"
TABLES = ("monitors", "monitor_states", "monitor_channels", "assignments", "transitions", "incidents", "events")


@dataclass(frozen=True, slots=True)
class World:
    """`http` speaks for `tenant_id`, `stranger` for another tenant. `regions` are ids by slug."""

    database: Database
    door: Served
    tenant_id: TenantId
    stranger_id: TenantId
    regions: Mapping[str, int]
    http: httpx.AsyncClient
    stranger: httpx.AsyncClient

    async def monitor(self, **body: Any) -> dict[str, Any]:
        """A monitor as its creation answers it."""
        reply = await self.http.post("/api/v1/monitors", json={"name": "API", "check": CHECK, **body})
        assert reply.status_code == 201, reply.text
        created: dict[str, Any] = reply.json()
        return created

    async def get(self, path: str) -> Any:
        """The JSON of a GET that must succeed."""
        reply = await self.http.get(f"/api/v1{path}")
        assert reply.status_code == 200, reply.text
        return reply.json()

    async def rows(self, statement: str, *arguments: Any) -> list[dict[str, Any]]:
        """Rows as farwatch_app sees them."""
        async with self.database.app() as conn:
            return [dict(row) for row in await conn.fetch(statement, *arguments)]

    async def fingerprint(self) -> list[Any]:
        """Everything that a refused request could have changed."""
        return [await self.rows(f"SELECT * FROM {table} ORDER BY 1, 2, 3") for table in TABLES]

    async def channel(self, tenant_id: TenantId | None = None, name: str = "ops") -> str:
        """A webhook channel; returns its id."""
        channel_id = seed.new_id()
        async with self.database.app() as conn:
            await conn.execute(
                "INSERT INTO channels (tenant_id, id, number, name, kind, config, write_source)"
                " VALUES ($1, $2, (SELECT count(*) + 1 FROM channels), $3, 'webhook', '{}'::jsonb, 'api')",
                tenant_id or self.tenant_id,
                channel_id,
                name,
            )
        return str(channel_id)


@asynccontextmanager
async def a_world(database: Database, *, scopes: Sequence[str] = SCOPES) -> AsyncIterator[World]:
    async with database.app_transaction() as conn:
        tenant_id, stranger_id = await seed.a_tenant(conn), await seed.a_tenant(conn, "Other")
        regions = {slug: await seed.a_region(conn, slug) for slug in ("eu", "us")}
        keys = [await an_api_key(conn, each, *scopes) for each in (tenant_id, stranger_id)]
    async with serving(database, ROUTES) as door, door.client(keys[0]) as http, door.client(keys[1]) as stranger:
        yield World(database, door, tenant_id, stranger_id, regions, http, stranger)
