"""What people see first reads what it shows, and nothing of a long past."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import asyncpg
import pytest

from control_plane.store import incidents_read, overview_read, tags
from control_plane.store.pool import Database
from tests.support import seed
from tests.support.plans import MANY, STATES, rows_read

MONITORS, SHOWN = 1000, 20
OVER = """
INSERT INTO monitor_periods (tenant_id, monitor_id, kind, starts_at, ends_at)
SELECT m.tenant_id, m.id, 'maintenance', now() - n * interval '7 days', now() - n * interval '6 days'
FROM monitors m CROSS JOIN generate_series(1, 4) AS n
"""
NOW = """
INSERT INTO monitor_periods (tenant_id, monitor_id, kind, starts_at, ends_at)
SELECT tenant_id, id, 'maintenance', now() - interval '1 minute', now() + interval '1 hour' FROM monitors
WHERE number <= $1
"""
RESOLVED = """
INSERT INTO incidents (tenant_id, id, number, severity, state, cause, started_at, opened_at)
SELECT $1, gen_random_uuid(), n, 'major', 'resolved', 'Down', now() - n * interval '1 hour',
    now() - n * interval '1 hour'
FROM generate_series(1, 2000) AS n
"""


@pytest.fixture
async def tenant_id(dsn: str, database: Database) -> UUID:
    """One with a past."""
    async with database.app_transaction() as conn:
        tenant_id = await seed.a_tenant(conn)
    owner = await asyncpg.connect(dsn)
    await owner.execute(MANY, tenant_id, [], MONITORS)
    for statement, arguments in ((STATES, ()), (OVER, ()), (NOW, (SHOWN,)), (RESOLVED, (tenant_id,))):
        await owner.execute(statement, *arguments)
    await owner.execute("VACUUM ANALYZE")
    await owner.close()
    return tenant_id


@pytest.mark.parametrize("statement", [overview_read.COUNT_BY_GROUP, tags.LIST_TAGS], ids=["groups", "tags"])
async def test_of_all_maintenance_only_what_is_not_over_is_read(dsn: str, tenant_id: UUID, statement: str) -> None:
    more: tuple[Any, ...] = (None, None, "name", 100, 0) if "$6" in statement else ()
    conn = await asyncpg.connect(dsn)
    read = await rows_read(conn, statement, tenant_id, *more, tables=("monitor_periods",))
    await conn.close()
    assert read == {"monitor_periods": SHOWN}


async def test_a_page_of_incidents_reads_no_others(dsn: str, tenant_id: UUID) -> None:
    conn = await asyncpg.connect(dsn)
    unfiltered = (None,) * 10
    read = await rows_read(conn, incidents_read.LIST_INCIDENTS, tenant_id, *unfiltered, SHOWN, 0, tables=("incidents",))
    await conn.close()
    assert read == {"incidents": SHOWN}
