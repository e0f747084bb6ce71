from __future__ import annotations

import asyncio

from control_plane.store.pool import Database
from tests.support import seed
from tests.support.people import a_house
from tests.support.serving import ControlPlane

SET_FREE = "UPDATE tenants SET plan = 'free'"
OVERLAP_LEFT = "SELECT extract(epoch FROM expires_at - now())::integer FROM api_keys WHERE expires_at IS NOT NULL"
MOVE = "UPDATE api_keys SET expires_at = now() + $1::text::interval WHERE expires_at IS NOT NULL"


async def test_a_key_is_shown_once(served: ControlPlane) -> None:
    async with served.tenant() as client:
        made = (await client.post("/api/v1/keys", json={"label": "deploy"})).json()
        listed = (await client.get("/api/v1/keys")).json()
    assert made["key"].startswith(made["prefix"])
    assert made["key"] not in str(listed)
    assert [key["label"] for key in listed["items"]] == ["First key", "deploy"]


async def test_a_key_without_scopes_of_its_own_has_those_of_its_maker(served: ControlPlane) -> None:
    async with served.tenant() as client:
        maker = (await client.post("/api/v1/keys", json={"label": "maker", "scopes": ["keys:write"]})).json()
    async with served.client(maker["key"]) as client:
        assert (await client.post("/api/v1/keys", json={"label": "made"})).json()["scopes"] == ["keys:write"]


async def test_no_key_hands_on_what_it_may_not(served: ControlPlane) -> None:
    async with served.tenant() as client:
        home = (await client.get("/api/v1/keys")).json()["items"][0]
        maker = (await client.post("/api/v1/keys", json={"label": "maker", "scopes": ["keys:write"]})).json()
    async with served.client(maker["key"]) as client:
        made = await client.post("/api/v1/keys", json={"label": "bigger", "scopes": ["monitors:write"]})
        rotated = await client.post(f"/api/v1/keys/{home['id']}/rotate")
    for answer in (made, rotated):
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "MISSING_SCOPE")


async def test_the_last_key_stays(served: ControlPlane) -> None:
    async with served.tenant() as client:
        key_id = (await client.get("/api/v1/keys")).json()["items"][0]["id"]
        refused = await client.delete(f"/api/v1/keys/{key_id}")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "LAST_KEY")


async def test_the_last_key_that_makes_keys_stays_beside_one_that_does_not(served: ControlPlane) -> None:
    async with served.tenant() as client:
        reader = (await client.post("/api/v1/keys", json={"label": "reader", "scopes": ["keys:read"]})).json()
        first = (await client.get("/api/v1/keys")).json()["items"][0]["id"]
        refused = await client.delete(f"/api/v1/keys/{first}")
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "LAST_KEY")
        assert "keys:write" in refused.json()["error"]["message"]
        assert (await client.delete(f"/api/v1/keys/{reader['id']}")).status_code == 204


async def test_a_key_that_is_about_to_expire_is_no_way_in(served: ControlPlane) -> None:
    async with served.tenant() as client:
        second = (await client.post("/api/v1/keys", json={"label": "second"})).json()
        await client.post("/api/v1/keys", json={"label": "reader", "scopes": ["keys:read"]})
        first, _, _ = (await client.get("/api/v1/keys")).json()["items"]
        new = (await client.post(f"/api/v1/keys/{second['id']}/rotate")).json()
        assert (await client.delete(f"/api/v1/keys/{new['id']}")).status_code == 204
        refused = await client.delete(f"/api/v1/keys/{first['id']}")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "LAST_KEY")


async def test_an_owner_is_way_enough_into_a_tenant(database: Database) -> None:
    async with a_house(database) as house, house.owner() as owner:
        home = (await owner.api("GET", "/keys")).json()["items"][0]["id"]
        assert (await owner.api("DELETE", f"/keys/{home}")).status_code == 204
        made = await owner.api("POST", "/keys", {"label": "another"})
        assert made.status_code == 201, made.text


async def test_two_keys_deleted_at_once_leave_one_that_makes_keys(served: ControlPlane) -> None:
    async with served.tenant() as client:
        second = (await client.post("/api/v1/keys", json={"label": "second"})).json()
        await client.post("/api/v1/keys", json={"label": "reader", "scopes": ["keys:read"]})
        home = (await client.get("/api/v1/keys")).json()["items"][0]["id"]
        first = (await client.post(f"/api/v1/keys/{home}/rotate")).json()  # the key that asks is about to expire
        both = [first["id"], second["id"]]
        answers = await asyncio.gather(*(client.delete(f"/api/v1/keys/{id_}") for id_ in both))
        left = {key["id"] for key in (await client.get("/api/v1/keys")).json()["items"]}
    assert sorted(answer.status_code for answer in answers) == [204, 409]
    assert len(left & set(both)) == 1


