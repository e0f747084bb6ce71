"""Windows over the tenant door: planned, read, changed, filtered, refused; never another tenant's."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from tests.support.maintenance import PATH, Planner, in_, now

RECURRING: dict[str, Any] = {"cron": "0 2 * * *", "duration": 3600, "timezone": "Europe/Berlin"}


async def test_a_window_is_created_with_its_place_and_read_back(planner: Planner) -> None:
    body = {"title": "Rack", "all": True, "public": True, "starts_at": in_(hours=1), "ends_at": in_(hours=2)}
    reply = await planner.http.post(PATH, json=body)
    made = reply.json()
    assert (reply.status_code, reply.headers["Location"]) == (201, f"{PATH}/{made['id']}")
    assert (made["number"], made["state"], made["public"], made["write_source"]) == (1, "planned", True, "api")
    assert len(made["next"]) == 1
    assert await planner.read(made) == made
    again = await planner.http.get(f"{PATH}/{made['id']}")
    assert again.headers["ETag"].startswith('"1-')


async def test_a_recurring_window_tells_its_next_ten_times(planner: Planner) -> None:
    made = await planner.plan(**RECURRING)
    assert len(made["next"]) == 10
    assert made["next"] == sorted(made["next"], key=lambda one: one["starts_at"])


async def test_the_same_idempotency_key_makes_one_window(planner: Planner) -> None:
    body = {"title": "Once", "all": True, **RECURRING}
    replies = [await planner.http.post(PATH, json=body, headers={"Idempotency-Key": "k-1"}) for _ in range(2)]
    assert replies[0].json()["id"] == replies[1].json()["id"]
    assert (await planner.http.get(PATH)).json()["total"] == 1


async def test_a_patch_merges_and_minds_the_revision(planner: Planner) -> None:
    made = await planner.plan(**RECURRING)
    url = f"{PATH}/{made['id']}"
    reply = await planner.http.patch(url, json={"title": "Later"}, headers={"If-Match": '"1"'})
    assert (reply.status_code, reply.json()["title"], reply.json()["cron"]) == (200, "Later", "0 2 * * *")
    assert reply.json()["next"] == made["next"]
    stale = await planner.http.patch(url, json={"title": "Lost"}, headers={"If-Match": '"1"'})
    assert (stale.status_code, (await planner.read(made))["title"]) == (412, "Later")
    moved = await planner.http.patch(url, json={"cron": "0 5 * * *"})
    assert moved.json()["next"][0] != made["next"][0]


async def test_a_window_that_is_over_is_not_changed(planner: Planner) -> None:
    made = await planner.plan()
    await planner.shift(made, hours=5)
    reply = await planner.http.patch(f"{PATH}/{made['id']}", json={"title": "Rewritten"})
    assert (reply.status_code, reply.json()["error"]["code"]) == (409, "MAINTENANCE_ENDED")


async def test_the_start_of_a_window_that_holds_is_not_moved(planner: Planner) -> None:
    made = await planner.plan(starts_at=in_(minutes=-5), ends_at=in_(hours=1))
    reply = await planner.http.patch(f"{PATH}/{made['id']}", json={"starts_at": in_(minutes=10)})
    assert (reply.status_code, reply.json()["error"]["code"]) == (409, "MAINTENANCE_ACTIVE")
    past = await planner.http.patch(f"{PATH}/{made['id']}", json={"ends_at": in_(minutes=-1)})
    assert (past.status_code, past.json()["error"]["field"]) == (400, "/ends_at")


async def test_lists_are_filtered_by_state_range_and_monitor(planner: Planner) -> None:
    tagged, plain = await planner.monitor(tags=["db"]), await planner.monitor()
    active = await planner.plan(all=False, tags=["db"], starts_at=in_(minutes=-5), ends_at=in_(hours=1))
    far = await planner.plan(all=False, monitors=[str(plain)], starts_at=in_(days=9), ends_at=in_(days=10))
    again = await planner.plan(**RECURRING)

    async def ids(**query: Any) -> set[str]:
        reply = await planner.http.get(PATH, params=query)
        assert reply.status_code == 200, reply.text
        return {one["id"] for one in reply.json()["items"]}

    assert await ids(state="active") == {active["id"]}
    assert await ids(state="planned") == {far["id"], again["id"]}
    assert await ids(state="ended") == set()
    assert await ids(to=in_(days=5)) == {active["id"], again["id"]}
    assert await ids(**{"from": in_(days=5)}) == {far["id"], again["id"]}
    assert await ids(monitor_id=str(tagged)) == {active["id"], again["id"]}
    assert await ids(monitor_id=str(plain)) == {far["id"], again["id"]}


async def test_the_calendar_tells_every_time_of_a_range(planner: Planner) -> None:
    active = await planner.plan(starts_at=in_(minutes=-5), ends_at=in_(hours=1))
    again = await planner.plan(**RECURRING)
    reply = await planner.http.get(f"{PATH}/upcoming", params={"to": (now() + timedelta(days=10)).isoformat()})
    items = reply.json()["items"]
    assert [one["window_id"] for one in items].count(active["id"]) == 1
    assert [one["window_id"] for one in items].count(again["id"]) in (9, 10, 11)
    assert [one["starts_at"] for one in items] == sorted(one["starts_at"] for one in items)
    wrong = await planner.http.get(f"{PATH}/upcoming", params={"to": in_(days=500)})
    assert wrong.json()["error"]["code"] == "BAD_TIME_RANGE"


async def test_a_stranger_sees_and_changes_nothing(planner: Planner) -> None:
    made = await planner.plan(starts_at=in_(minutes=-5), ends_at=in_(hours=1))
    url = f"{PATH}/{made['id']}"
    assert (await planner.stranger.get(PATH)).json()["items"] == []
    assert (await planner.stranger.get(f"{PATH}/upcoming")).json()["items"] == []
    replies = [
        await planner.stranger.get(url),
        await planner.stranger.patch(url, json={"title": "Mine"}),
        await planner.stranger.post(f"{url}/end"),
        await planner.stranger.delete(url),
    ]
    assert [reply.status_code for reply in replies] == [404] * 4
    assert await planner.read(made) == made


async def test_another_tenants_monitor_is_unknown_here(planner: Planner) -> None:
    theirs = await planner.monitor(tenant_id=planner.stranger_id)
    body = {"title": "T", "monitors": [str(theirs)], **RECURRING}
    reply = await planner.http.post(PATH, json=body)
    error = reply.json()["error"]
    assert (reply.status_code, error["code"], error["field"]) == (400, "INVALID_TARGETS", "/monitors/0")


async def test_reading_does_not_allow_writing(planner: Planner) -> None:
    assert (await planner.reader.get(PATH)).status_code == 200
    reply = await planner.reader.post(PATH, json={"title": "T", "all": True, **RECURRING})
    assert reply.status_code == 403


async def test_a_plan_bounds_windows_that_are_not_over(planner: Planner) -> None:
    await planner.execute("UPDATE tenants SET plan = 'free' WHERE id = $1", planner.tenant_id)
    for _ in range(10):
        await planner.plan()
    reply = await planner.http.post(PATH, json={"title": "T", "all": True, **RECURRING})
    error = reply.json()["error"]
    assert (reply.status_code, error["code"], error["details"]["limit"]) == (422, "QUOTA_EXCEEDED", 10)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"title": "T", "all": True},
        {"title": "T\u202e", "all": True, **RECURRING},
        {"title": "T\x00", "all": True, **RECURRING},
        {"title": "T", "all": True, "cron": "* * * * * *", "duration": 60},
        {"title": "T", "all": True, "rrule": "FREQ=SECONDLY", "duration": 60, "starts_at": "2026-01-01T00:00:00Z"},
        {"title": "T", "all": True, "cron": "0 0 * * *", "duration": 1e400},
        {"title": "T", "tags": ["a,b"], **RECURRING},
        {"title": "T", "monitors": {"a": 1}, **RECURRING},
        {"title": "T", "all": True, "starts_at": "2020-01-01T00:00:00Z", "ends_at": "2020-01-02T00:00:00Z"},
        {"title": "T", "all": True, **RECURRING, "until": "2020-01-02T00:00:00Z"},
        {"title": ["T"], "all": "yes", "cron": 5, "duration": "1", "timezone": 7},
    ],
    ids=str,
)
async def test_hostile_bodies_are_refused_and_write_nothing(planner: Planner, body: dict[str, Any]) -> None:
    content = json.dumps(body)
    reply = await planner.http.post(PATH, content=content, headers={"Content-Type": "application/json"})
    assert reply.status_code == 400, reply.text
    assert await planner.rows("SELECT 1 FROM maintenance_windows") == []
