"""Composite monitors through the door: made, read, changed and refused."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import httpx

from tests.support.tenant_world import World


async def composite(world: World, at_least: int, of: dict[str, Any], **body: Any) -> dict[str, Any]:
    return await world.monitor(check={"type": "composite", "at_least": at_least, "of": of}, **body)


async def refused(world: World, body: dict[str, Any]) -> tuple[int, str, str]:
    reply = await world.http.post("/api/v1/monitors", json={"name": "All", **body})
    error = reply.json()["error"]
    return reply.status_code, error["code"], error["field"]


async def test_a_composite_has_no_regions_and_no_interval(world: World) -> None:
    member = await world.monitor(tags=["edge"])
    made = await composite(world, 1, {"tag": "edge"}, name="Edge")
    assert made["check"] == {"type": "composite", "at_least": 1, "of": {"tag": "edge"}}
    assert (made["regions"], made["interval"], made["state"]["verdict"]) == ([], None, "unknown")
    assert made["warnings"] == []
    assert [one["id"] for one in (await world.get("/monitors?kind=composite"))["items"]] == [made["id"]]
    listed = await composite(world, 1, {"monitors": [member["id"]]})
    assert listed["check"]["of"] == {"monitors": [member["id"]]}


async def test_its_state_says_whom_it_waits_for(world: World) -> None:
    member = await world.monitor(name="DB")
    made = await composite(world, 1, {"monitors": [member["id"]]})
    assert "“DB” is unknown" in made["state"]["reason"]
    assert (await composite(world, 1, {"tag": "nothing"}))["state"]["reason"]
    for path in ("votes", "verdict", "regions", "dependencies", "dependents", "transitions"):
        assert (await world.http.get(f"/api/v1/monitors/{made['id']}/{path}")).status_code == 200, path


async def test_members_and_number_are_changed_by_a_patch(world: World) -> None:
    one, two = (await world.monitor())["id"], (await world.monitor())["id"]
    made = await composite(world, 1, {"monitors": [one]})
    path = f"/api/v1/monitors/{made['id']}"
    reply = await world.http.patch(path, json={"check": {"at_least": 2, "of": {"monitors": [two, one]}}})
    assert reply.status_code == 200, reply.text
    assert reply.json()["check"] == {"type": "composite", "at_least": 2, "of": {"monitors": sorted([one, two])}}
    assert (await world.http.delete(f"/api/v1/monitors/{two}")).status_code == 204
    reply = await world.http.patch(path, json={"name": "Renamed", "check": {"at_least": 1}})
    assert reply.status_code == 200, "what it lists and is gone does not stand in the way of other changes"


async def test_what_only_regions_need_is_refused(world: World) -> None:
    check = {"type": "composite", "at_least": 1, "of": {"tag": "edge"}}
    for field, value in {
        "regions": ["eu"],
        "region_policy": "any",
        "interval": 60,
        "confirmations": 3,
        "backoff_when_down": True,
    }.items():
        assert await refused(world, {"check": check, field: value}) == (400, "NOT_FOR_THIS_KIND", f"/{field}")
    made = await world.monitor(check=check, regions=[], interval=None, backoff_when_down=False)
    reply = await world.http.put(f"/api/v1/monitors/{made['id']}/regions", json={"regions": ["eu"]})
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "NOT_FOR_THIS_KIND")


async def test_what_is_read_can_be_written_back(world: World) -> None:
    for check in ({"type": "composite", "at_least": 1, "of": {"tag": "edge"}}, {"type": "heartbeat", "period": 60}):
        made = await world.monitor(check=check)
        assert (made["confirmations"], made["region_policy"]) == (1, "majority"), "one vote, by one slot"
        fields = ("regions", "region_policy", "interval", "confirmations", "backoff_when_down")
        reply = await world.http.patch(f"/api/v1/monitors/{made['id']}", json={field: made[field] for field in fields})
        assert reply.status_code == 200, reply.text
        assert all(reply.json()[field] == made[field] for field in (*fields, "check", "updated_at"))


async def test_members_have_to_exist_and_to_be_the_tenants_own(world: World) -> None:
    theirs = (
        await world.stranger.post("/api/v1/monitors", json={"name": "T", "check": "tcp://a.example.com:443"})
    ).json()
    check = {"type": "composite", "at_least": 1, "of": {"monitors": [theirs["id"]]}}
    assert await refused(world, {"check": check}) == (400, "INVALID_COMPOSITE_PARAMS", "/check/of/monitors/0")


async def test_no_composite_counts_for_itself(world: World) -> None:
    leaf = (await world.monitor())["id"]
    inner = await composite(world, 1, {"monitors": [leaf]}, name="Inner")
    outer = await composite(world, 1, {"monitors": [inner["id"]]}, name="Outer")

    async def put(monitor: dict[str, Any], *listed: str) -> httpx.Response:
        check = {"of": {"monitors": list(listed)}}
        return await world.http.patch(f"/api/v1/monitors/{monitor['id']}", json={"check": check})

    reply = await put(inner, leaf, outer["id"])
    error = reply.json()["error"]
    assert (reply.status_code, error["code"], error["field"]) == (422, "DEPENDENCY_CYCLE", "/check/of/monitors")
    assert "“Inner” → “Outer” → “Inner”" in error["message"]
    assert (await put(inner, inner["id"])).status_code == 422
    assert (await put(outer, inner["id"], leaf)).status_code == 200


async def test_a_composite_follows_its_members_and_may_depend_on_them(world: World) -> None:
    member = await world.monitor(tags=["edge"])
    await world.rows("UPDATE monitor_states SET verdict = 'up' WHERE monitor_id = $1", UUID(member["id"]))
    made = await composite(world, 1, {"tag": "edge"}, depends_on=[member["id"]])
    assert made["state"]["verdict"] == "up"
    await world.http.post(f"/api/v1/monitors/{made['id']}/pause")
    assert (await world.get(f"/monitors/{made['id']}"))["state"]["shown"] == "paused"
    await world.http.post(f"/api/v1/monitors/{made['id']}/resume")
    assert (await world.get(f"/monitors/{made['id']}"))["state"]["verdict"] == "up"
    clone = (await world.http.post(f"/api/v1/monitors/{made['id']}/clone", json={})).json()
    assert (clone["check"], clone["depends_on"]) == (made["check"], [member["id"]])


async def test_nobody_can_be_asked_to_check_it_now(world: World) -> None:
    made = await composite(world, 1, {"tag": "edge"})
    reply = await world.http.post(f"/api/v1/monitors/{made['id']}/check-now")
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "NOT_FOR_THIS_KIND")
    reply = await world.http.post("/api/v1/monitors/test", json={"check": made["check"]})
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "NOT_FOR_THIS_KIND")
    reply = await world.http.delete(f"/api/v1/monitors/{made['id']}/regions/eu")
    assert (reply.status_code, reply.json()["error"]["code"]) == (404, "REGION_NOT_FOUND")
