from __future__ import annotations

from typing import Any

import pytest

from control_plane.store.pool import Database
from tests.support import seed
from tests.support.serving import ControlPlane
from tests.support.waiting import until_async

EU = {"id": "eu-west", "name": "Europe, west", "city": "Dublin", "country": "IE", "latitude": 53.3, "longitude": -6.2}


async def test_a_region_is_made_read_changed_and_removed(served: ControlPlane) -> None:
    async with served.operator() as client:
        made = await client.post("/operator/regions", json=EU | {"labels": {"provider": "x"}})
        assert made.status_code == 201, made.text
        assert made.json()["health"] == {"status": "empty", "agents": 0, "live": 0, "healthy": 0}
        path = made.headers["Location"]
        changed = (await client.patch(path, json={"city": None, "enabled": False})).json()
        assert (changed["city"], changed["country"], changed["health"]["status"]) == (None, "IE", "disabled")
        assert (await client.delete(path)).status_code == 204
        assert (await client.get(path)).json()["error"]["code"] == "REGION_NOT_FOUND"


@pytest.mark.parametrize(
    ("over", "status", "code"),
    [
        ({"id": "Not A Slug"}, 400, "INVALID_ID"),
        ({"latitude": 91}, 400, "INVALID_LATITUDE"),
        ({"longitude": "west"}, 400, "INVALID_TYPE"),
        ({"allow_cidrs": ["127.0.0.0/8"]}, 422, "REFUSED"),
        ({"allow_cidrs": ["nonsense"]}, 400, "INVALID_ALLOW_CIDRS"),
        ({"allow_cidrs": ["10.0.0.1/8"]}, 400, "INVALID_ALLOW_CIDRS"),
        ({"tenant_id": "0197a2f0-0000-7000-8000-000000000000"}, 404, "TENANT_NOT_FOUND"),
        ({"name": None}, 400, "INVALID_TYPE"),
    ],
)
async def test_a_bad_region_is_refused(served: ControlPlane, over: dict[str, Any], status: int, code: str) -> None:
    async with served.operator() as client:
        response = await client.post("/operator/regions", json=EU | over)
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)


async def test_a_private_region_may_reach_private_addresses(served: ControlPlane) -> None:
    body = EU | {"tenant_id": str(served.home.tenant_id), "allow_cidrs": ["127.0.0.0/8", "::1/128"]}
    async with served.operator() as client:
        made = await client.post("/operator/regions", json=body)
    assert made.json()["private"] is True
    assert made.json()["allow_cidrs"] == ["127.0.0.0/8", "::1/128"]


async def test_two_regions_of_one_id_are_refused(served: ControlPlane) -> None:
    async with served.operator() as client:
        await client.post("/operator/regions", json=EU)
        again = await client.post("/operator/regions", json=EU)
    assert (again.status_code, again.json()["error"]["code"]) == (409, "ID_TAKEN")


async def test_removing_a_region_takes_it_out_of_its_monitors_and_judges_them(
    served: ControlPlane, database: Database
) -> None:
    async with database.app() as conn:
        tenant_id = await seed.a_tenant(conn)
        eu, us = await seed.a_region(conn, "eu"), await seed.a_region(conn, "us")
        monitor_id = await seed.a_monitor(conn, tenant_id, [eu, us])
    async with served.operator() as client:
        assert (await client.delete("/operator/regions/eu")).status_code == 204
    async with database.app() as conn:
        assert await conn.fetchval("SELECT regions FROM monitors WHERE id = $1", monitor_id) == [us]
        assert await conn.fetchval("SELECT assigned FROM monitor_states WHERE monitor_id = $1", monitor_id) == 1
        assert await conn.fetchval("SELECT count(*) FROM assignments WHERE monitor_id = $1", monitor_id) == 1