async def test_a_rotated_key_counts_for_five_more_minutes(served: ControlPlane, database: Database) -> None:
    async with served.tenant() as client:
        key_id = (await client.get("/api/v1/keys")).json()["items"][0]["id"]
        rotated = await client.post(f"/api/v1/keys/{key_id}/rotate")
        assert rotated.status_code == 201
        again = await client.post(f"/api/v1/keys/{key_id}/rotate")
        assert (again.status_code, again.json()["error"]["code"]) == (409, "KEY_EXPIRING")
    async with database.app() as conn:
        assert 290 <= await conn.fetchval(OVERLAP_LEFT) <= 300
    async with served.client(rotated.json()["key"]) as client:
        assert (await client.get("/api/v1/me")).json()["key"]["label"] == "First key"
        last = await client.delete(f"/api/v1/keys/{rotated.json()['id']}")
        assert last.json()["error"]["code"] == "LAST_KEY", "the one that is about to expire is none"


async def test_a_key_ends_with_its_overlap(served: ControlPlane, database: Database) -> None:
    async with served.tenant() as maker:
        made = (await maker.post("/api/v1/keys", json={"label": "second"})).json()
        await maker.post(f"/api/v1/keys/{made['id']}/rotate")
    async with served.client(made["key"]) as client:
        async with database.app() as conn:
            await conn.execute(MOVE, "1 second")
        assert (await client.get("/api/v1/me")).status_code == 200
        async with database.app() as conn:
            await conn.execute("SELECT pg_sleep(1)")
        assert (await client.get("/api/v1/me")).status_code == 401


async def test_the_plan_bounds_the_number_of_keys(served: ControlPlane, database: Database) -> None:
    async with database.app() as conn:
        await conn.execute(SET_FREE)
    async with served.tenant() as client:
        answers = [await client.post("/api/v1/keys", json={"label": f"key {n}"}) for n in range(10)]
    assert [answer.status_code for answer in answers] == [201] * 9 + [422]
    error = answers[-1].json()["error"]
    assert error["code"] == "QUOTA_EXCEEDED"
    assert error["details"] == {"quota": "keys", "current": 10, "limit": 10, "plan": "free"}


async def test_another_tenants_key_does_not_exist(served: ControlPlane) -> None:
    async with served.operator() as operator:
        tenant = (await operator.post("/operator/tenants", json={"name": "Acme"})).json()
        path = f"/operator/tenants/{tenant['id']}/keys"
        foreign = (await operator.post(path, json={"label": "theirs"})).json()
    async with served.tenant() as client:
        for answer in (
            await client.delete(f"/api/v1/keys/{foreign['id']}"),
            await client.post(f"/api/v1/keys/{foreign['id']}/rotate"),
            await client.delete(f"/api/v1/keys/{seed.new_id()}"),
        ):
            assert (answer.status_code, answer.json()["error"]["code"]) == (404, "KEY_NOT_FOUND")


async def test_use_of_a_key_is_noted(served: ControlPlane) -> None:
    async with served.tenant() as client:
        assert (await client.get("/api/v1/keys")).json()["items"][0]["last_used_at"] is not None


async def test_me_tells_usage_and_limits(served: ControlPlane) -> None:
    async with served.tenant() as client:
        me = (await client.get("/api/v1/me")).json()
    assert me["usage"]["keys"] == {"used": 1, "limit": None}
    assert me["usage"]["max_monitors"] == {"used": 0, "limit": None}
    assert me["plan"]["name"] == "unlimited"
    assert "monitors:write" in me["scopes"]


async def test_the_catalogue_holds_shared_regions_and_ones_own(served: ControlPlane, database: Database) -> None:
    async with database.app() as conn:
        await seed.an_agent(conn, await seed.a_region(conn, "eu"))
        await seed.a_region(conn, "home", served.home.tenant_id)
        await seed.a_region(conn, "theirs", await seed.a_tenant(conn))
        await conn.execute("UPDATE regions SET enabled = false WHERE id = $1", await seed.a_region(conn, "closed"))
    async with served.tenant() as client:
        items = (await client.get("/api/v1/regions")).json()["items"]
    assert [(item["id"], item["private"], item["health"]["status"]) for item in items] == [
        ("home", True, "empty"),
        ("eu", False, "live"),
    ]
