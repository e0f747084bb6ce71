"""POST /monitors/bulk-action: one action on many monitors, as the single calls would do it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import httpx
import pytest

from tests.support.tenant_world import World

ACTION = "/api/v1/monitors/bulk-action"


async def act(http: httpx.AsyncClient, action: dict[str, Any], **body: Any) -> dict[str, Any]:
    reply = await http.post(ACTION, json={"action": action, **body})
    assert reply.status_code == 200, reply.text
    told: dict[str, Any] = reply.json()
    return told


async def test_pausing_many_is_what_pausing_one_is(world: World, http: httpx.AsyncClient) -> None:
    one, *many = [await world.monitor(name=f"M{n}") for n in range(4)]
    await world.http.post(f"/api/v1/monitors/{one['id']}/pause")
    told = await act(http, {"type": "disable"}, ids=[monitor["id"] for monitor in [one, *many]])
    assert [item["changed"] for item in told["items"]] == [False, True, True, True]
    statement = """
        SELECT m.enabled, m.check_version, m.revision, s.assigned, s.verdict,
            (SELECT count(*) FROM monitor_periods p WHERE p.monitor_id = m.id AND p.ends_at IS NULL) AS pauses,
            (SELECT count(*) FROM assignments a WHERE a.monitor_id = m.id AND a.removed_at IS NULL) AS assigned_to
        FROM monitors m JOIN monitor_states s ON s.monitor_id = m.id ORDER BY m.number"""
    rows = await world.rows(statement)
    assert rows == [rows[0]] * 4
    await world.http.post(f"/api/v1/monitors/{one['id']}/resume")
    await act(http, {"type": "enable"}, filter={"state": "paused"})
    rows = await world.rows(statement)
    assert rows == [rows[0]] * 4
    assert (rows[0]["enabled"], rows[0]["assigned_to"]) == (True, 2)


async def test_tags_are_added_and_taken_by_filter(world: World, http: httpx.AsyncClient) -> None:
    for n in range(3):
        await world.monitor(name=f"M{n}", tags=["old", f"own-{n}"])
    await act(http, {"type": "tag_add", "tags": ["new"]}, filter={"tag": ["old"]})
    await act(http, {"type": "tag_remove", "tags": ["old"]}, filter={})
    rows = await world.rows("SELECT tags FROM monitors ORDER BY number")
    assert [sorted(row["tags"]) for row in rows] == [sorted(["new", f"own-{n}"]) for n in range(3)]


async def test_a_patch_is_judged_for_each_and_another_tenants_monitor_is_not_there(
    world: World, http: httpx.AsyncClient
) -> None:
    own = await world.monitor()
    made = await world.stranger.post("/api/v1/monitors", json={"name": "Other", "check": "https://b.example.com/"})
    told = await act(http, {"type": "update", "patch": {"interval": 300}}, ids=[own["id"], made.json()["id"]])
    assert (told["succeeded"], told["failed"]) == (1, 1)
    assert told["items"][1]["error"]["code"] == "MONITOR_NOT_FOUND"
    assert (await world.get(f"/monitors/{own['id']}"))["interval"] == 300
    told = await act(http, {"type": "update", "patch": {"interval": 1}}, ids=[own["id"]])
    assert told["items"][0]["error"]["field"] == "/interval"


async def test_a_dry_run_tells_and_does_nothing(world: World, http: httpx.AsyncClient) -> None:
    await world.monitor()
    before = await world.fingerprint()
    told = await act(http, {"type": "delete"}, filter={}, dry_run=True)
    assert (told["dry_run"], told["succeeded"]) == (True, 1)
    assert await world.fingerprint() == before
    await act(http, {"type": "delete"}, filter={})
    assert (await world.get("/monitors"))["total"] == 0


async def test_deleting_leaves_tombstones_that_tell_the_agents(world: World, http: httpx.AsyncClient) -> None:
    ids = [(await world.monitor(name=f"M{n}"))["id"] for n in range(3)]
    await act(http, {"type": "delete"}, ids=ids[:2])
    rows = await world.rows("SELECT monitor_id, bool_and(removed_at IS NOT NULL) AS gone FROM assignments GROUP BY 1")
    assert {str(row["monitor_id"]): row["gone"] for row in rows} == {ids[0]: True, ids[1]: True, ids[2]: False}
    left = await world.rows("SELECT id FROM monitors")
    assert left == [{"id": UUID(ids[2])}]


@pytest.mark.parametrize(
    "body",
    [
        {"action": {"type": "enable"}},
        {"action": {"type": "enable"}, "ids": [], "filter": {}},
        {"action": {"type": "enable"}, "ids": []},
        {"action": {"type": "enable", "tags": ["a"]}, "filter": {}},
        {"action": {"type": "tag_add"}, "filter": {}},
        {"action": {"type": "update"}, "filter": {}},
        {"action": {"type": "explode"}, "filter": {}},
        {"action": {"type": "enable"}, "filter": {"colour": "red"}},
    ],
)
async def test_an_order_that_does_not_hold_together_is_refused(http: httpx.AsyncClient, body: dict[str, Any]) -> None:
    assert (await http.post(ACTION, json=body)).status_code == 400
