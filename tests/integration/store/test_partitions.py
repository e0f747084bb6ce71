from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta

import asyncpg
import pytest

from control_plane.errors import Unavailable
from control_plane.store import partitions
from control_plane.store.pool import Connection, Database
from shared.clock import to_unix_ms
from tests.support.seed import new_id

DAY_MS = 86_400_000
INSERT = """
INSERT INTO results (monitor_id, slot, region_id, agent_number, tenant_id, check_version, outcome, reason)
VALUES ($1, $2, 1, 1, $1, 1, 0, 0)
"""


async def _now_ms(connection: Connection) -> int:
    found: int = await connection.fetchval("SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint")
    return found


async def test_every_accepted_slot_has_a_home(database: Database) -> None:
    async with database.app() as connection:
        now_ms = await _now_ms(connection)
        for offset_ms in (-25 * 3_600_000, 0, 300_000):
            await connection.execute(INSERT, new_id(), now_ms + offset_ms)
        assert await connection.fetchval("SELECT count(*) FROM results") == 3


async def test_a_job_that_rests_for_six_days_loses_nothing(database: Database) -> None:
    async with database.app() as connection:
        await connection.execute(INSERT, new_id(), await _now_ms(connection) + 6 * DAY_MS + 300_000)


async def test_a_slot_belongs_to_its_utc_day(database: Database) -> None:
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    async with database.app() as connection:
        for slot in (to_unix_ms(today) - 1, to_unix_ms(today)):
            await connection.execute(INSERT, new_id(), slot)
        rows = await connection.fetch("SELECT tableoid::regclass::text AS home FROM results ORDER BY slot")
    assert [row["home"] for row in rows] == [
        partitions.partition_name((today - timedelta(days=1)).date()),
        partitions.partition_name(today.date()),
    ]


async def test_making_is_idempotent_and_safe_in_many_processes_at_once(database: Database) -> None:
    async def make() -> list[str]:
        async with database.owner() as connection:
            return await partitions.make_partitions(connection, now_ms=now_ms)

    async with database.app() as connection:
        now_ms = await _now_ms(connection) + 30 * DAY_MS
    made = await asyncio.gather(*(make() for _ in range(5)))
    assert sorted(len(names) for names in made) == [0, 0, 0, 0, 10]
    assert await make() == []


async def test_old_days_are_dropped_whole_and_younger_ones_kept(database: Database) -> None:
    async with database.app() as connection:
        now_ms = await _now_ms(connection)
        for offset in (-2, -1, 0):
            await connection.execute(INSERT, new_id(), now_ms + offset * DAY_MS)
    today = datetime.fromtimestamp(now_ms / 1000, UTC).date()
    async with database.owner() as connection:
        dropped = await partitions.drop_partitions(connection, before=today - timedelta(days=1))
        assert dropped == [partitions.partition_name(today - timedelta(days=2))]
        assert await connection.fetchval("SELECT count(*) FROM results") == 2
        assert await partitions.drop_partitions(connection, before=today - timedelta(days=1)) == []


async def test_dropping_gives_way_to_a_long_reader(database: Database) -> None:
    async with database.app_transaction() as reader:
        await reader.fetch("SELECT count(*) FROM results")
        with pytest.raises(Unavailable):
            async with database.owner() as connection:
                await partitions.drop_partitions(connection, before=date(2100, 1, 1))
        async with database.app() as writer:
            await writer.execute(INSERT, new_id(), await _now_ms(writer))


async def test_a_slot_of_a_day_without_a_home_is_refused_and_never_hidden(database: Database) -> None:
    async with database.app() as connection:
        with pytest.raises(asyncpg.CheckViolationError, match="no partition"):
            await connection.execute(INSERT, new_id(), 1)


@pytest.mark.parametrize("name", ["results", "results_2026", "results_20261340", "results_default"])
def test_a_table_of_another_name_is_never_taken_for_a_partition_of_ours(name: str) -> None:
    assert partitions.partition_day(name) is None


def test_a_partition_s_name_and_day_tell_each_other() -> None:
    day = date(2026, 2, 28)
    assert partitions.partition_day(partitions.partition_name(day)) == day
