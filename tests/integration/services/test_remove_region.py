"""Removing a region: out of every monitor, judged on what is left, in the lock order of ingest."""

from __future__ import annotations

import asyncio
from functools import partial
from uuid import UUID

import pytest

from control_plane.errors import NotFound
from control_plane.services.fleet.change_region import remove_region
from control_plane.store.pool import Database
from shared.ids import TenantId
from tests.support.deciding import Stage
from tests.support.seed import a_monitor
from tests.support.waiting import until_async


async def test_the_incident_of_a_monitor_that_loses_its_last_region_is_resolved_without_notice(
    database: Database,
) -> None:
    stage = await Stage.make(database, regions=("eu",))
    await stage.bind_channel()
    await stage.outage("eu")

    await remove_region(database, "eu")

    (incident,) = await stage.incidents()
    assert (incident["state"], incident["resolution"]) == ("resolved", "no_regions")
    assert [d["notice"] for d in await stage.deliveries()] == ["opened"]
    assert (await stage.state())["verdict"] == "unknown"


async def test_the_other_regions_votes_go_on_counting(database: Database) -> None:
    stage = await Stage.make(database, regions=("ap", "eu", "us"))
    await stage.all_up()
    await stage.report("ap", "down", at=0)
    await stage.report("ap", "down", at=2)
    assert (await stage.state())["verdict"] == "degraded"

    await remove_region(database, "ap")

    state = await stage.state()
    assert (state["verdict"], state["assigned"]) == ("up", 2)


async def test_a_removal_in_the_middle_of_ingest_neither_fails_nor_is_failed(database: Database) -> None:
    stage = await Stage.make(database, regions=("ap", "eu", "us"))
    await stage.all_up()

    async def report() -> None:
        for at in range(20):
            await stage.report("eu", "down" if at % 4 < 2 else "up", at=at)

    await asyncio.gather(report(), remove_region(database, "ap"))

    assert (await stage.state())["assigned"] == 2


async def test_a_monitor_that_was_being_created_meanwhile_loses_the_region_too(database: Database) -> None:
    stage = await Stage.make(database, regions=("ap", "eu"))
    (region,) = await stage.rows("SELECT id FROM regions WHERE slug = 'eu'")
    async with database.app_transaction() as creating:
        late = await a_monitor(creating, TenantId(stage.tenant_id), [region["id"]])
        removing = asyncio.create_task(remove_region(database, "eu"))
        await until_async(partial(stage.rows, "SELECT 1 FROM pg_locks WHERE NOT granted"), "the removal waits")
    await removing
    assert await stage.rows("SELECT regions FROM monitors WHERE id = $1", late) == [{"regions": []}]
    assert await stage.rows("SELECT assigned FROM monitor_states WHERE monitor_id = $1", late) == [{"assigned": 0}]


async def test_a_removal_takes_the_counters_of_tenants_in_ascending_order(database: Database) -> None:
    """Of two tenants whose incidents are resolved, the monitor of the higher tenant has the lower id."""
    stage = await Stage.make(database, regions=("eu",))
    await stage.outage("eu")
    other_id = TenantId(UUID("00000000-0000-7000-8000-000000000001"))
    async with database.app_transaction() as conn:
        (region,) = await stage.rows("SELECT id FROM regions WHERE slug = 'eu'")
        await conn.execute("INSERT INTO tenants (id, name) VALUES ($1, 'Low')", other_id)
        await conn.execute("INSERT INTO tenant_counters (tenant_id) VALUES ($1)", other_id)
        monitor_id = await a_monitor(conn, other_id, [region["id"]])
        await conn.execute(
            "INSERT INTO incidents (tenant_id, id, number, monitor_id, severity, cause, started_at, opened_at)"
            " VALUES ($1, $1, 1, $2, 'major', 'Down', now(), now())",
            other_id,
            monitor_id,
        )
    assert (monitor_id > stage.monitor_id, other_id < stage.tenant_id) == (True, True)
    async with database.app_transaction() as holding:
        await holding.execute("SELECT FROM tenant_counters WHERE tenant_id = $1 FOR UPDATE", other_id)
        removing = asyncio.create_task(remove_region(database, "eu"))
        await until_async(partial(stage.rows, "SELECT 1 FROM pg_locks WHERE NOT granted"), "the removal waits")
        free = await holding.fetch(
            "SELECT 1 FROM tenant_counters WHERE tenant_id = $1 FOR UPDATE SKIP LOCKED", stage.tenant_id
        )
        assert free, "whoever waits for the lower tenant holds no counter of a higher one"
    await removing
    assert [each["state"] for each in await stage.rows("SELECT state FROM incidents")] == ["resolved"] * 2


async def test_an_unknown_region_is_not_found(database: Database) -> None:
    with pytest.raises(NotFound):
        await remove_region(database, "nowhere")
