"""GET /monitors: every filter and order, alone and together."""

from __future__ import annotations

import pytest

from tests.support import seed
from tests.support.tenant_world import World

SHOP = "https://shop.example.com/basket"


async def _names(world: World, query: str) -> list[str]:
    page = await world.get(f"/monitors?{query}")
    assert page["total"] >= len(page["items"])
    return [item["name"] for item in page["items"]]


@pytest.fixture
async def four(world: World) -> World:
    """Alpha is down with an open incident, Beta is paused, delta is of one region; each is different."""
    alpha = await world.monitor(name="Alpha", tags=["prod", "team:pay"], group="Web", key="alpha", owner="ann")
    await world.monitor(name="Beta", tags=["prod"], group="Web", enabled=False, owner="bob")
    await world.monitor(name="gamma", tags=["dev"], check="tcp://db.example.com:5432")
    await world.monitor(name="delta", check=SHOP, regions=["us"])
    async with world.database.app() as conn:
        await conn.execute("UPDATE monitor_states SET verdict = 'down' WHERE monitor_id = $1", alpha["id"])
        await conn.execute(
            "INSERT INTO incidents (tenant_id, id, number, monitor_id, severity, cause, started_at, opened_at)"
            " VALUES ($1, gen_random_uuid(), 1000, $2, 'major', 'It is down', now(), now())",
            world.tenant_id,
            alpha["id"],
        )
    return world


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("q=ALPH", ["Alpha"]),
        ("q=basket", ["delta"]),
        ("q=web", ["Alpha", "Beta"]),
        ("q=%25", []),
        ("tag=prod", ["Alpha", "Beta"]),
        ("tag=prod&tag=team:pay", ["Alpha"]),
        ("tag=prod,team:pay", ["Alpha"]),
        ("tag=dev&tag=prod", []),
        ("enabled=false", ["Beta"]),
        ("kind=tcp", ["gamma"]),
        ("verdict=down", ["Alpha"]),
        ("state=paused", ["Beta"]),
        ("state=unknown", ["gamma", "delta"]),
        ("group=Web&enabled=true", ["Alpha"]),
        ("region=us", ["Alpha", "Beta", "gamma", "delta"]),
        ("region=eu", ["Alpha", "Beta", "gamma"]),
        ("region=nowhere", []),
        ("key=alpha", ["Alpha"]),
        ("owner=bob", ["Beta"]),
        ("number=3", ["gamma"]),
        ("incident=open", ["Alpha"]),
        ("incident=none", ["Beta", "gamma", "delta"]),
        ("sort=name", ["Alpha", "Beta", "delta", "gamma"]),
        ("sort=-name", ["gamma", "delta", "Beta", "Alpha"]),
        ("sort=-number&limit=2", ["delta", "gamma"]),
        ("sort=verdict&limit=1", ["Alpha"]),
        ("sort=-verdict&limit=1", ["Beta"]),
        ("sort=updated_at&offset=1&limit=2", ["Beta", "gamma"]),
        ("sort=-updated_at&offset=3", ["Alpha"]),
    ],
)
async def test_a_list_is_narrowed_and_ordered(four: World, query: str, names: list[str]) -> None:
    assert await _names(four, query) == names


async def test_a_declared_incident_counts_for_the_monitors_that_it_is_about(four: World) -> None:
    gamma = (await four.get("/monitors?q=gamma"))["items"][0]
    declared = await four.http.post("/api/v1/incidents", json={"title": "Slow", "monitor_ids": [gamma["id"]]})
    assert declared.status_code == 201, declared.text
    assert await _names(four, "incident=open") == ["Alpha", "gamma"]
    await four.http.post(f"/api/v1/incidents/{declared.json()['id']}/resolve")
    assert await _names(four, "incident=open") == ["Alpha"]


async def test_another_tenants_region_filters_like_one_that_does_not_exist(four: World) -> None:
    async with four.database.app() as conn:
        await seed.a_region(conn, "theirs", four.stranger_id)
    assert await _names(four, "region=theirs") == []


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("tag=", "INVALID_TAG"),
        ("tag=a,,b", "INVALID_TAG"),
        ("tag=" + ",".join("abcdefghijklmnopqrstu"), "INVALID_TAG"),
        ("sort=state", "INVALID_SORT"),
        ("sort=name;drop", "INVALID_SORT"),
        ("incident=yes", "INVALID_INCIDENT"),
        ("number=0", "INVALID_NUMBER"),
        ("number=9007199254740993", "INVALID_NUMBER"),
        ("enabled=1&enabled=0", "INVALID_ENABLED"),
        ("state=broken", "INVALID_STATE"),
        ("q=" + "x" * 201, "INVALID_Q"),
    ],
)
async def test_a_bad_filter_is_refused_by_name(world: World, query: str, code: str) -> None:
    reply = await world.http.get(f"/api/v1/monitors?{query}")
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, code), reply.text


async def test_an_unchanged_list_is_not_sent_again(four: World) -> None:
    """Nothing has been checked in between, so nothing of the answer is another."""
    first = await four.http.get("/api/v1/monitors?tag=dev")
    again = await four.http.get("/api/v1/monitors?tag=dev", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    await four.http.patch(f"/api/v1/monitors/{first.json()['items'][0]['id']}", json={"notes": "seen"})
    changed = await four.http.get("/api/v1/monitors?tag=dev", headers={"If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200
