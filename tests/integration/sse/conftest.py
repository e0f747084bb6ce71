"""Live events, served, with one tenant."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from msgspec import Struct

from control_plane.store.pool import Connection, Database
from control_plane.tenant_api.events import ROUTES
from shared.ids import TenantId
from tests.support.door import Served, an_api_key, serving
from tests.support.seed import a_tenant

NUMBER = "UPDATE tenant_counters SET events = events + 1 WHERE tenant_id = $1 RETURNING events"
APPEND = "INSERT INTO events (tenant_id, number, event, monitor_id, data) VALUES ($1, $2, $3, $4, $5)"
NOTIFY = "SELECT pg_notify('farwatch_events', $1::uuid::text)"


class Account(Struct, frozen=True):
    tenant_id: TenantId
    key: str


async def append(
    conn: Connection,
    tenant_id: UUID,
    *,
    event: str = "verdict.changed",
    monitor_id: UUID | None = None,
    data: str | None = None,
    hint: bool = True,
) -> int:
    """Decide something: an event with the next number, in one transaction."""
    async with conn.transaction():
        number: int = await conn.fetchval(NUMBER, tenant_id)
        await conn.execute(APPEND, tenant_id, number, event, monitor_id, data or f'{{"n":{number}}}')
        if hint:
            await conn.execute(NOTIFY, tenant_id)
    return number


@pytest.fixture
async def door(database: Database) -> AsyncIterator[Served]:
    async with serving(database, ROUTES) as served:
        yield served


@pytest.fixture
async def account(database: Database) -> Account:
    async with database.app() as conn:
        tenant_id = await a_tenant(conn)
        return Account(tenant_id, await an_api_key(conn, tenant_id, "events:read"))
