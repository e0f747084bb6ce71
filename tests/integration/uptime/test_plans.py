"""The hot statements of rollups and uptime read their part of an index, and only the days that are asked for."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from control_plane.store import rollup_reads, rollups, uptime_reads
from tests.support import seed
from tests.support.rolling import FINE_MS, HOUR_MS

DAY_MS = 24 * HOUR_MS
PARTITION = "CREATE TABLE results_day{day} PARTITION OF results FOR VALUES FROM ({start}) TO ({end})"
SOME = """
INSERT INTO {table} SELECT gen_random_uuid(), r, s * 300000, gen_random_uuid(), 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, ''
FROM generate_series(1, 3) AS r, generate_series(1, 2000) AS s
"""


@pytest.fixture
async def conn(dsn: str) -> AsyncIterator[Any]:
    """Three days of results long ago, some rollups of others, and a planner that knows of both."""
    connection = await asyncpg.connect(dsn)
    for day in range(3):
        await connection.execute(PARTITION.format(day=day, start=day * DAY_MS, end=(day + 1) * DAY_MS))
    for table in ("rollups_fine", "rollups_hourly"):
        await connection.execute(SOME.format(table=table))
    for slug in ("a", "b", "c"):
        await seed.a_region(connection, slug)
    await connection.execute("ANALYZE rollups_fine, rollups_hourly, regions")
    yield connection
    await connection.close()


async def plan_of(connection: Any, statement: str, *arguments: object) -> str:
    async with connection.transaction():
        await connection.execute("SET LOCAL enable_seqscan = off")  # the tables are small: what counts is what can be
        rows = await connection.fetch(f"EXPLAIN (COSTS OFF) {statement}", *arguments)
    return "\n".join(row[0] for row in rows)


@pytest.mark.parametrize("name", ["SLICES", "COUNTS"])
async def test_every_part_of_a_range_is_read_region_by_region_and_day_by_day(conn: Any, name: str) -> None:
    arguments: list[object] = [seed.new_id(), seed.new_id(), None]
    if name == "SLICES":
        arguments += [DAY_MS, FINE_MS]
    arguments += [DAY_MS, DAY_MS + 5000] * 5
    plan = await plan_of(conn, getattr(rollup_reads, name), *arguments)
    by_region = re.findall(r"Index Cond: .*\(region_id = g\w*\.id\) AND \((\w+) >= ", plan)
    assert sorted(by_region) == ["slot", "slot", "starts", "starts", "starts"], plan
    assert "results_day1" in plan
    assert "results_day0" not in plan
    assert "results_day2" not in plan


@pytest.mark.parametrize("grain", ["FINE", "HOURLY"])
async def test_rolling_up_reads_the_slots_of_each_assignment(conn: Any, grain: str) -> None:
    statement = getattr(rollups, f"FLEET_ROLL_{grain}")
    monitors = [seed.new_id(), seed.new_id()]
    since, until = [DAY_MS, DAY_MS], [DAY_MS + HOUR_MS, DAY_MS + HOUR_MS]
    plan = await plan_of(conn, statement, monitors, [1, 2], since, HOUR_MS, until, DAY_MS, DAY_MS + HOUR_MS)
    assert "(region_id = wanted.region_id) AND (slot >= wanted.since)" in plan, plan
    assert "results_day1" in plan
    assert "results_day0" not in plan
    assert "results_day2" not in plan


async def test_counting_an_hour_against_its_rollups_reads_indexes_alone(conn: Any) -> None:
    plan = await plan_of(conn, rollups.FLEET_DIFFERING_HOURS, [seed.new_id()], [1], DAY_MS, DAY_MS + HOUR_MS)
    assert "Seq Scan" not in plan, plan
    assert "results_day0" not in plan


async def test_changes_of_verdict_are_read_by_monitor_and_time(conn: Any) -> None:
    start, end = datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)
    plan = await plan_of(conn, uptime_reads.CHANGES_IN_RANGE, seed.new_id(), [seed.new_id()], start, end)
    assert plan.count("(monitor_id = asked.id) AND (at ") == 2, plan
    assert "Backward" in plan, plan
