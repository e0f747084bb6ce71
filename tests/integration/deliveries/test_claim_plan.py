"""A claim reads the first deliveries in their order, however many are due."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from control_plane.store import outbox as store
from control_plane.store.pool import Database
from tests.support import seed
from tests.support.plans import rows_read

DUE, LOOKED_AT = 5000, 500
CHANNELS = """
INSERT INTO channels (tenant_id, id, number, name, kind, config, write_source)
SELECT $1, gen_random_uuid(), n, 'Hook ' || n, 'webhook', '{}', 'api' FROM generate_series(1, 20) AS n
"""
INCIDENTS = """
INSERT INTO incidents (tenant_id, id, number, severity, cause, started_at, opened_at)
SELECT $1, gen_random_uuid(), n, 'major', 'Down', now(), now() FROM generate_series(1, $2) AS n
"""
OWE = """
INSERT INTO deliveries (tenant_id, id, number, channel_id, channel_name, channel_kind, event, notice, body, due_at,
    incident_id)
SELECT $1, gen_random_uuid(), i.number, c.id, c.name, c.kind, 'incident.opened', 'opened', '{}',
    now() - interval '1 minute', i.id
FROM incidents i JOIN channels c ON c.number = 1 + i.number % 20
"""
WAIT_ALL = "UPDATE deliveries SET due_at = now() + interval '1 hour'"


@pytest.fixture
async def owner(dsn: str, database: Database) -> AsyncIterator[Any]:
    """One tenant's outbox, all of it due."""
    async with database.app_transaction() as conn:
        tenant_id = await seed.a_tenant(conn)
    connection = await asyncpg.connect(dsn)
    await connection.execute(CHANNELS, tenant_id)
    await connection.execute(INCIDENTS, tenant_id, DUE)
    await connection.execute(OWE, tenant_id)
    await connection.execute("VACUUM ANALYZE")
    yield connection
    await connection.close()


async def read_by_a_claim(owner: Any) -> int:
    """Rows of deliveries that a claim of twenty takes from the table; what it did is taken back."""
    none: tuple[list[Any], ...] = ([],) * 6
    transaction = owner.transaction()
    await transaction.start()
    arguments = (uuid4(), timedelta(seconds=30), 20, *none, 50, 20, 10, ["ntfy"])
    read = await rows_read(owner, store.FLEET_CLAIM, *arguments, tables=("deliveries",))
    await transaction.rollback()
    return read["deliveries"]


async def test_of_many_that_are_due_a_claim_reads_the_first_and_not_what_was_lost(owner: Any) -> None:
    assert await read_by_a_claim(owner) < 2 * LOOKED_AT


async def test_what_waits_for_its_time_is_not_read(owner: Any) -> None:
    await owner.execute(WAIT_ALL)
    await owner.execute("VACUUM ANALYZE deliveries")
    assert await read_by_a_claim(owner) == 0
    assert await rows_read(owner, store.FLEET_NEXT_DUE, tables=("deliveries",)) == {"deliveries": 1}
