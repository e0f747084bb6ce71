"""Tags and groups: counted, renamed and taken away over all monitors at once."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.support.tenant_world import World

DOWN = "UPDATE monitor_states SET verdict = 'down' WHERE monitor_id = $1"


async def _down(world: World, monitor: dict[str, Any]) -> None:
    async with world.database.app() as conn:
        await conn.execute(DOWN, monitor["id"])


def refusal(reply: httpx.Response) -> tuple[int, str]:
    return reply.status_code, reply.json()["error"]["code"]


async def test_tags_tell_how_their_monitors_are(world: World) -> None:
    await world.monitor(name="A", tags=["prod", "team:pay"])
    await _down(world, await world.monitor(name="B", tags=["prod"]))
    await world.monitor(name="C", tags=["dev"], enabled=False)
    listed = await world.get("/tags")
    assert [(tag["name"], tag["monitors"], tag["state"]) for tag in listed["items"]] == [
        ("dev", 1, "paused"),
        ("prod", 2, "down"),
        ("team:pay", 1, "unknown"),
    ]
    assert listed["total"] == 3
    assert listed["items"][1]["states"]["down"] == 1
    assert [tag["name"] for tag in (await world.get("/tags?sort=-monitors"))["items"]] == ["prod", "dev", "team:pay"]
    assert [tag["name"] for tag in (await world.get("/tags?sort=state&limit=1"))["items"]] == ["prod"]
    assert [tag["name"] for tag in (await world.get("/tags?q=TEAM"))["items"]] == ["team:pay"]
    assert (await world.get("/tags?offset=9"))["total"] == 3
    assert (await world.stranger.get("/api/v1/tags")).json()["items"] == []


async def test_a_tag_is_renamed_on_every_monitor_and_merged_with_one_that_is_there(world: World) -> None:
    first = await world.monitor(name="A", tags=["x", "old", "y"])
    both = await world.monitor(name="B", tags=["new", "old"])
    other = await world.monitor(name="C", tags=["z"])
    reply = await world.http.patch("/api/v1/tags/old", json={"name": "new"})
    assert (reply.status_code, reply.json()["monitors"]) == (200, 2)
    assert (await world.get(f"/monitors/{first['id']}"))["tags"] == ["x", "new", "y"]
    assert (await world.get(f"/monitors/{both['id']}"))["tags"] == ["new"]
    untouched = await world.get(f"/monitors/{other['id']}")
    assert untouched["updated_at"] == other["updated_at"]
    assert refusal(await world.http.get("/api/v1/tags/old")) == (404, "TAG_NOT_FOUND")


async def test_a_change_read_before_a_rename_is_too_late(world: World) -> None:
    made = await world.monitor(tags=["old"])
    path = f"/api/v1/monitors/{made['id']}"
    tag = (await world.http.get(path)).headers["ETag"]
    assert (await world.http.patch("/api/v1/tags/old", json={"name": "new"})).status_code == 200
    late = await world.http.patch(path, json={"tags": ["old"]}, headers={"If-Match": tag})
    assert refusal(late) == (412, "PRECONDITION_FAILED")


async def test_a_window_goes_on_covering_a_renamed_tag(world: World) -> None:
    await world.monitor(tags=["old"])
    async with world.database.app() as conn:
        await conn.execute(
            "INSERT INTO maintenance_windows (tenant_id, id, number, title, tags, starts_at, ends_at, write_source)"
            " VALUES ($1, gen_random_uuid(), 1, 'Upkeep', '{old,z}', now(), now() + interval '1 hour', 'api')",
            world.tenant_id,
        )
    await world.http.patch("/api/v1/tags/old", json={"name": "new"})
    assert [row["tags"] for row in await world.rows("SELECT tags FROM maintenance_windows")] == [["new", "z"]]


async def test_a_deleted_tag_is_on_no_monitor(world: World) -> None:
    made = await world.monitor(tags=["a", "b"])
    assert (await world.stranger.delete("/api/v1/tags/a")).status_code == 404
    assert (await world.http.delete("/api/v1/tags/a")).status_code == 204
    assert (await world.get(f"/monitors/{made['id']}"))["tags"] == ["b"]
    assert refusal(await world.http.delete("/api/v1/tags/a")) == (404, "TAG_NOT_FOUND")


@pytest.mark.parametrize("tag", ["team/pay ments", "a+b", "env=prod", "50#1"])
async def test_a_tag_of_any_form_has_a_path(world: World, tag: str) -> None:
    await world.monitor(tags=[tag])
    assert (await world.get(f"/tags/{quote(tag, safe='')}"))["name"] == tag


@pytest.mark.parametrize(
    ("path", "name"),
    [
        *(("/api/v1/tags/old", name) for name in ("", "a,b", "x" * 65, "\n", None, 1)),
        *(("/api/v1/groups/Old", name) for name in ("", "x" * 101, "\n", None)),
    ],
)
async def test_a_bad_new_name_is_refused_and_changes_nothing(world: World, path: str, name: object) -> None:
    await world.monitor(tags=["old"], group="Old")
    before = await world.fingerprint()
    reply = await world.http.patch(path, json={"name": name})
    assert reply.status_code == 400, reply.text
    assert reply.json()["error"]["field"] == "/name"
    assert await world.fingerprint() == before


async def test_groups_are_counted_renamed_and_dissolved(world: World) -> None:
    first = await world.monitor(name="A", group="Web shop")
    await _down(world, await world.monitor(name="B", group="Web shop"))
    await world.monitor(name="C")
    listed = await world.get("/groups")
    assert [(group["name"], group["monitors"], group["state"]) for group in listed["items"]] == [
        ("Web shop", 2, "down")
    ]
    path = f"/api/v1/groups/{quote('Web shop')}"
    renamed = await world.http.patch(path, json={"name": "Shop / web"})
    assert renamed.json()["name"] == "Shop / web"
    assert (await world.get(f"/monitors/{first['id']}"))["group"] == "Shop / web"
    assert refusal(await world.http.delete(path)) == (404, "GROUP_NOT_FOUND")
    assert (await world.http.delete(f"/api/v1/groups/{quote('Shop / web', safe='')}")).status_code == 204
    assert (await world.get(f"/monitors/{first['id']}"))["group"] is None
    assert (await world.get("/groups"))["total"] == 0
