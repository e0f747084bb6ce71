"""What is asked after every change of a verdict reads the few that may follow, however many monitors there are."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from control_plane.store import composites, holds
from control_plane.store.pool import Database
from tests.support import seed
from tests.support.plans import MANY, STATES, rows_read
from tests.support.reporting import now_ms

MONITORS, COMPOSITES, TAGGED = 3000, 20, 30
TABLES = ("monitors", "monitor_states")
TAG = "UPDATE monitors SET tags = '{edge}' WHERE number <= $1"
COMPOSE = """
UPDATE monitors SET kind = 'composite', "check" = '{"type": "composite", "at_least": 1, "of": {"tag": "edge"}}'
WHERE number > $1
"""


@pytest.fixture
async def owner(dsn: str, database: Database) -> AsyncIterator[Any]:
    """One tenant's monitors with their states."""
    async with database.app_transaction() as conn:
        tenant_id = await seed.a_tenant(conn)
    connection = await asyncpg.connect(dsn)
    await connection.execute(MANY, tenant_id, [], MONITORS)
    await connection.execute(STATES)
    yield connection
    await connection.close()


async def test_an_installation_without_composites_and_holds_is_not_read(owner: Any) -> None:
    await owner.execute("VACUUM ANALYZE")
    for statement, arguments in (
        (composites.LANE_STALE_COMPOSITES, (500,)),
        (holds.LANE_STALE_HOLDS, (now_ms(), 500)),
    ):
        assert await rows_read(owner, statement, *arguments, tables=TABLES) == dict.fromkeys(TABLES, 0)


async def test_many_composites_of_one_tag_read_who_has_it_once(owner: Any) -> None:
    await owner.execute(TAG, TAGGED)
    await owner.execute(COMPOSE, MONITORS - COMPOSITES)
    await owner.execute("VACUUM ANALYZE")
    read = await rows_read(owner, composites.LANE_STALE_COMPOSITES, 500, tables=TABLES)
    members = COMPOSITES * TAGGED
    assert read["monitors"] <= MONITORS + COMPOSITES + members, "once for the tag, and each member for its verdict"
    assert read["monitor_states"] <= MONITORS + COMPOSITES + members
