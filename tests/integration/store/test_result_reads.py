"""Reading results touches the days that are asked for, and no other."""

from __future__ import annotations

import asyncpg
import pytest

from control_plane.store import results_read
from control_plane.store.pool import Database
from tests.support import seed

DAY_MS = 86_400_000
PARTITION = """
CREATE TABLE results_{name} PARTITION OF results FOR VALUES FROM ({start}) TO ({end})
"""


@pytest.mark.parametrize("statement", [results_read.LIST_RESULTS, results_read.COUNT_ON_PHASE])
async def test_only_the_days_asked_for_are_read(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        for day in range(3):
            await connection.execute(PARTITION.format(name=f"day{day}", start=day * DAY_MS, end=(day + 1) * DAY_MS))
        tenant_id, monitor_id = seed.new_id(), seed.new_id()
        arguments = [tenant_id, monitor_id, DAY_MS, DAY_MS + 5000]
        rest = [1000] if statement is results_read.COUNT_ON_PHASE else [None, None, DAY_MS + 5000, 0, 10]
        plan = "\n".join(
            row[0] for row in await connection.fetch(f"EXPLAIN (ANALYZE, COSTS OFF) {statement}", *arguments, *rest)
        )
    finally:
        await connection.close()
    assert "results_day1" in plan
    assert "results_day0" not in plan
    assert "results_day2" not in plan


async def test_the_newest_results_of_several_regions_are_merged(database: Database) -> None:
    async with database.app_transaction() as conn:
        tenant_id = await seed.a_tenant(conn)
        regions = [await seed.a_region(conn, slug) for slug in ("a", "b", "c")]
        monitor_id = await seed.a_monitor(conn, tenant_id, regions)
        now_ms = await conn.fetchval("SELECT (extract(epoch FROM now()) * 1000)::bigint")
        for number in range(9):
            await conn.execute(
                "INSERT INTO results"
                " (monitor_id, slot, region_id, agent_number, tenant_id, check_version, outcome, reason)"
                " VALUES ($1, $2, $3, 1, $4, 1, $5, 0)",
                monitor_id,
                now_ms - number,
                regions[number % 3],
                tenant_id,
                number % 2,
            )
    wanted = results_read.ResultFilter(start_ms=now_ms - 100, end_ms=now_ms + 1)
    async with database.tenant(tenant_id) as conn:
        first = await results_read.list_results(
            conn, tenant_id=tenant_id, monitor_id=monitor_id, wanted=wanted, limit=5
        )
        again = results_read.ResultFilter(
            start_ms=now_ms - 100, end_ms=now_ms + 1, before=(first[-1].slot, first[-1].region_id)
        )
        rest = await results_read.list_results(conn, tenant_id=tenant_id, monitor_id=monitor_id, wanted=again, limit=5)
    assert [row.slot for row in (*first, *rest)] == [now_ms - number for number in range(9)]
    stranger = seed.new_id()
    async with database.tenant(tenant_id) as conn:
        assert await results_read.list_results(
            conn, tenant_id=stranger, monitor_id=monitor_id, wanted=wanted, limit=5
        ) == []  # fmt: skip
