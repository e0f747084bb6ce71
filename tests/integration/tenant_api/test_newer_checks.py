"""A monitor whose check a newer control plane wrote, while this older one is still serving: it costs no other one."""

from __future__ import annotations

import pytest

from tests.support.reporting import now_ms, outage, report, reporters
from tests.support.tenant_world import World

STORED = {"type": "pigeon", "loft": "a.example", "timeout": 5_000, "secret": "***"}
TURN_NEWER = 'UPDATE monitors SET kind = $2, "check" = $3 WHERE id = $1'


async def _newer(world: World, name: str = "Newer") -> str:
    monitor_id: str = (await world.monitor(name=name))["id"]
    async with world.database.app() as conn:
        await conn.execute(TURN_NEWER, monitor_id, "pigeon", STORED)
    return monitor_id


async def test_it_is_shown_as_it_is_stored_among_the_others(world: World) -> None:
    newer, known = await _newer(world), (await world.monitor())["id"]

    listed = {one["id"]: one["check"] for one in (await world.get("/monitors"))["items"]}

    assert listed[newer] == STORED
    assert listed[known]["type"] == "http"
    assert (await world.get(f"/monitors/{newer}"))["check"] == STORED
    assert (await world.get(f"/monitors/{newer}/verdict"))["assigned"] == 2


async def test_its_results_are_judged_like_any_other(world: World) -> None:
    newer = await _newer(world)

    await outage(world, newer)

    assert (await world.get(f"/monitors/{newer}"))["state"]["verdict"] == "down"
    assert (await world.get(f"/monitors/{newer}/incidents"))["total"] == 1


async def test_it_spoils_no_batch(world: World) -> None:
    newer, known = await _newer(world), (await world.monitor())["id"]
    agents = await reporters(world)

    assert await report(world, agents["eu"], newer, "down", slot=now_ms()) == "stored"
    assert await report(world, agents["eu"], known, "down", slot=now_ms()) == "stored"


@pytest.mark.parametrize("action", ["pause", "clone"])
async def test_what_would_have_to_read_the_check_says_what_to_do(world: World, action: str) -> None:
    newer = await _newer(world)
    before = await world.fingerprint()

    reply = await world.http.post(f"/api/v1/monitors/{newer}/{action}")

    assert reply.status_code == 503, reply.text
    assert "update" in reply.json()["error"]["message"]
    assert await world.fingerprint() == before


async def test_it_can_be_deleted(world: World) -> None:
    newer = await _newer(world)
    assert (await world.http.delete(f"/api/v1/monitors/{newer}")).status_code == 204
