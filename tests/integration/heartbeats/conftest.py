"""Two tenants, the doors of tenants and of pings, and a heartbeat."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
import pytest

from control_plane.store.pool import Database
from shared.ids import MonitorId, TenantId
from tests.support import seed
from tests.support.door import an_api_key
from tests.support.heartbeats import a_heartbeat
from tests.support.serving import ControlPlane, control_plane


@dataclass(frozen=True, slots=True)
class Beating:
    """`http` speaks for the heartbeat's tenant, `reader` may only read, `stranger` is of another."""

    database: Database
    served: ControlPlane
    tenant_id: TenantId
    monitor_id: MonitorId
    ping_id: UUID
    http: httpx.AsyncClient
    reader: httpx.AsyncClient
    stranger: httpx.AsyncClient
    open_: httpx.AsyncClient

    async def ping(self, end: str = "", *, method: str = "GET", **how: Any) -> httpx.Response:
        return await self.open_.request(method, f"/ping/{self.ping_id}{end}", **how)

    async def get(self, end: str = "") -> Any:
        """The JSON of a GET below the heartbeat that must succeed."""
        reply = await self.http.get(f"/api/v1/heartbeats/{self.monitor_id}{end}")
        assert reply.status_code == 200, reply.text
        return reply.json()


@pytest.fixture
async def beating(database: Database) -> AsyncIterator[Beating]:
    async with control_plane(database) as served:
        async with database.app_transaction() as conn:
            tenant_id = served.home.tenant_id
            stranger_id = await seed.a_tenant(conn, "Other")
            monitor_id, ping_id = await a_heartbeat(conn, tenant_id)
            reader = await an_api_key(conn, tenant_id, "heartbeats:read", "monitors:read", number=7)
            stranger = await an_api_key(conn, stranger_id, "heartbeats:read", "heartbeats:write")
        async with (
            served.tenant() as http,
            served.client(reader) as reading,
            served.client(stranger) as strange,
            served.client() as open_,
        ):
            yield Beating(database, served, tenant_id, monitor_id, ping_id, http, reading, strange, open_)
