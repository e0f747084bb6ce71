"""What can be read of a monitor: results, votes, the verdict explained, transitions."""

from __future__ import annotations

import pytest

from tests.support.reporting import now_ms, outage, report, reporters
from tests.support.tenant_world import World


async def test_results_are_shown_newest_first_and_in_full(world: World) -> None:
    monitor = await world.monitor()
    await outage(world, monitor["id"])
    page = await world.get(f"/monitors/{monitor['id']}/results")
    assert (page["total"], len(page["items"])) == (None, 6)
    slots = [item["slot_ms"] for item in page["items"]]
    assert slots == sorted(slots, reverse=True)
    newest = page["items"][0]
    assert (newest["outcome"], newest["reason"], newest["message"]) == ("down", "connect", "connection refused")
    assert newest["timings"] == {
        "dns": 1.5, "connect": 2.25, "tls": None, "ttfb": None, "download": None, "total": 12.5
    }  # fmt: skip
    assert newest["agent"].startswith("agent-")
    assert newest["address"] == "192.0.2.1"


async def test_results_are_filtered(world: World) -> None:
    monitor = await world.monitor()
    await outage(world, monitor["id"])

    async def count(query: str) -> int:
        return len((await world.get(f"/monitors/{monitor['id']}/results?{query}"))["items"])

    assert await count("region=eu") == 3
    assert await count("outcome=up") == 2
    assert await count("region=us&outcome=down") == 2
    assert await count("region=nowhere") == 0
    assert await count("to=2020-01-01T00:00:00Z&from=2019-01-01T00:00:00Z") == 0


async def test_a_cursor_walks_every_result_once(world: World) -> None:
    monitor = await world.monitor()
    await outage(world, monitor["id"])
    path = f"/api/v1/monitors/{monitor['id']}/results?limit=4"
    whole = [(i["slot_ms"], i["region"]) for i in (await world.get(f"/monitors/{monitor['id']}/results"))["items"]]
    seen = []
    while path:
        reply = await world.http.get(path)
        seen += [(item["slot_ms"], item["region"]) for item in reply.json()["items"]]
        path = reply.links["next"]["url"] if "next" in reply.links else ""
    assert seen == whole


async def test_a_cursor_of_another_tenant_is_none(world: World) -> None:
    monitor = await world.monitor()
    await outage(world, monitor["id"])
    theirs = (await world.stranger.post("/api/v1/monitors", json={"name": "B", "check": "https://example.com/"})).json()
    reply = await world.http.get(f"/api/v1/monitors/{monitor['id']}/results?limit=1")
    cursor = reply.links["next"]["url"].split("cursor=")[1].split("&")[0]
    for client, monitor_id in ((world.stranger, theirs["id"]), (world.http, (await world.monitor())["id"])):
        refused = await client.get(f"/api/v1/monitors/{monitor_id}/results?cursor={cursor}")
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, "INVALID_CURSOR")


@pytest.mark.parametrize(
    ("query", "code"),
    [("from=yesterday", "BAD_TIME_RANGE"), ("from=2026-05-12T00:00:00", "BAD_TIME_RANGE"),
     ("to=9999-12-31T23:59:60Z", "BAD_TIME_RANGE"), ("from=2026-02-30T00:00:00Z", "BAD_TIME_RANGE"),
     ("from=2026-01-02T00:00:00Z&to=2026-01-02T00:00:00Z", "BAD_TIME_RANGE"), ("limit=0", "INVALID_LIMIT"),
     ("outcome=UP", "INVALID_OUTCOME"), ("cursor=abc", "INVALID_CURSOR"),
     ("from=9999-12-31T23:59:59-23:00", "BAD_TIME_RANGE")],
)  # fmt: skip
async def test_a_bad_range_is_refused(world: World, query: str, code: str) -> None:
    monitor = await world.monitor()
    reply = await world.http.get(f"/api/v1/monitors/{monitor['id']}/results?{query}")
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, code)


@pytest.mark.parametrize(
    "query", ["from=0001-01-01T00:00:00%2B05:00", "from=1969-01-01T00:00:00Z&to=9999-12-31T23:59:59-12:00"]
)
async def test_the_ends_of_time_are_a_range(world: World, query: str) -> None:
    monitor = await world.monitor()
    for each in ("results", "transitions", "incidents"):
        assert (await world.get(f"/monitors/{monitor['id']}/{each}?{query}"))["items"] == []


