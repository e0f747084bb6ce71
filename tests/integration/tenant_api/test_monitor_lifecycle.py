"""A monitor is paused, resumed, cloned and deleted; and what its creation may wait for and be refused for."""

from __future__ import annotations

import asyncio

from control_plane.web.hub import ASSIGNMENTS
from tests.support import seed
from tests.support.tenant_world import World
from tests.support.waiting import until_async


async def test_a_deleted_monitor_is_gone_and_its_agents_are_told(world: World) -> None:
    made = await world.monitor()
    assert (await world.http.delete(f"/api/v1/monitors/{made['id']}")).status_code == 204
    reply = await world.http.get(f"/api/v1/monitors/{made['id']}")
    assert (reply.status_code, reply.json()["error"]["code"]) == (404, "MONITOR_NOT_FOUND")
    assert await world.rows("SELECT * FROM assignments WHERE removed_at IS NULL") == []
    assert len(await world.rows("SELECT * FROM assignments")) == 2
    assert await world.rows("SELECT * FROM monitor_states") == []


async def test_pausing_takes_the_assignments_and_resuming_brings_them_back_anew(world: World) -> None:
    made = await world.monitor()
    path = f"/api/v1/monitors/{made['id']}"
    before = (await world.rows("SELECT check_version, first_slot FROM monitors"))[0]
    paused = (await world.http.post(f"{path}/pause")).json()
    assert (paused["enabled"], paused["state"]["shown"], paused["regions"]) == (False, "paused", ["eu", "us"])
    assert await world.rows("SELECT * FROM assignments WHERE removed_at IS NULL") == []
    again = await world.http.post(f"{path}/pause")
    assert again.json()["updated_at"] == paused["updated_at"]
    resumed = (await world.http.post(f"{path}/resume")).json()
    assert (resumed["enabled"], resumed["state"]["shown"]) == (True, "unknown")
    after = (await world.rows("SELECT check_version, first_slot FROM monitors"))[0]
    assert after["check_version"] == before["check_version"] + 1
    assert after["first_slot"] > before["first_slot"]
    rows = await world.rows("SELECT * FROM assignments WHERE removed_at IS NULL")
    assert {row["check_version"] for row in rows} == {after["check_version"]}


async def test_a_paused_monitor_may_be_moved_and_keeps_its_new_regions(world: World) -> None:
    made = await world.monitor(enabled=False)
    assert made["warnings"] == []
    assert await world.rows("SELECT * FROM assignments") == []
    path = f"/api/v1/monitors/{made['id']}"
    await world.http.put(f"{path}/regions", json={"regions": ["us"]})
    assert await world.rows("SELECT * FROM assignments") == []
    await world.http.post(f"{path}/resume")
    rows = await world.rows("SELECT region_id FROM assignments WHERE removed_at IS NULL")
    assert [row["region_id"] for row in rows] == [world.regions["us"]]


async def test_a_clone_has_the_same_configuration_and_credentials(world: World) -> None:
    channel = await world.channel()
    made = await world.monitor(
        key="stable",
        check={"type": "http", "url": "https://a.example.com/", "bearer_token": "s3cret"},
        alerts=[{"channel_id": channel}],
        interval=30,
    )
    reply = await world.http.post(f"/api/v1/monitors/{made['id']}/clone")
    assert reply.status_code == 201, reply.text
    clone = reply.json()
    assert (clone["name"], clone["key"], clone["number"]) == ("API (copy)", None, 2)
    assert (clone["interval"], clone["check"]["bearer_token"]) == (30, "***")
    assert [alert["channel_id"] for alert in clone["alerts"]] == [channel]
    rows = await world.rows("SELECT id, sealed FROM monitors ORDER BY number")
    assert rows[0]["sealed"] != rows[1]["sealed"] != None  # noqa: E711
    opened = world.door.deps.sealer.open(rows[1]["sealed"], context=f"monitor:{world.tenant_id}:{clone['id']}")
    assert b"s3cret" in opened
    named = await world.http.post(f"/api/v1/monitors/{made['id']}/clone", json={"name": "Staging", "interval": 20})
    assert (named.json()["name"], named.json()["interval"]) == ("Staging", 20)


