"""Two tenants that plan maintenance, and time that goes by for their windows alone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx

from control_plane.store.pool import Database
from control_plane.tenant_api import maintenance, maintenance_actions
from shared.ids import TenantId
from tests.support import seed
from tests.support.door import an_api_key, serving

SCOPES = ("maintenance:read", "maintenance:write")
PATH = "/api/v1/maintenance"

# The window was written, begins and ends so much earlier.
SHIFT = """
UPDATE maintenance_windows
SET starts_at = starts_at - $2::interval, ends_at = ends_at - $2::interval,
    next_starts_at = next_starts_at - $2::interval, next_ends_at = next_ends_at - $2::interval,
    created_at = created_at - $2::interval
WHERE id = $1
"""


def now() -> datetime:
    return datetime.now(UTC)


def in_(**delta: float) -> str:
    """An instant so far from now, as a body says it."""
    return (now() + timedelta(**delta)).isoformat()


@dataclass(frozen=True, slots=True)
class Planner:
    """`http` speaks for `tenant_id`, `stranger` for another tenant, `reader` may only read."""

    database: Database
    tenant_id: TenantId
    stranger_id: TenantId
    region_id: int
    http: httpx.AsyncClient
    stranger: httpx.AsyncClient
    reader: httpx.AsyncClient

    async def monitor(self, *, tags: Sequence[str] = (), tenant_id: TenantId | None = None, **over: Any) -> UUID:
        async with self.database.app_transaction() as conn:
            return await seed.a_monitor(conn, tenant_id or self.tenant_id, [self.region_id], tags=list(tags), **over)

    async def plan(self, **body: Any) -> dict[str, Any]:
        """A window as its creation answers it: from an hour on, for an hour, unless the body says otherwise."""
        times = {} if "cron" in body or "rrule" in body else {"starts_at": in_(hours=1), "ends_at": in_(hours=2)}
        reply = await self.http.post(PATH, json={"title": "Upkeep", "all": True, **times, **body})
        assert reply.status_code == 201, reply.text
        made: dict[str, Any] = reply.json()
        return made

    async def read(self, window: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = (await self.http.get(f"{PATH}/{window['id']}")).json()
        return found

    async def rows(self, statement: str, *arguments: Any) -> list[dict[str, Any]]:
        async with self.database.app() as conn:
            return [dict(row) for row in await conn.fetch(statement, *arguments)]

    async def execute(self, statement: str, *arguments: Any) -> None:
        async with self.database.app() as conn:
            await conn.execute(statement, *arguments)

    async def shift(self, window: dict[str, Any], **delta: float) -> None:
        """Let the window, planned and not begun, be so much earlier; monitors are old enough for it."""
        await self.execute("UPDATE monitors SET created_at = created_at - interval '30 days'")
        await self.execute(SHIFT, UUID(window["id"]), timedelta(**delta))

    async def periods(self, monitor_id: UUID | None = None) -> list[dict[str, Any]]:
        return await self.rows(
            "SELECT * FROM monitor_periods WHERE kind = 'maintenance' AND ($1::uuid IS NULL OR monitor_id = $1)"
            " ORDER BY starts_at, monitor_id",
            monitor_id,
        )

    async def events(self) -> list[str]:
        rows = await self.rows("SELECT event FROM events WHERE event LIKE 'maintenance.%' ORDER BY tenant_id, number")
        return [row["event"] for row in rows]


@asynccontextmanager
async def a_planner(database: Database) -> AsyncIterator[Planner]:
    async with database.app_transaction() as conn:
        tenant_id, stranger_id = await seed.a_tenant(conn), await seed.a_tenant(conn, "Other")
        region_id = await seed.a_region(conn)
        keys = [await an_api_key(conn, each, *SCOPES) for each in (tenant_id, stranger_id)]
        keys.append(await an_api_key(conn, tenant_id, "maintenance:read", number=2))
    routes = (*maintenance.ROUTES, *maintenance_actions.ROUTES)
    async with (
        serving(database, routes) as door,
        door.client(keys[0]) as http,
        door.client(keys[1]) as stranger,
        door.client(keys[2]) as reader,
    ):
        yield Planner(database, tenant_id, stranger_id, region_id, http, stranger, reader)
