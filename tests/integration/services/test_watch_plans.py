"""What the watch asks reads each large table at most once, however many monitors there are."""

from __future__ import annotations

import asyncpg
import pytest

from control_plane.store import fleet_regions
from control_plane.store.pool import Database
from tests.support import seed
from tests.support.plans import MANY, STATES, rows_read
from tests.support.reporting import now_ms

MONITORS = 3000
ASSIGNED = """
INSERT INTO assignments (region_id, monitor_id, tenant_id, check_version, window_ms, phase_ms)
SELECT r, id, tenant_id, 1, 160000, 0 FROM monitors, unnest(regions) AS r
"""
VOTES = """
INSERT INTO votes (monitor_id, region_id, tenant_id, check_version, window_ms, newest_slot, vote)
SELECT monitor_id, region_id, tenant_id, 1, window_ms, $1, 'up' FROM assignments
"""
TABLES = ("monitors", "monitor_states", "assignments", "votes")


@pytest.mark.parametrize("late", [0, 1, MONITORS])
async def test_a_look_at_all_regions_reads_each_table_once(dsn: str, database: Database, late: int) -> None:
    async with database.app_transaction() as conn:
        tenant_id = await seed.a_tenant(conn)
        regions = [await seed.a_region(conn, slug) for slug in ("a", "b", "c")]
    now = now_ms()
    owner = await asyncpg.connect(dsn)
    try:
        await owner.execute(MANY, tenant_id, regions, MONITORS)
        for statement in (STATES, ASSIGNED):
            await owner.execute(statement)
        await owner.execute(VOTES, now)
        await owner.execute(
            "UPDATE votes SET newest_slot = 1 WHERE monitor_id IN (SELECT id FROM monitors ORDER BY number LIMIT $1)",
            late,
        )
        await owner.execute("VACUUM ANALYZE")
        expired = await rows_read(owner, fleet_regions.FLEET_EXPIRED, regions, [0] * 3, 60_000, now, tables=TABLES)
        groups = await rows_read(owner, fleet_regions.FLEET_GROUPS, now, tables=TABLES)
        health = await rows_read(owner, fleet_regions.FLEET_REGION_HEALTH, now, 50, 0, tables=TABLES)
    finally:
        await owner.close()
    everything = {"monitors": MONITORS, "monitor_states": MONITORS, "assignments": 3 * MONITORS, "votes": 3 * MONITORS}
    for read in (expired, groups, health):
        assert all(read[table] <= everything[table] * 1.01 for table in TABLES), read
    assert groups["votes"] == 0, "votes are only looked for where a verdict is unknown"
