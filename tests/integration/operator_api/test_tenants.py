from __future__ import annotations

import pytest

from tests.support import seed
from tests.support.serving import ControlPlane


async def test_a_tenant_is_made_read_listed_and_changed(served: ControlPlane) -> None:
    async with served.operator() as client:
        made = await client.post("/operator/tenants", json={"name": "Acme"})
        assert made.status_code == 201
        assert made.json()["plan"] == "free"
        path = made.headers["Location"]
        assert (await client.get(path)).json() == made.json()
        changed = await client.patch(path, json={"name": "Acme & Co", "plan": "unlimited"})
        assert (changed.json()["name"], changed.json()["plan"], changed.json()["revision"]) == (
            "Acme & Co",
            "unlimited",
            2,
        )
        names = [tenant["name"] for tenant in (await client.get("/operator/tenants")).json()["items"]]
        assert names == ["Home", "Acme & Co"]


async def test_a_suspension_is_lifted(served: ControlPlane) -> None:
    path = f"/operator/tenants/{served.home.tenant_id}"
    async with served.operator() as client:
        suspended = (await client.patch(path, json={"suspended": True})).json()
        renamed = (await client.patch(path, json={"name": "Still"})).json()
        assert renamed["suspended_at"] == suspended["suspended_at"] is not None
        assert (await client.patch(path, json={"suspended": False})).json()["suspended_at"] is None


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"name": ""}, "INVALID_NAME"),
        ({"name": "a" * 101}, "INVALID_NAME"),
        ({"name": "x", "plan": "gold"}, "INVALID_PLAN"),
        ({"plan": "free"}, "MISSING_FIELD"),
    ],
)
async def test_a_bad_tenant_is_refused(served: ControlPlane, body: dict[str, str], code: str) -> None:
    async with served.operator() as client:
        response = await client.post("/operator/tenants", json=body)
    assert (response.status_code, response.json()["error"]["code"]) == (400, code)


async def test_an_unknown_tenant_is_not_found_on_every_path(served: ControlPlane) -> None:
    path = f"/operator/tenants/{seed.new_id()}"
    async with served.operator() as client:
        answers = [
            await client.get(path),
            await client.patch(path, json={"name": "x"}),
            await client.get(f"{path}/keys"),
            await client.post(f"{path}/keys", json={"label": "a key"}),
        ]
        assert {(a.status_code, a.json()["error"]["code"]) for a in answers} == {(404, "TENANT_NOT_FOUND")}
        gone = await client.delete(f"{path}/keys/{seed.new_id()}")
        assert (gone.status_code, gone.json()["error"]["code"]) == (404, "KEY_NOT_FOUND")


async def test_a_key_made_by_the_operator_works_and_is_never_shown_again(served: ControlPlane) -> None:
    async with served.operator() as client:
        tenant = (await client.post("/operator/tenants", json={"name": "Acme"})).json()
        made = await client.post(f"/operator/tenants/{tenant['id']}/keys", json={"label": "first key"})
        listed = (await client.get(f"/operator/tenants/{tenant['id']}/keys")).json()
    key = made.json()["key"]
    async with served.client(key) as acme:
        assert (await acme.get("/api/v1/me")).json()["tenant"]["id"] == tenant["id"]
    assert key not in str(listed)
    assert listed["items"][0]["prefix"] == key[:12]


async def test_the_operator_may_delete_even_the_last_key(served: ControlPlane) -> None:
    path = f"/operator/tenants/{served.home.tenant_id}/keys"
    async with served.operator() as client:
        key_id = (await client.get(path)).json()["items"][0]["id"]
        assert (await client.delete(f"{path}/{key_id}")).status_code == 204
        assert (await client.get(path)).json()["total"] == 0
