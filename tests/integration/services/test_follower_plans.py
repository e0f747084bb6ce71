"""What is asked after every change of a verdict reads the few that may follow, however many monitors there are."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from control_plane.store import composites, heartbeats, holds
from control_plane.store.pool import Database
from tests.support import seed
from tests.support.plans import MANY, STATES, rows_read
from tests.support.reporting import now_ms

MONITORS, COMPOSITES, TAGGED = 3000, 20, 30
TABLES = ("monitors", "monitor_states")
BEAT = "UPDATE monitors SET kind = 'heartbeat' WHERE number <= $1"
BEATING = """
INSERT INTO heartbeats (tenant_id, monitor_id, ping_id)
SELECT tenant_id, id, gen_random_uuid() FROM monitors WHERE kind = 'heartbeat'
"""
SOLE = "UPDATE monitor_states s SET sole = true FROM monitors m WHERE m.id = s.monitor_id AND m.kind = 'heartbeat'"
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


async def test_an_installation_without_composites_heartbeats_and_holds_is_not_read(owner: Any) -> None:
    await owner.execute("VACUUM ANALYZE")
    for statement, arguments in (
        (composites.LANE_STALE_COMPOSITES, (500,)),
        (holds.LANE_STALE_HOLDS, (now_ms(), 500)),
        (heartbeats.LANE_STALE_HEARTBEATS, (datetime.now(UTC), [], [], 500)),
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


@pytest.mark.parametrize("beating", [TAGGED, MONITORS // 2])
async def test_heartbeats_read_each_monitor_once_at_most(owner: Any, beating: int) -> None:
    await owner.execute(BEAT, beating)
    for statement in (BEATING, SOLE):
        await owner.execute(statement)
    await owner.execute("VACUUM ANALYZE")
    arguments: tuple[Any, ...] = (datetime.now(UTC), [], [], 500)
    read = await rows_read(owner, heartbeats.LANE_STALE_HEARTBEATS, *arguments, tables=(*TABLES, "heartbeats"))
    assert read["heartbeats"] == beating
    assert all(read[table] <= MONITORS for table in TABLES), read


async def test_only_states_of_one_vote_are_compared_with_heartbeats(owner: Any) -> None:
    """The states of all other monitors are left out before they are joined, which is where the time goes."""
    await owner.execute(BEAT, TAGGED)
    await owner.execute(BEATING)
    arguments: tuple[Any, ...] = (datetime.now(UTC), [], [], 500)
    assert await owner.fetch(heartbeats.LANE_STALE_HEARTBEATS, *arguments) == []
    await owner.execute(SOLE)
    assert len(await owner.fetch(heartbeats.LANE_STALE_HEARTBEATS, *arguments)) == TAGGED
