"""/monitors: what a tenant may ask for, and what comes back."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from tests.support import seed
from tests.support.tenant_world import World


async def test_a_name_and_a_string_are_a_complete_request(world: World) -> None:
    reply = await world.http.post("/api/v1/monitors", json={"name": "API", "check": "https://a.example.com/health"})
    assert reply.status_code == 201, reply.text
    made = reply.json()
    assert reply.headers["Location"] == f"/api/v1/monitors/{made['id']}"
    assert made["number"] == 1
    assert made["check"]["type"] == "http"
    assert made["check"]["url"] == "https://a.example.com/health"
    assert made["check"]["timeout"] == 10_000
    assert made["check"]["expected_status"] == {"kind": "exact", "value": 200}
    assert (made["interval"], made["confirmations"], made["region_policy"]) == (60, 2, "majority")
    assert (made["renotify_interval_secs"], made["max_repeats"], made["severity"]) == (3600, 10, "major")
    assert made["regions"] == ["eu", "us"]
    assert (made["enabled"], made["alerts"], made["tags"], made["key"]) == (True, [], [], None)
    assert made["write_source"] == "api"
    assert made["state"]["shown"] == made["state"]["verdict"] == "unknown"
    assert made["state"]["last_result_at"] is None
    assert [region["region"] for region in made["state"]["regions"]] == ["eu", "us"]


async def test_reading_answers_what_creating_answered(world: World) -> None:
    made = await world.monitor(check={"type": "http", "url": "https://a.example.com/", "method": "HEAD"}, tags=["prod"])
    made.pop("warnings")
    assert await world.get(f"/monitors/{made['id']}") == made


async def test_both_forms_of_a_check_make_the_same_monitor(world: World) -> None:
    text = await world.monitor(check="https://a.example.com/x")
    tagged = await world.monitor(check={"type": "http", "url": "https://a.example.com/x"})
    assert text["check"] == tagged["check"]


async def test_numbers_count_up_per_tenant(world: World) -> None:
    assert [(await world.monitor())["number"] for _ in range(3)] == [1, 2, 3]
    reply = await world.stranger.post("/api/v1/monitors", json={"name": "B", "check": "https://b.example.com/"})
    assert reply.json()["number"] == 1


async def test_a_creation_warns_of_silence_and_of_twins(world: World) -> None:
    first = await world.monitor(name="First")
    second = await world.monitor(name="Second")
    assert [warning["code"] for warning in first["warnings"]] == ["NO_LIVE_AGENT"]
    assert [warning["code"] for warning in second["warnings"]] == ["DUPLICATE_URL", "NO_LIVE_AGENT"]


async def test_a_live_agent_leaves_nothing_to_warn_of(world: World) -> None:
    async with world.database.app() as conn:
        await seed.an_agent(conn, world.regions["us"])
    assert (await world.monitor())["warnings"] == []


async def test_defaults_are_the_regions_selected_by_default_and_enabled(world: World) -> None:
    async with world.database.app() as conn:
        await conn.execute("UPDATE regions SET selected_by_default = false WHERE slug = 'us'")
        await seed.a_region(conn, "home", world.tenant_id)
        await seed.a_region(conn, "theirs", world.stranger_id)
    assert (await world.monitor())["regions"] == ["eu", "home"]


async def test_assignments_are_staggered_and_votes_left_to_the_lanes(world: World) -> None:
    made = await world.monitor(interval=60, check={"type": "http", "url": "https://a.example.com/", "timeout": 5000})
    rows = await world.rows("SELECT * FROM assignments ORDER BY region_id")
    assert [row["region_id"] for row in rows] == sorted(world.regions.values())
    assert (rows[1]["phase_ms"] - rows[0]["phase_ms"]) % 60_000 == 30_000
    assert {row["window_ms"] for row in rows} == {2 * 60_000 + 5_000 + 30_000}
    assert {row["tenant_id"] for row in rows} == {world.tenant_id}
    assert {row["monitor_id"] for row in rows} == {UUID(made["id"])}
    assert await world.rows("SELECT * FROM votes") == []


async def test_the_list_filters_sorts_and_pages(world: World) -> None:
    for name, tags in (("alpha", ["prod"]), ("beta", ["prod", "db"]), ("gamma", [])):
        await world.monitor(name=name, tags=tags, group="g" if name == "beta" else None)
    await world.monitor(name="delta", enabled=False, check="https://other.example.com/DEEP")

    async def names(query: str) -> list[str]:
        return [item["name"] for item in (await world.get(f"/monitors?{query}"))["items"]]

    assert await names("") == ["alpha", "beta", "gamma", "delta"]
    assert await names("sort=-name") == ["gamma", "delta", "beta", "alpha"]
    assert await names("tag=prod&sort=name") == ["alpha", "beta"]
    assert await names("q=deep") == ["delta"]
    assert await names("enabled=false") == ["delta"]
    assert await names("group=g") == ["beta"]
    assert await names("verdict=up") == []
    assert await names("kind=http&limit=2&offset=1") == ["beta", "gamma"]
    page = await world.http.get("/api/v1/monitors?limit=2")
    assert page.json()["total"] == 4
    assert 'rel="next"' in page.headers["Link"]


@pytest.mark.parametrize(
    ("query", "code"),
    [("limit=0", "INVALID_LIMIT"), ("offset=-1", "INVALID_OFFSET"), ("verdict=UP", "INVALID_VERDICT"),
     ("sort=id", "INVALID_SORT"), ("nope=1", "UNKNOWN_PARAMETER")],
)  # fmt: skip
async def test_a_bad_query_is_refused(world: World, query: str, code: str) -> None:
    reply = await world.http.get(f"/api/v1/monitors?{query}")
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, code)


async def test_if_match_guards_a_change(world: World) -> None:
    made = await world.monitor()
    path = f"/api/v1/monitors/{made['id']}"
    tag = (await world.http.get(path)).headers["ETag"]
    changed = await world.http.patch(path, json={"name": "B"}, headers={"If-Match": tag})
    assert changed.status_code == 200
    assert changed.headers["ETag"] != tag
    refused = await world.http.patch(path, json={"name": "C"}, headers={"If-Match": tag})
    assert (refused.status_code, refused.json()["error"]["code"]) == (412, "PRECONDITION_FAILED")
    for method, each in (("DELETE", path), ("POST", f"{path}/pause"), ("POST", f"{path}/resume")):
        assert (await world.http.request(method, each, headers={"If-Match": tag})).status_code == 412
    assert (await world.get(f"/monitors/{made['id']}"))["name"] == "B"


async def test_two_changes_at_once_are_both_kept(world: World) -> None:
    made = await world.monitor()
    path = f"/api/v1/monitors/{made['id']}"
    bodies: list[dict[str, object]] = [
        {"name": "N"},
        {"notes": "x"},
        {"owner": "o"},
        {"tags": ["t"]},
        {"severity": "minor"},
        {"interval": 30},
    ]
    replies = await asyncio.gather(*(world.http.patch(path, json=body) for body in bodies))
    assert {reply.status_code for reply in replies} == {200}
    after = await world.get(f"/monitors/{made['id']}")
    for body in bodies:
        for field, value in body.items():
            assert after[field] == value


async def test_of_two_changes_of_one_revision_one_wins(world: World) -> None:
    made = await world.monitor()
    path = f"/api/v1/monitors/{made['id']}"
    tag = (await world.http.get(path)).headers["ETag"]
    replies = await asyncio.gather(
        *(world.http.patch(path, json={"name": f"N{i}"}, headers={"If-Match": tag}) for i in range(4))
    )
    assert sorted(reply.status_code for reply in replies) == [200, 412, 412, 412]


async def test_null_clears_and_absence_keeps(world: World) -> None:
    made = await world.monitor(
        tags=["a"],
        group="g",
        notes="n",
        owner="o",
        severity="critical",
        region_policy={"count": 1},
        interval=30,
        key="k",
    )
    path = f"/api/v1/monitors/{made['id']}"
    kept = (await world.http.patch(path, json={"name": "New"})).json()
    assert (kept["tags"], kept["group"], kept["severity"], kept["region_policy"]) == (
        ["a"],
        "g",
        "critical",
        {"count": 1},
    )
    cleared = await world.http.patch(
        path,
        json={"tags": None, "group": None, "notes": None, "owner": None, "severity": None, "region_policy": None,
              "interval": None, "key": None},
    )  # fmt: skip
    assert cleared.status_code == 200, cleared.text
    after = cleared.json()
    assert (after["tags"], after["group"], after["notes"], after["owner"]) == ([], None, None, None)
    assert (after["severity"], after["region_policy"], after["interval"], after["key"]) == (
        "major",
        "majority",
        60,
        None,
    )


async def test_a_check_is_merged_and_a_string_replaces_it(world: World) -> None:
    made = await world.monitor(
        check={
            "type": "http",
            "url": "https://a.example.com/",
            "method": "HEAD",
            "headers": {"Accept": "a", "X-B": "b"},
        }
    )
    path = f"/api/v1/monitors/{made['id']}"
    merged = (await world.http.patch(path, json={"check": {"timeout": 2000, "headers": {"X-B": None}}})).json()["check"]
    assert (merged["method"], merged["timeout"], merged["headers"]) == ("HEAD", 2000, {"Accept": "a"})
    replaced = (await world.http.patch(path, json={"check": "https://b.example.com/"})).json()["check"]
    assert (replaced["url"], replaced["method"], replaced["headers"]) == ("https://b.example.com/", "GET", {})
    refused = await world.http.patch(path, json={"check": {"type": "tcp", "host": "a.example", "port": 1}})
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "CHECK_KIND_IMMUTABLE")


async def test_what_the_agents_must_see_makes_a_new_check_version(world: World) -> None:
    made = await world.monitor()
    path = f"/api/v1/monitors/{made['id']}"

    async def version() -> tuple[int, int, list[int]]:
        row = (await world.rows("SELECT check_version, first_slot FROM monitors"))[0]
        rows = await world.rows("SELECT check_version FROM assignments WHERE removed_at IS NULL ORDER BY change")
        return row["check_version"], row["first_slot"], [each["check_version"] for each in rows]

    _, first, _ = await version()
    for same in ({"name": "x"}, {"region_policy": "any"}, {"confirmations": 5}, {"tags": ["t"]}, {"interval": 60}):
        assert (await world.http.patch(path, json=same)).status_code == 200
    assert await version() == (1, first, [1, 1])
    changes: list[dict[str, object]] = [{"interval": 30}, {"check": {"timeout": 1000}}, {"regions": ["eu"]}]
    for number, body in enumerate(changes, 2):
        assert (await world.http.patch(path, json=body)).status_code == 200
        now, slot, assigned = await version()
        assert (now, set(assigned)) == (number, {number})
        assert slot >= first


async def test_a_change_that_changes_nothing_writes_nothing(world: World) -> None:
    made = await world.monitor(tags=["a"])
    before = await world.fingerprint()
    reply = await world.http.patch(f"/api/v1/monitors/{made['id']}", json={"tags": ["a"], "interval": 60, "check": {}})
    assert reply.status_code == 200
    assert await world.fingerprint() == before


async def test_regions_are_put_and_leave_tombstones(world: World) -> None:
    made = await world.monitor()
    path = f"/api/v1/monitors/{made['id']}/regions"
    assert (await world.get(f"/monitors/{made['id']}/regions"))["regions"] == ["eu", "us"]
    reply = await world.http.put(path, json={"regions": ["us"]})
    assert reply.json()["regions"] == ["us"]
    assert {each["id"]: each["selected"] for each in reply.json()["available"]} == {"eu": False, "us": True}
    rows = await world.rows("SELECT region_id, removed_at, change FROM assignments ORDER BY region_id")
    assert [row["removed_at"] is None for row in rows] == [False, True]
    assert min(row["change"] for row in rows) > 2
    again = await world.http.put(path, json={"regions": ["eu", "us"]})
    assert again.json()["regions"] == ["eu", "us"]
    assert await world.rows("SELECT * FROM assignments WHERE removed_at IS NOT NULL") == []


@pytest.mark.parametrize(
    ("regions", "status", "code"),
    [([], 422, "INVALID_REGIONS"), (["nowhere"], 422, "INVALID_REGIONS"), (["eu", "eu"], 422, "INVALID_REGIONS"),
     ("eu", 400, "INVALID_TYPE"), ([1], 400, "INVALID_TYPE")],
)  # fmt: skip
async def test_regions_that_cannot_be_are_refused(world: World, regions: object, status: int, code: str) -> None:
    made = await world.monitor()
    before = await world.fingerprint()
    reply = await world.http.put(f"/api/v1/monitors/{made['id']}/regions", json={"regions": regions})
    assert (reply.status_code, reply.json()["error"]["code"]) == (status, code)
    assert await world.fingerprint() == before


async def test_another_tenants_private_region_does_not_exist(world: World) -> None:
    async with world.database.app() as conn:
        await seed.a_region(conn, "theirs", world.stranger_id)
    made = await world.monitor()
    reply = await world.http.put(f"/api/v1/monitors/{made['id']}/regions", json={"regions": ["theirs"]})
    assert (reply.status_code, reply.json()["error"]["code"]) == (422, "INVALID_REGIONS")
    assert "theirs" not in str(await world.get(f"/monitors/{made['id']}/regions"))