async def test_a_key_is_unique_in_its_tenant(world: World) -> None:
    await world.monitor(key="web/api")
    reply = await world.http.post(
        "/api/v1/monitors", json={"name": "B", "check": "https://b.example.com/", "key": "web/api"}
    )
    assert (reply.status_code, reply.json()["error"]["code"]) == (409, "KEY_TAKEN")
    other = await world.stranger.post(
        "/api/v1/monitors", json={"name": "B", "check": "https://b.example.com/", "key": "web/api"}
    )
    assert other.status_code == 201


async def test_a_preference_waits_for_the_first_result(world: World) -> None:
    async def report() -> None:
        await until_async(lambda: world.rows("SELECT 1 FROM monitors"), "the monitor is there")
        await world.rows(
            "INSERT INTO results (monitor_id, slot, region_id, agent_number, tenant_id, check_version, outcome, reason)"
            " SELECT id, first_slot, $1, 1, tenant_id, 1, 0, 0 FROM monitors",
            world.regions["eu"],
        )

    reporting = asyncio.create_task(report())
    reply = await world.http.post(
        "/api/v1/monitors", json={"name": "A", "check": "https://a.example.com/"}, headers={"Prefer": "wait=10"}
    )
    await reporting
    assert reply.headers["Preference-Applied"] == "wait=10"
    assert reply.elapsed.total_seconds() < 8


async def test_a_preference_ends_without_a_result(world: World) -> None:
    reply = await world.http.post(
        "/api/v1/monitors", json={"name": "A", "check": "https://a.example.com/"}, headers={"Prefer": "wait=1"}
    )
    assert (reply.status_code, reply.json()["state"]["verdict"]) == (201, "unknown")
    assert 0.9 < reply.elapsed.total_seconds() < 8


async def test_a_plan_bounds_the_monitors_even_of_two_that_race(world: World) -> None:
    async with world.database.app() as conn:
        await conn.execute("UPDATE tenants SET plan = 'free' WHERE id = $1", world.tenant_id)
        for _ in range(49):
            await seed.a_monitor(conn, world.tenant_id, [])
    body = {"name": "A", "check": "https://a.example.com/"}
    replies = await asyncio.gather(*(world.http.post("/api/v1/monitors", json=body) for _ in range(3)))
    assert sorted(reply.status_code for reply in replies) == [201, 422, 422]
    refused = next(reply.json()["error"] for reply in replies if reply.status_code == 422)
    assert (refused["code"], refused["details"]["limit"]) == ("QUOTA_EXCEEDED", 50)


async def test_every_change_that_agents_must_see_is_hinted_to_their_regions(world: World) -> None:
    hub = world.door.deps.hub
    topics = {slug: f"{ASSIGNMENTS}:{region_id}" for slug, region_id in world.regions.items()}

    async def hinted(*slugs: str) -> bool:
        got = {await heard[slug].get(5) is not None for slug in slugs}
        return got == {True}

    with hub.subscribe(topics["eu"]) as eu, hub.subscribe(topics["us"]) as us:
        heard = {"eu": eu, "us": us}
        made = await world.monitor()
        path = f"/api/v1/monitors/{made['id']}"
        assert await hinted("eu", "us")
        await world.http.patch(path, json={"interval": 30})
        assert await hinted("eu", "us")
        await world.http.put(f"{path}/regions", json={"regions": ["us"]})
        assert await hinted("eu", "us"), "a removed region is told as well"
        await world.http.post(f"{path}/pause")
        assert await hinted("us")
        await world.http.post(f"{path}/resume")
        assert await hinted("us")
        await world.http.patch(path, json={"name": "not theirs to know"})
        await world.http.delete(path)
        assert await hinted("us")
        assert await eu.get(0.2) is None
        assert await us.get(0.2) is None
