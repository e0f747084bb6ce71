"""Removing a region: out of every monitor, judged on what is left, in the lock order of ingest."""

from __future__ import annotations

import asyncio

import pytest

from control_plane.errors import NotFound
from control_plane.services.change_region import remove_region
from control_plane.store.pool import Database
from tests.support.deciding import Stage


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


async def test_an_unknown_region_is_not_found(database: Database) -> None:
    with pytest.raises(NotFound):
        await remove_region(database, "nowhere")