async def test_the_votes_say_how_far_each_region_is(world: World) -> None:
    monitor = await world.monitor()
    agents = await reporters(world)
    begun = now_ms()
    for at, (region, outcome) in enumerate((("eu", "up"), ("us", "up"), ("us", "down"), ("eu", "degraded"))):
        await report(world, agents[region], monitor["id"], outcome, slot=begun + at)
    votes = await world.get(f"/monitors/{monitor['id']}/votes")
    eu, us = votes["regions"]
    assert (eu["vote"], eu["fresh"], eu["run"], eu["live_agents"]) == ("up", True, "1 of 2 degraded slots", 1)
    assert (us["vote"], us["bad_run"], us["run"], us["reason"]) == ("up", 1, "1 of 2 bad slots", "connect")
    assert us["expires_at"] > votes["now"]
    assert us["newest_slot"] is not None


async def test_missed_slots_are_counted(world: World) -> None:
    monitor = await world.monitor(interval=10)
    agents = await reporters(world)
    await world.rows("UPDATE monitors SET first_slot = first_slot - 100000")
    row = (await world.rows("SELECT phase_ms FROM assignments WHERE region_id = $1", world.regions["eu"]))[0]
    slot = (now_ms() - 50_000) // 10_000 * 10_000 + row["phase_ms"]
    assert await report(world, agents["eu"], monitor["id"], "up", slot=slot) in ("stored", "late")
    eu, us = (await world.get(f"/monitors/{monitor['id']}/votes"))["regions"]
    assert us["slots"]["missed"] == us["slots"]["expected"] >= 8
    assert eu["slots"]["missed"] == eu["slots"]["expected"] - 1


async def test_the_verdict_is_explained(world: World) -> None:
    monitor = await world.monitor()
    unknown = await world.get(f"/monitors/{monitor['id']}/verdict")
    assert (unknown["verdict"], unknown["required"], unknown["quorum"]) == ("unknown", 2, 1)
    assert unknown["would_change"] == ["Down: 2 more regions voting down", "Up: 1 more region voting up"]
    await outage(world, monitor["id"])
    down = await world.get(f"/monitors/{monitor['id']}/verdict")
    assert (down["verdict"], down["fresh_down"], down["last_down"]) == ("down", 2, 2)
    assert down["would_change"] == ["Up: 1 region no longer voting down and 1 more region voting up"]
    assert down["rule"] == "Of 2 regions, 2 voting down prove an outage; 1 voting up prove that it is up"
    assert "connection refused" in down["reason"]
    await world.http.post(f"/api/v1/monitors/{monitor['id']}/pause")
    paused = await world.get(f"/monitors/{monitor['id']}/verdict")
    assert (paused["shown"], paused["verdict"], paused["assigned"]) == ("paused", "unknown", 0)


async def test_transitions_are_shown_newest_first(world: World) -> None:
    monitor = await world.monitor()
    await outage(world, monitor["id"])
    page = await world.get(f"/monitors/{monitor['id']}/transitions")
    assert [item["verdict"] for item in page["items"]] == ["down", "degraded", "up"]
    assert page["total"] == 3
    second = await world.get(f"/monitors/{monitor['id']}/transitions?limit=1&offset=1")
    assert [item["verdict"] for item in second["items"]] == ["degraded"]


async def test_the_state_follows_the_votes(world: World) -> None:
    monitor = await world.monitor()
    await outage(world, monitor["id"])
    state = (await world.get(f"/monitors/{monitor['id']}"))["state"]
    assert (state["shown"], state["verdict"]) == ("down", "down")
    assert state["last_result_at"] is not None
    assert [(region["region"], region["vote"], region["fresh"]) for region in state["regions"]] == [
        ("eu", "down", True),
        ("us", "down", True),
    ]
    listed = (await world.get("/monitors?verdict=down"))["items"]
    assert [item["id"] for item in listed] == [monitor["id"]]


async def test_a_paused_monitor_still_says_when_it_was_last_looked_at(world: World) -> None:
    monitor = await world.monitor()
    await outage(world, monitor["id"])
    before = (await world.get(f"/monitors/{monitor['id']}"))["state"]["last_result_at"]
    paused = (await world.http.post(f"/api/v1/monitors/{monitor['id']}/pause")).json()["state"]
    assert (paused["last_result_at"], paused["shown"]) == (before, "paused")
    assert [region["vote"] for region in paused["regions"]] == [None, None]
