"""Private regions and their agents, kept by the tenant itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from control_plane.agent_api import ROUTES as AGENT_ROUTES
from control_plane.store.pool import Database
from control_plane.tenant_api import ROUTES
from tests.support import seed
from tests.support.door import Served, an_api_key, serving

SCOPES = ("regions:read", "regions:write", "monitors:read", "monitors:write", "audit:read")
OFFICE = {"id": "office", "name": "Office", "city": "Leeds", "country": "GB", "allow_cidrs": ["10.0.0.0/8"]}
HELLO = {"version": "1.0", "protocols": [1], "capabilities": [], "boot_id": "0197a2f0-0000-7000-8000-000000000001"}


@pytest.fixture
async def door(database: Database) -> AsyncIterator[Served]:
    async with serving(database, (*ROUTES, *AGENT_ROUTES)) as served:
        yield served


@pytest.fixture
async def http(database: Database, door: Served) -> AsyncIterator[httpx.AsyncClient]:
    async with database.app_transaction() as conn:
        await seed.a_region(conn, "eu")
        key = await an_api_key(conn, await seed.a_tenant(conn), *SCOPES)
    async with door.client(key) as client:
        yield client


@pytest.fixture
async def stranger(database: Database, door: Served) -> AsyncIterator[httpx.AsyncClient]:
    async with database.app_transaction() as conn:
        key = await an_api_key(conn, await seed.a_tenant(conn, "Other"), *SCOPES)
    async with door.client(key) as client:
        yield client


async def made(http: httpx.AsyncClient, path: str, body: dict[str, Any]) -> dict[str, Any]:
    reply = await http.post(f"/api/v1{path}", json=body)
    assert reply.status_code == 201, reply.text
    told: dict[str, Any] = reply.json()
    assert (await http.get(reply.headers["Location"])).json()["id"] == told["id"]
    return told


def refusal(reply: httpx.Response) -> tuple[int, str]:
    return reply.status_code, reply.json()["error"]["code"]


async def test_a_tenant_makes_changes_and_removes_a_region(http: httpx.AsyncClient) -> None:
    region = await made(http, "/regions", OFFICE)
    assert (region["private"], region["city"], region["health"]["status"]) == (True, "Leeds", "empty")
    assert region["allow_cidrs"] == ["10.0.0.0/8"]
    path = "/api/v1/regions/office"
    tag = (await http.get(path)).headers["ETag"]
    changed = await http.patch(path, json={"city": None, "labels": {"floor": "2"}}, headers={"If-Match": tag})
    assert (changed.json()["city"], changed.json()["name"]) == (None, "Office")
    assert changed.json()["labels"] == {"floor": "2"}
    assert refusal(await http.patch(path, json={"name": "X"}, headers={"If-Match": tag})) == (
        412,
        "PRECONDITION_FAILED",
    )
    assert refusal(await http.delete(path, headers={"If-Match": tag})) == (412, "PRECONDITION_FAILED")
    assert (await http.patch(path, json={"allow_cidrs": None})).json()["allow_cidrs"] == []
    assert (await http.delete(path)).status_code == 204
    assert refusal(await http.get(path)) == (404, "REGION_NOT_FOUND")


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({"id": "Über"}, "INVALID_ID", "/id"),
        ({"id": "a b"}, "INVALID_ID", "/id"),
        ({"id": "x" * 41}, "INVALID_ID", "/id"),
        ({"allow_cidrs": ["10.1.2.3/8"]}, "INVALID_ALLOW_CIDRS", "/allow_cidrs/0"),
        ({"allow_cidrs": ["everything"]}, "INVALID_ALLOW_CIDRS", "/allow_cidrs/0"),
        ({"latitude": 91}, "INVALID_LATITUDE", "/latitude"),
        ({"tenant_id": "0197a2f0-0000-7000-8000-000000000001"}, "UNKNOWN_FIELD", "/tenant_id"),
    ],
)
async def test_a_bad_region_is_refused_by_its_field(
    http: httpx.AsyncClient, body: dict[str, Any], code: str, field: str
) -> None:
    reply = await http.post("/api/v1/regions", json={**OFFICE, **body})
    assert refusal(reply) == (400, code)
    assert reply.json()["error"]["field"] == field
    assert (await http.get("/api/v1/regions?private=true")).json()["total"] == 0


async def test_a_shared_region_is_shown_and_not_written(http: httpx.AsyncClient) -> None:
    path = "/api/v1/regions/eu"
    assert (await http.get(path)).json()["private"] is False
    for reply in (
        await http.patch(path, json={"name": "Mine"}),
        await http.delete(path),
        await http.get(f"{path}/agents"),
        await http.post(f"{path}/agents", json={"name": "a1"}),
    ):
        assert refusal(reply) == (403, "REGION_SHARED")
    assert refusal(await http.post("/api/v1/regions", json={**OFFICE, "id": "eu"})) == (409, "ID_TAKEN")


async def test_another_tenants_region_does_not_exist(http: httpx.AsyncClient, stranger: httpx.AsyncClient) -> None:
    await made(http, "/regions", OFFICE)
    agent = await made(http, "/regions/office/agents", {"name": "office-1"})
    path = "/api/v1/regions/office"
    one = f"{path}/agents/{agent['id']}"
    for reply in (
        await stranger.get(path),
        await stranger.patch(path, json={"name": "Mine"}),
        await stranger.delete(path),
        await stranger.get(f"{path}/agents"),
        await stranger.post(f"{path}/agents", json={"name": "mine"}),
        await stranger.get(one),
        await stranger.patch(one, json={"enabled": False}),
        await stranger.post(f"{one}/rotate"),
        await stranger.delete(one),
    ):
        assert refusal(reply) == (404, "REGION_NOT_FOUND")
    assert [item["id"] for item in (await stranger.get("/api/v1/regions")).json()["items"]] == ["eu"]
    assert (await http.get(one)).json()["enabled"] is True


async def test_an_agent_is_registered_renamed_disabled_and_removed(http: httpx.AsyncClient, door: Served) -> None:
    await made(http, "/regions", OFFICE)
    agent = await made(http, "/regions/office/agents", {"name": "office-1"})
    one = f"/api/v1/regions/office/agents/{agent['id']}"
    shown = await http.get(one)
    assert agent["key"].startswith("fw_probe_")
    assert agent["key"] not in shown.text + (await http.get("/api/v1/regions/office/agents")).text
    assert refusal(await http.post("/api/v1/regions/office/agents", json={"name": "office-1"})) == (409, "NAME_TAKEN")
    changed = await http.patch(one, json={"name": "desk", "enabled": False})
    assert (changed.json()["name"], changed.json()["enabled"]) == ("desk", False)
    stale = await http.patch(one, json={"name": "late"}, headers={"If-Match": shown.headers["ETag"]})
    assert refusal(stale) == (412, "PRECONDITION_FAILED")
    async with door.client(agent["key"]) as probe:
        assert refusal(await probe.post("/api/agent/v1/hello", json=HELLO)) == (403, "AGENT_DISABLED")
        await http.patch(one, json={"enabled": True})
        assert (await probe.post("/api/agent/v1/hello", json=HELLO)).json()["region"]["id"] == "office"
    await http.patch(one, json={"enabled": False})
    assert refusal(await http.patch(one, json={"region": "eu"})) == (400, "UNKNOWN_FIELD")
    assert (await http.get("/api/v1/regions/office/agents?enabled=false&q=DES")).json()["total"] == 1
    assert (await http.delete(one)).status_code == 204
    assert refusal(await http.get(one)) == (404, "AGENT_NOT_FOUND")
    kinds = {entry["object_kind"] for entry in (await http.get("/api/v1/audit")).json()["items"]}
    assert {"region", "agent"} <= kinds, "what a tenant does with its agents is in its own audit log"


async def test_a_rotated_probe_key_overlaps_with_the_new_one(http: httpx.AsyncClient, door: Served) -> None:
    await made(http, "/regions", OFFICE)
    agent = await made(http, "/regions/office/agents", {"name": "office-1"})
    rotated = (await http.post(f"/api/v1/regions/office/agents/{agent['id']}/rotate")).json()
    assert rotated["key"] != agent["key"]
    assert rotated["previous_key_until"] is not None
    for key in (agent["key"], rotated["key"]):
        async with door.client(key) as probe:
            assert (await probe.post("/api/agent/v1/hello", json=HELLO)).status_code == 200


async def test_a_removed_region_leaves_every_monitor_and_its_agents_are_let_in_no_more(
    http: httpx.AsyncClient, door: Served
) -> None:
    await made(http, "/regions", OFFICE)
    agent = await made(http, "/regions/office/agents", {"name": "office-1"})
    check = "http://10.1.2.3/"
    inside = await made(http, "/monitors", {"name": "Inside", "check": check, "regions": ["office"]})
    both = await made(
        http, "/monitors", {"name": "Both", "check": "https://a.example.com/", "regions": ["office", "eu"]}
    )
    assert (await http.get("/api/v1/monitors?region=office")).json()["total"] == 2
    assert (await http.delete("/api/v1/regions/office")).status_code == 204
    assert (await http.get(f"/api/v1/monitors/{inside['id']}")).json()["regions"] == []
    assert (await http.get(f"/api/v1/monitors/{both['id']}")).json()["regions"] == ["eu"]
    async with door.client(agent["key"]) as probe:
        assert (await probe.post("/api/agent/v1/hello", json=HELLO)).status_code == 401
    actions = [(entry["object_kind"], entry["action"]) for entry in (await http.get("/api/v1/audit")).json()["items"]]
    assert ("region", "deleted") in actions
    assert ("agent", "deleted") in actions


async def test_a_plan_bounds_regions_and_their_agents(http: httpx.AsyncClient, database: Database) -> None:
    async with database.app() as conn:
        await conn.execute("UPDATE tenants SET plan = 'free'")
    answers = [await http.post("/api/v1/regions", json={**OFFICE, "id": f"office-{n}"}) for n in range(4)]
    assert [answer.status_code for answer in answers] == [201, 201, 201, 422]
    error = answers[-1].json()["error"]
    assert error["details"] == {"quota": "private_regions", "current": 3, "limit": 3, "plan": "free"}


async def test_the_catalogue_is_searched(http: httpx.AsyncClient) -> None:
    await made(http, "/regions", OFFICE)
    for query, ids in {
        "q=leeds": ["office"],
        "q=EU": ["eu"],
        "private=false": ["eu"],
        "private=true": ["office"],
    }.items():
        items = (await http.get(f"/api/v1/regions?{query}")).json()["items"]
        assert [item["id"] for item in items] == ids, query


async def test_two_tenants_have_a_region_of_one_id_and_neither_learns_of_the_other(
    http: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    await made(http, "/regions", OFFICE)
    theirs = await made(stranger, "/regions", {**OFFICE, "name": "Elsewhere", "city": "Cork"})
    await made(stranger, "/regions/office/agents", {"name": "a1"})
    assert theirs["city"] == "Cork"
    assert (await http.get("/api/v1/regions/office/agents")).json()["items"] == []
    assert refusal(await stranger.post("/api/v1/regions", json=OFFICE)) == (409, "ID_TAKEN")
    check = {"name": "Printer", "check": "https://printer.example.com/", "regions": ["office"]}
    monitor = await made(http, "/monitors", check)
    assert (await stranger.delete("/api/v1/regions/office")).status_code == 204
    assert (await http.get(f"/api/v1/monitors/{monitor['id']}")).json()["regions"] == ["office"]
    assert (await http.get("/api/v1/regions/office")).json()["name"] == "Office"
