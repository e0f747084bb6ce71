"""Rollups are what the raw results say, however often, late, or by how many they are made."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from control_plane.services.uptime import roll_up as rolling
from control_plane.services.uptime.roll_up import LATE_MS, recompute, roll_up
from control_plane.store import rollups
from control_plane.store.pool import Connection, Database
from shared.ids import TenantId
from tests.support import seed
from tests.support.deciding import Stage, now_ms
from tests.support.rolling import FINE_MS, HOUR_MS, expected, stored, write_results

TABLES = {"rollups_fine": FINE_MS, "rollups_hourly": HOUR_MS}
MINUTE_MS = 60_000


class Past:
    """Two monitors of two regions with a result a minute over the past hours."""

    def __init__(self, tenant_id: TenantId, monitors: Sequence[UUID], regions: Sequence[int]) -> None:
        self.tenant_id = tenant_id
        self.monitors = monitors
        self.regions = regions


async def a_past(conn: Connection, *, hours: int = 4) -> Past:
    tenant_id = await seed.a_tenant(conn)
    regions = [await seed.a_region(conn, slug) for slug in ("eu", "us")]
    monitors = [await seed.a_monitor(conn, tenant_id, regions) for _ in range(2)]
    end = now_ms()
    for n, monitor_id in enumerate(monitors):
        for region_id in regions:
            slots = range(end - hours * HOUR_MS, end, MINUTE_MS)
            await write_results(conn, tenant_id, monitor_id, region_id, slots, seed=n * 10 + region_id)
    return Past(tenant_id, monitors, regions)


async def everything(conn: Connection) -> dict[str, Any]:
    return {table: await stored(conn, table, until_ms=2**53) for table in TABLES}


async def agree(conn: Connection) -> None:
    """Every whole slice that is rolled up is what its raw results come to."""
    for table, width in TABLES.items():
        name = "fine" if table == "rollups_fine" else "hourly"
        until = await conn.fetchval("SELECT done_until FROM rollup_walks WHERE name = $1", name)
        wanted = await expected(conn, width, until_ms=until)
        assert wanted
        assert await stored(conn, table, until_ms=until) == wanted


async def test_slices_are_what_their_results_come_to(database: Database) -> None:
    async with database.app_transaction() as conn:
        await a_past(conn)
    assert await roll_up(database) > 0
    async with database.app() as conn:
        await agree(conn)
        fine = await conn.fetchval("SELECT done_until FROM rollup_walks WHERE name = 'fine'")
    assert 0 <= now_ms() - rolling.DELAY_MS - fine < 3 * FINE_MS


async def test_small_batches_make_the_same(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    async with database.app_transaction() as conn:
        await a_past(conn)
    await roll_up(database)
    async with database.app_transaction() as conn:
        whole = await everything(conn)
        await conn.execute("DELETE FROM rollups_fine")
        await conn.execute("DELETE FROM rollups_hourly")
        await conn.execute("DELETE FROM rollup_walks")
    monkeypatch.setattr(rolling, "ROWS", 1)
    await roll_up(database)
    async with database.app() as conn:
        await agree(conn)
        assert (await everything(conn))["rollups_hourly"] == whole["rollups_hourly"]


async def test_making_them_again_changes_nothing(database: Database) -> None:
    async with database.app_transaction() as conn:
        past = await a_past(conn)
    await roll_up(database)
    async with database.app_transaction() as conn:
        before = await everything(conn)
        pairs = [(monitor, region) for monitor in past.monitors for region in past.regions]
        await recompute(conn, pairs, since_ms=now_ms() - 3 * HOUR_MS, until_ms=now_ms() - 2 * HOUR_MS)
        assert await everything(conn) == before
        await conn.execute("UPDATE rollup_walks SET done_until = done_until - 10800000")
    await roll_up(database)
    async with database.app() as conn:
        await agree(conn)


async def test_what_was_lost_can_be_made_again(database: Database) -> None:
    async with database.app_transaction() as conn:
        past = await a_past(conn)
    await roll_up(database)
    async with database.app_transaction() as conn:
        whole = (await everything(conn))["rollups_hourly"]
        await conn.execute("DELETE FROM rollups_hourly")
        pairs = [(monitor, region) for monitor in past.monitors for region in past.regions]
        await recompute(conn, pairs, since_ms=min(key[2] for key in whole), until_ms=max(key[2] for key in whole) + 1)
        again = (await everything(conn))["rollups_hourly"]
    assert {key: again[key] for key in whole} == whole


async def test_two_at_once_make_what_one_makes(database: Database) -> None:
    async with database.app_transaction() as conn:
        await a_past(conn)
    made = await asyncio.gather(*(roll_up(database) for _ in range(4)))
    # Each may have stood in every other's way: then what is left is done by whoever comes next.
    assert sum(made) + await roll_up(database) > 0
    async with database.app() as conn:
        await agree(conn)


async def test_hours_away_are_caught_up(database: Database) -> None:
    async with database.app_transaction() as conn:
        past = await a_past(conn, hours=1)
    await roll_up(database)
    async with database.app_transaction() as conn:
        await conn.execute("UPDATE rollup_walks SET done_until = done_until / 3600000 * 3600000 - 36000000")
        for region_id in past.regions:
            slots = range(now_ms() - 10 * HOUR_MS + 7, now_ms() - 2 * HOUR_MS, MINUTE_MS)
            await write_results(conn, past.tenant_id, past.monitors[0], region_id, slots)
    await roll_up(database)
    async with database.app() as conn:
        await agree(conn)


async def test_a_late_result_is_counted_in_its_slice(database: Database) -> None:
    stage = await Stage.make(database, regions=("eu", "us"))
    await stage.report("eu", "up", at=-7200)
    await stage.report("eu", "up", at=-5)
    await roll_up(database)
    assert await stage.report("us", "up", at=-7260) == "stored"
    assert await stage.report("eu", "down", at=-7230) == "late"
    async with database.app_transaction() as conn:
        assert await conn.fetchval("SELECT count(*) FROM rollup_late") == 3
        assert await conn.fetchval("SELECT sum(down) FROM rollups_hourly") == 0
    await roll_up(database)
    async with database.app_transaction() as conn:
        assert await conn.fetchval("SELECT count(*) FROM rollup_late") == 3, "marks rest for a while"
        await conn.execute("UPDATE rollup_late SET at = at - interval '1 minute'")
    await roll_up(database)
    async with database.app() as conn:
        assert await conn.fetchval("SELECT count(*) FROM rollup_late") == 0
        assert await conn.fetchval("SELECT sum(down) FROM rollups_hourly") == 1
        await agree(conn)


async def test_an_error_that_yields_to_a_late_result_is_counted_anew(database: Database) -> None:
    stage = await Stage.make(database, regions=("eu",))
    await stage.report("eu", "error", at=-7200)
    await roll_up(database)
    await stage.report("eu", "up", at=-7200)
    async with database.app_transaction() as conn:
        await conn.execute("UPDATE rollup_late SET at = at - interval '1 minute'")
    await roll_up(database)
    async with database.app() as conn:
        row = await conn.fetchrow("SELECT up, error, samples FROM rollups_hourly")
        assert tuple(row) == (1, 0, 1)


async def test_a_batch_in_time_or_sent_again_leaves_no_mark(database: Database) -> None:
    stage = await Stage.make(database, regions=("eu",))
    await stage.report("eu", "up", at=-7200)
    old = [stage.item("up", at=-7200)]
    async with database.app_transaction() as conn:
        await conn.execute("DELETE FROM rollup_late")
    stage.start = now_ms()
    await stage.report("eu", "up", at=-LATE_MS / 1000 + 60)
    assert await stage.send("eu", old) == ("duplicate",)
    async with database.app() as conn:
        assert await conn.fetchval("SELECT count(*) FROM rollup_late") == 0


async def test_a_days_old_hour_that_does_not_add_up_is_mended(database: Database) -> None:
    async with database.app_transaction() as conn:
        past = await a_past(conn, hours=1)
        slots = range(now_ms() - 30 * HOUR_MS, now_ms() - 28 * HOUR_MS, MINUTE_MS)
        await write_results(conn, past.tenant_id, past.monitors[0], past.regions[0], slots)
    await roll_up(database)
    async with database.app_transaction() as conn:
        hour = await conn.fetchval("SELECT min(starts) FROM rollups_hourly")
        await conn.execute("UPDATE rollups_fine SET up = up + 1 WHERE starts = (SELECT min(starts) FROM rollups_fine)")
        await conn.execute("DELETE FROM rollups_hourly WHERE starts = $1", hour + HOUR_MS)
        await conn.execute("UPDATE rollup_walks SET done_until = $1 WHERE name = 'check'", hour)
    await roll_up(database)
    async with database.app() as conn:
        await agree(conn)


async def test_nothing_to_roll_up_is_no_fault(database: Database) -> None:
    assert await roll_up(database) == 0
    assert await roll_up(database) == 0


async def test_old_slices_are_forgotten(database: Database) -> None:
    async with database.app_transaction() as conn:
        await a_past(conn)
    await roll_up(database)
    async with database.app_transaction() as conn:
        while await rollups.forget_fine(conn, older_than=timedelta(hours=2), limit=7):
            pass
        oldest = await conn.fetchval("SELECT min(starts) FROM rollups_fine")
        assert now_ms() - 2 * HOUR_MS - MINUTE_MS <= oldest
        assert await rollups.forget_hourly(conn, older_than=timedelta(days=400)) == 0
        assert await rollups.forget_hourly(conn, older_than=timedelta(0), limit=5000) > 0