async def test_an_agent_is_made_and_its_key_works_at_once(served: ControlPlane) -> None:
    async with served.operator() as client:
        await client.post("/operator/regions", json=EU)
        made = await client.post("/operator/agents", json={"region": "eu-west", "name": "dub-1"})
        assert made.status_code == 201, made.text
        listed = (await client.get("/operator/agents?region=eu-west")).json()
        assert [agent["name"] for agent in listed["items"]] == ["dub-1"]
        assert made.json()["key"] not in str(listed)
        assert (await client.get("/operator/agents?region=other")).json()["total"] == 0
    async with served.client(made.json()["key"]) as agent:
        assert (await agent.get("/api/agent/v1/assignments")).status_code == 200


async def test_an_agent_needs_a_region_and_a_name_of_its_own(served: ControlPlane) -> None:
    async with served.operator() as client:
        await client.post("/operator/regions", json=EU)
        lost = await client.post("/operator/agents", json={"region": "nowhere", "name": "dub-1"})
        assert (lost.status_code, lost.json()["error"]["field"]) == (404, "/region")
        await client.post("/operator/agents", json={"region": "eu-west", "name": "dub-1"})
        twin = await client.post("/operator/agents", json={"region": "eu-west", "name": "dub-1"})
        assert (twin.status_code, twin.json()["error"]["code"]) == (409, "NAME_TAKEN")


async def test_a_rotated_probe_key_overlaps_for_five_minutes(served: ControlPlane, database: Database) -> None:
    async with served.operator() as client:
        await client.post("/operator/regions", json=EU)
        first = (await client.post("/operator/agents", json={"region": "eu-west", "name": "dub-1"})).json()
        second = (await client.post(f"/operator/agents/{first['id']}/rotate")).json()
        assert second["previous_key_until"]
    async with served.client(first["key"]) as old, served.client(second["key"]) as new:
        for client in (old, new):
            assert (await client.get("/api/agent/v1/assignments")).status_code == 200
        async with database.app() as conn:
            await conn.execute("UPDATE agents SET previous_key_until = now()")

        async def old_is_refused() -> bool:
            return (await old.get("/api/agent/v1/assignments")).status_code == 401

        await until_async(old_is_refused, "the old key is refused", timeout=6)
        assert (await new.get("/api/agent/v1/assignments")).status_code == 200


async def test_a_removed_agent_is_unknown(served: ControlPlane) -> None:
    async with served.operator() as client:
        await client.post("/operator/regions", json=EU)
        agent = (await client.post("/operator/agents", json={"region": "eu-west", "name": "dub-1"})).json()
        path = f"/operator/agents/{agent['id']}"
        assert (await client.delete(path)).status_code == 204
        gone = [await client.get(path), await client.delete(path), await client.post(f"{path}/rotate")]
        gone += [await client.post(f"{path}/{verb}") for verb in ("enable", "disable")]
    assert {(answer.status_code, answer.json()["error"]["code"]) for answer in gone} == {(404, "AGENT_NOT_FOUND")}


async def test_a_private_region_is_named_with_its_tenant_where_several_have_that_id(served: ControlPlane) -> None:
    async with served.operator() as client:
        other = (await client.post("/operator/tenants", json={"name": "Other"})).json()["id"]
        places = []
        for tenant_id in (str(served.home.tenant_id), other):
            made = await client.post("/operator/regions", json=EU | {"tenant_id": tenant_id})
            places.append(made.headers["Location"])
        shared = await client.post("/operator/regions", json=EU)
        unclear = await client.patch("/operator/regions/eu-west", json={"city": "Galway"})
        agent = await client.post("/operator/agents", json={"region": f"{other}:eu-west", "name": "a1"})
        listed = (await client.get("/operator/fleet", params={"region": f"{other}:eu-west"})).json()["items"]
        await client.patch(places[1], json={"city": "Galway"})
        cities = [(await client.get(place)).json()["city"] for place in places]
        assert (await client.delete(places[0])).status_code == 204
        alone = await client.get("/operator/regions/eu-west")
    assert (shared.status_code, shared.json()["error"]["code"]) == (409, "ID_TAKEN")
    assert (unclear.status_code, unclear.json()["error"]["code"]) == (409, "REGION_AMBIGUOUS")
    assert [one["id"] for one in listed] == [agent.json()["id"]]
    assert cities == ["Dublin", "Galway"]
    assert alone.json()["tenant_id"] == other
