"""`escalations` of a monitor through the door: created, read, changed, cloned, and what a deleted channel leaves."""

from __future__ import annotations

from typing import Any

from tests.support.tenant_world import World


def steps(*pairs: tuple[int, list[str]]) -> list[dict[str, Any]]:
    return [{"after_s": after_s, "channel_ids": sorted(ids)} for after_s, ids in pairs]


async def test_steps_are_kept_as_they_were_given(world: World) -> None:
    lead, boss = await world.channel(name="lead"), await world.channel(name="boss")
    wanted = steps((900, [lead]), (1800, [lead, boss]))
    made = await world.monitor(escalations=wanted)
    assert made["escalations"] == wanted
    assert (await world.get(f"/monitors/{made['id']}"))["escalations"] == wanted
    assert (await world.get("/monitors"))["items"][0]["escalations"] == wanted


async def test_a_patch_replaces_them_and_null_clears_them(world: World) -> None:
    lead, boss = await world.channel(name="lead"), await world.channel(name="boss")
    made = await world.monitor(escalations=steps((900, [lead])), alerts=[{"channel_id": boss}])
    path = f"/api/v1/monitors/{made['id']}"
    changed = await world.http.patch(path, json={"escalations": steps((60, [boss]), (120, [lead]))})
    assert changed.json()["escalations"] == steps((60, [boss]), (120, [lead]))
    assert changed.json()["alerts"] == [{"channel_id": boss, "events": None}]
    kept = await world.http.patch(path, json={"name": "Other"})
    assert kept.json()["escalations"] == steps((60, [boss]), (120, [lead]))
    cleared = await world.http.patch(path, json={"escalations": None})
    assert cleared.json()["escalations"] == []


async def test_a_clone_has_them_too(world: World) -> None:
    lead = await world.channel(name="lead")
    made = await world.monitor(escalations=steps((900, [lead])))
    copy = await world.http.post(f"/api/v1/monitors/{made['id']}/clone", json={})
    assert copy.json()["escalations"] == steps((900, [lead]))


async def test_many_at_once_have_them(world: World) -> None:
    lead = await world.channel(name="lead")
    bodies = [
        {"name": f"Shop {n}", "check": f"https://{n}.example.com/", "escalations": steps((900, [lead]))}
        for n in range(3)
    ]
    reply = await world.http.post("/api/v1/monitors/bulk", json={"monitors": bodies})
    assert reply.status_code < 300, reply.text
    listed = (await world.get("/monitors"))["items"]
    assert [each["escalations"] for each in listed] == [steps((900, [lead]))] * 3


async def test_a_deleted_channel_leaves_the_steps(world: World) -> None:
    lead, boss = await world.channel(name="lead"), await world.channel(name="boss")
    made = await world.monitor(escalations=steps((900, [lead]), (1800, [lead, boss])))
    await world.rows("DELETE FROM channels WHERE id = $1", lead)
    assert (await world.get(f"/monitors/{made['id']}"))["escalations"] == steps((1800, [boss]))


async def test_a_channel_of_somebody_else_is_unknown(world: World) -> None:
    lead = await world.channel(name="lead")
    body = {"name": "B", "check": "https://b.example.com/", "escalations": steps((900, [lead]))}
    reply = await world.stranger.post("/api/v1/monitors", json=body)
    error = reply.json()["error"]
    assert (error["code"], error["field"]) == ("INVALID_ALERT_CONFIG", "/escalations/0/channel_ids/0")
