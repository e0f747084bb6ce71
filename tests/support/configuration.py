"""Two tenants that keep their configuration in files, and the routes about it, served."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx

from control_plane.domain.configuration.config_yaml import read_yaml
from control_plane.store.pool import Database
from control_plane.tenant_api import ROUTES
from shared.ids import TenantId
from tests.support import seed
from tests.support.door import Served, an_api_key, serving

WRITES = ("config:write", "monitors:write", "channels:write", "maintenance:write", "routes:write", "status-pages:write")
READS = ("config:read", "monitors:read", "channels:read", "maintenance:read", "audit:read", "status-pages:read")
YAML = {"Content-Type": "application/yaml"}
TABLES = (
    "monitors",
    "monitor_states",
    "monitor_channels",
    "monitor_dependencies",
    "assignments",
    "channels",
    "status_pages",
    "page_components",
)


@dataclass(frozen=True, slots=True)
class Keeper:
    """`http` may do everything in `tenant_id`, `empty` in another tenant that has nothing yet, `reader` only reads."""

    database: Database
    door: Served
    tenant_id: TenantId
    empty_id: TenantId
    http: httpx.AsyncClient
    empty: httpx.AsyncClient
    reader: httpx.AsyncClient

    async def plan(self, file: Mapping[str, Any], *, prune: bool = False) -> dict[str, Any]:
        return await told(self.http, "plan", file, prune=prune)

    async def apply(self, file: Mapping[str, Any], *, prune: bool = False) -> dict[str, Any]:
        return await told(self.http, "apply", file, prune=prune)

    async def refused(self, verb: str, file: Mapping[str, Any], **query: Any) -> tuple[int, str, str | None]:
        """Status, code and field of a refusal, which leaves nothing behind."""
        before = await self.fingerprint()
        reply = await self.http.post(f"/api/v1/{verb}", json=file, params=query)
        assert await self.fingerprint() == before
        error = reply.json()["error"]
        return reply.status_code, error["code"], error["field"]

    async def export(self, http: httpx.AsyncClient | None = None) -> dict[str, Any]:
        """The file that is exported as YAML, read; the JSON is the same."""
        client = http or self.http
        text = (await client.get("/api/v1/export")).text
        file: dict[str, Any] = read_yaml(text).value
        as_json = (await client.get("/api/v1/export", params={"format": "json"})).json()
        assert {name: value for name, value in as_json.items() if name != "$schema"} == file
        return file

    async def rows(self, statement: str, *arguments: Any) -> list[dict[str, Any]]:
        """Rows as farwatch_app sees them."""
        async with self.database.app() as conn:
            return [dict(row) for row in await conn.fetch(statement, *arguments)]

    async def fingerprint(self) -> list[Any]:
        """Everything that a refused file could have changed."""
        tables = (*TABLES, "maintenance_windows", "tenant_counters")
        return [await self.rows(f"SELECT * FROM {table} ORDER BY 1, 2") for table in tables]

    async def monitor(self, **body: Any) -> dict[str, Any]:
        """A monitor made by hand, as its creation answers it."""
        made = {"name": "API", "check": "https://api.example.com/health", **body}
        reply = await self.http.post("/api/v1/monitors", json=made)
        assert reply.status_code == 201, reply.text
        created: dict[str, Any] = reply.json()
        return created

    async def key(self, *scopes: str, number: int) -> str:
        """A key of the tenant."""
        async with self.database.app() as conn:
            return await an_api_key(conn, self.tenant_id, *scopes, number=number)


async def told(http: httpx.AsyncClient, verb: str, file: Mapping[str, Any], **query: Any) -> dict[str, Any]:
    """The answer of a plan or an apply that must succeed."""
    reply = await http.post(f"/api/v1/{verb}", json=file, params=query)
    assert reply.status_code == 200, reply.text
    answer: dict[str, Any] = reply.json()
    return answer


def actions(planned: Mapping[str, Any]) -> dict[str, str]:
    """What becomes of each object, by its key."""
    return {change["key"]: change["action"] for change in planned["changes"]}


def fields(planned: Mapping[str, Any], key: str) -> dict[str, tuple[Any, Any]]:
    """Before and after of each member of one object that changes."""
    change = next(change for change in planned["changes"] if change["key"] == key)
    return {one["field"]: (one["before"], one["after"]) for one in change["fields"]}


@asynccontextmanager
async def a_keeper(database: Database) -> AsyncIterator[Keeper]:
    async with database.app_transaction() as conn:
        tenants = [await seed.a_tenant(conn), await seed.a_tenant(conn, "Empty")]
        for slug in ("eu", "us"):
            await seed.a_region(conn, slug)
        keys = [await an_api_key(conn, tenant, *WRITES, *READS) for tenant in tenants]
        reader = await an_api_key(conn, tenants[0], *READS, number=2)
    async with (
        serving(database, ROUTES) as door,
        door.client(keys[0]) as http,
        door.client(keys[1]) as empty,
        door.client(reader) as reading,
    ):
        yield Keeper(database, door, tenants[0], tenants[1], http, empty, reading)


def uuid_of(made: Mapping[str, Any]) -> UUID:
    """The id of what was made."""
    return UUID(made["id"])
