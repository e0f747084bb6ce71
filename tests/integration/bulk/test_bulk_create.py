"""POST /monitors/bulk: many monitors in one call, each by the rules of one."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.support.tenant_world import World

BULK = "/api/v1/monitors/bulk"


def a_body(number: int, **over: Any) -> dict[str, Any]:
    return {"name": f"Site {number}", "check": f"https://s{number}.example.com/health", **over}


async def test_five_hundred_are_created_in_one_call_and_are_as_if_created_one_by_one(
    world: World, http: httpx.AsyncClient
) -> None:
    one = await world.monitor(**a_body(0, tags=["a"], key="one"))
    reply = await http.post(BULK, json={"monitors": [a_body(n, tags=["a"], key=f"k{n}") for n in range(1, 501)]})
    assert reply.status_code == 201, reply.text
    told = reply.json()
    assert (told["succeeded"], told["failed"]) == (500, 0)
    assert [item["number"] for item in told["items"]] == list(range(2, 502))
    other = await world.get(f"/monitors/{told['items'][499]['id']}")
    own = {"id", "number", "key", "name", "check", "created_at", "updated_at", "state", "warnings"}
    assert {k: v for k, v in other.items() if k not in own} == {k: v for k, v in one.items() if k not in own}
    assigned = await world.rows("SELECT count(*) AS n FROM assignments WHERE tenant_id = $1", world.tenant_id)
    assert assigned[0]["n"] == 501 * len(one["regions"])


async def test_each_bad_item_is_told_and_keeps_no_other_from_being_created(
    world: World, http: httpx.AsyncClient
) -> None:
    await world.monitor(key="taken")
    items = [
        a_body(1),
        a_body(2, interval=1),
        7,
        a_body(3, key="taken"),
        a_body(4, key="new"),
        a_body(5, key="new"),
        a_body(6, depends_on=["new"]),
        a_body(7, check="https://127.0.0.1/"),
        a_body(8, colour="red"),
    ]
    reply = await http.post(BULK, json={"monitors": items})
    assert reply.status_code == 201, reply.text
    codes = [item["error"] and item["error"]["code"] for item in reply.json()["items"]]
    assert codes[0] is codes[4] is codes[6] is None
    assert codes[2:4] == ["INVALID_TYPE", "KEY_TAKEN"]
    assert (codes[5], codes[7], codes[8]) == ("KEY_TAKEN", "SSRF_BLOCKED", "UNKNOWN_FIELD")
    single = await http.post("/api/v1/monitors", json=items[1])
    assert single.json()["error"]["code"] == codes[1]
    assert (await world.get("/monitors"))["total"] == 4


async def test_all_or_none_leaves_nothing_behind_and_names_every_bad_item(
    world: World, http: httpx.AsyncClient
) -> None:
    before = await world.fingerprint()
    items = [a_body(1), a_body(2, interval=1), a_body(3), {}]
    reply = await http.post(BULK, json={"monitors": items, "atomic": True})
    assert (reply.status_code, reply.json()["error"]["code"]) == (422, "BULK_REFUSED")
    assert [item["index"] for item in reply.json()["error"]["details"]["items"]] == [1, 3]
    assert await world.fingerprint() == before
    reply = await http.post(BULK, json={"monitors": [a_body(1), a_body(3)], "atomic": True})
    assert reply.status_code == 201


async def test_where_none_is_created_it_is_200(http: httpx.AsyncClient) -> None:
    reply = await http.post(BULK, json={"monitors": [{}]})
    assert (reply.status_code, reply.json()["failed"]) == (200, 1)


@pytest.mark.parametrize(("count", "status", "code"), [(0, 400, "BULK_EMPTY"), (10_001, 422, "BULK_TOO_LARGE")])
async def test_a_call_takes_one_to_ten_thousand(http: httpx.AsyncClient, count: int, status: int, code: str) -> None:
    reply = await http.post(BULK, json={"monitors": [1] * count})
    assert (reply.status_code, reply.json()["error"]["code"]) == (status, code)


async def test_the_quota_is_filled_and_the_rest_is_refused(world: World, http: httpx.AsyncClient) -> None:
    async with world.database.app() as conn:
        await conn.execute(
            'UPDATE tenants SET overrides = \'{"quotas": {"max_monitors": 3}}\' WHERE id = $1', world.tenant_id
        )
    reply = await http.post(BULK, json={"monitors": [a_body(n) for n in range(5)]})
    codes = [item["error"] and item["error"]["code"] for item in reply.json()["items"]]
    assert codes == [None, None, None, "QUOTA_EXCEEDED", "QUOTA_EXCEEDED"]


async def test_the_same_key_gives_the_same_answer_and_creates_nothing_again(
    world: World, http: httpx.AsyncClient
) -> None:
    sent: dict[str, Any] = {
        "json": {"monitors": [a_body(n) for n in range(20)]},
        "headers": {"Idempotency-Key": "bulk-1"},
    }
    first, again = await http.post(BULK, **sent), await http.post(BULK, **sent)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert first.json() == again.json()
    assert (await world.get("/monitors"))["total"] == 20


async def test_heartbeats_and_composites_are_made_whole(world: World, http: httpx.AsyncClient) -> None:
    items: list[dict[str, Any]] = [
        {"name": "Backup", "key": "backup", "check": {"type": "heartbeat", "period": 3600, "grace": 60}},
        {"name": "All", "check": {"type": "composite", "of": {"monitors": ["backup"]}, "rule": "all"}},
    ]
    reply = await http.post(BULK, json={"monitors": items})
    single = [await http.post("/api/v1/monitors", json={**item, "key": f"s{n}"}) for n, item in enumerate(items)]
    assert [item["error"] and item["error"]["code"] for item in reply.json()["items"]] == [
        None if one.status_code == 201 else one.json()["error"]["code"] for one in single
    ], [one.text for one in single]
    beats = await world.rows("SELECT monitor_id FROM heartbeats WHERE tenant_id = $1", world.tenant_id)
    assert len(beats) == 2 * sum(item["error"] is None for item in reply.json()["items"][:1])
