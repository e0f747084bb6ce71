"""Regions leave a monitor one by one, and a region that alone calls it down is told with the way to drop it."""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID

from control_plane.services.fleet.ingest_results import Reporter, ingest_results
from shared.results import CheckResult, Outcome, Reason
from tests.support import seed
from tests.support.tenant_world import World

INTERVAL_MS = 10_000


async def reporters(world: World) -> dict[str, Reporter]:
    found = {}
    async with world.database.app_transaction() as conn:
        for slug, region_id in world.regions.items():
            agent_id, _ = await seed.an_agent(conn, region_id)
            number = await conn.fetchval("SELECT number FROM agents WHERE id = $1", agent_id)
            found[slug] = Reporter(agent_id, number, region_id)
    return found


async def report(world: World, reporter: Reporter, monitor: dict[str, Any], outcome: str, slots: list[int]) -> None:
    items = [
        CheckResult(
            monitor_id=UUID(monitor["id"]),
            check_version=1,
            slot=slot,
            outcome=Outcome(outcome),
            reason=Reason.CONNECT if outcome == "down" else Reason.NONE,
            total=1.0,
        )
        for slot in slots
    ]
    taken = await ingest_results(world.database, reporter, sent_at=time.time_ns() // 1_000_000, items=items)
    assert set(taken.statuses) == {"stored"}


async def below_quorum(world: World) -> dict[str, Any]:
    """A monitor that eu calls down for some slots, and us up. All of them are younger than a vote lives."""
    monitor = await world.monitor(regions=["eu", "us"], interval=10, region_policy="all")
    said, now = await reporters(world), time.time_ns() // 1_000_000
    slots = [now - k * INTERVAL_MS for k in reversed(range(6))]
    await report(world, said["us"], monitor, "up", slots)
    await report(world, said["eu"], monitor, "down", slots)
    back = "UPDATE monitor_states SET since = since - interval '1 hour' WHERE monitor_id = $1"
    await world.rows(back, UUID(monitor["id"]))
    return monitor


async def test_a_region_below_quorum_is_told_everywhere_with_the_way_to_drop_it(world: World) -> None:
    monitor = await below_quorum(world)
    path = f"/monitors/{monitor['id']}"
    [advisory] = (await world.get(path))["state"]["advisories"]
    assert (advisory["region"], advisory["slots"] > 3) == ("eu", True)
    assert advisory["reason"].endswith("no connection could be made")
    assert (await world.get(f"{path}/votes"))["advisories"] == [advisory]
    assert (await world.get(f"{path}/verdict"))["advisories"] == [advisory]
    assert (await world.get("/monitors"))["items"][0]["state"]["advisories"] == [advisory]
    assert await world.rows("SELECT id FROM incidents") == []
    reply = await world.http.request(advisory["drop"]["method"], advisory["drop"]["href"])
    assert reply.status_code == 204
    after = await world.get(path)
    assert (after["regions"], after["state"]["advisories"]) == (["us"], [])


async def test_the_regions_of_a_monitor_are_read_and_put(world: World) -> None:
    monitor = await world.monitor(regions=["eu"])
    path = f"/monitors/{monitor['id']}/regions"
    assert [(one["id"], one["selected"]) for one in (await world.get(path))["available"]] == [
        ("eu", True),
        ("us", False),
    ]
    reply = await world.http.put(f"/api/v1{path}", json={"regions": ["us", "eu"]})
    assert (reply.status_code, reply.json()["regions"]) == (200, ["eu", "us"])


async def test_the_last_region_stays_with_the_remedy_told(world: World) -> None:
    monitor = await world.monitor(regions=["eu"])
    before = await world.fingerprint()
    reply = await world.http.delete(f"/api/v1/monitors/{monitor['id']}/regions/eu")
    assert (reply.status_code, reply.json()["error"]["code"]) == (422, "INVALID_REGIONS")
    assert "pause it" in reply.json()["error"]["message"]
    assert await world.fingerprint() == before


async def test_a_region_that_is_not_the_monitors_or_a_strangers_monitor_is_not_found(world: World) -> None:
    monitor = await world.monitor(regions=["eu"])
    reply = await world.http.delete(f"/api/v1/monitors/{monitor['id']}/regions/us")
    assert (reply.status_code, reply.json()["error"]["code"]) == (404, "REGION_NOT_FOUND")
    assert (await world.stranger.delete(f"/api/v1/monitors/{monitor['id']}/regions/eu")).status_code == 404


async def test_dropping_a_region_holds_if_match_to_its_word(world: World) -> None:
    monitor = await world.monitor(regions=["eu", "us"])
    path = f"/api/v1/monitors/{monitor['id']}/regions/eu"
    assert (await world.http.delete(path, headers={"If-Match": '"7"'})).status_code == 412
    assert (await world.http.delete(path, headers={"If-Match": '"1"'})).status_code == 204


async def test_what_it_is_shown_as_is_maintenance_before_the_verdict_and_paused_before_that(world: World) -> None:
    monitor = await world.monitor(regions=["eu"])
    await world.monitor(name="Other", regions=["eu"])
    window = (
        "INSERT INTO monitor_periods (tenant_id, monitor_id, kind, starts_at, ends_at, title)"
        " VALUES ($1, $2, 'maintenance', now() - interval '1 hour', now() + interval '1 hour', 'Move')"
    )
    await world.rows(window, world.tenant_id, UUID(monitor["id"]))
    assert (await world.get(f"/monitors/{monitor['id']}"))["state"]["shown"] == "maintenance"
    assert (await world.get(f"/monitors/{monitor['id']}/verdict"))["shown"] == "maintenance"
    assert [one["id"] for one in (await world.get("/monitors?state=maintenance"))["items"]] == [monitor["id"]]
    assert [one["name"] for one in (await world.get("/monitors?state=unknown"))["items"]] == ["Other"]
    await world.http.post(f"/api/v1/monitors/{monitor['id']}/pause")
    assert (await world.get("/monitors?state=maintenance"))["total"] == 0
    assert (await world.get("/monitors?state=paused"))["total"] == 1
    await world.rows("UPDATE monitor_periods SET ends_at = now() - interval '1 minute' WHERE kind = 'maintenance'")
    await world.http.post(f"/api/v1/monitors/{monitor['id']}/resume")
    assert (await world.get(f"/monitors/{monitor['id']}"))["state"]["shown"] == "unknown"


async def test_what_held_it_before_holds_it_no_more(world: World) -> None:
    monitor = await world.monitor(regions=["eu"])
    for held_since, held_by in (("now()", "“Gateway”, which is down"), ("NULL", None)):
        await world.rows(
            f"UPDATE monitor_states SET held_by = '“Gateway”, which is down', held_since = {held_since},"
            " hold_ended_at = now() WHERE monitor_id = $1",
            UUID(monitor["id"]),
        )
        assert (await world.get(f"/monitors/{monitor['id']}"))["state"]["held_by"] == held_by
        for path in ("verdict", "dependencies"):
            assert (await world.get(f"/monitors/{monitor['id']}/{path}"))["held_by"] == held_by
