"""Which credential opens which door, and what a stranger learns."""

from __future__ import annotations

import httpx
import pytest

from control_plane.store.pool import Database
from tests.support import seed
from tests.support.serving import OPERATOR_SECRET, ControlPlane, control_plane, settings_with
from tests.support.waiting import until_async


def code(response: httpx.Response) -> str:
    found: str = response.json()["error"]["code"]
    return found


async def test_a_request_without_a_key_is_told_how_to_send_one(served: ControlPlane) -> None:
    async with served.client() as client:
        response = await client.get("/api/v1/me")
    assert response.status_code == 401
    assert code(response) == "UNAUTHENTICATED"
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


async def test_a_key_is_taken_from_authorization_or_from_x_api_key(served: ControlPlane) -> None:
    async with served.tenant() as client:
        assert (await client.get("/api/v1/me")).json()["tenant"]["name"] == "Home"
    async with served.client(**{"X-API-Key": served.home.api_key}) as client:
        assert (await client.get("/api/v1/me")).status_code == 200


@pytest.mark.parametrize(
    "header",
    ["Bearer", "Bearer  x", "Basic eDp5", "Bearer \u00e9", "x" * 4000, "Bearer " + "fw_live_" + "0" * 49],
)
async def test_a_malformed_credential_is_unauthenticated_and_never_an_error_of_ours(
    served: ControlPlane, header: str
) -> None:
    async with served.client() as client:
        response = await client.get("/api/v1/me", headers={b"Authorization": header.encode()})
    assert (response.status_code, code(response)) == (401, "UNAUTHENTICATED")


async def test_a_key_with_its_last_character_changed_fails_its_checksum(served: ControlPlane) -> None:
    key = served.home.api_key
    changed = key[:-1] + ("a" if key[-1] != "a" else "b")
    async with served.client(changed) as client:
        assert (await client.get("/api/v1/me")).status_code == 401


@pytest.mark.parametrize("query", ["key=fw_live_x", "api_key=whatever", "access_token=x", "q=fw_probe_abc"])
async def test_a_key_in_the_query_is_refused_even_beside_a_right_header(served: ControlPlane, query: str) -> None:
    async with served.tenant() as client:
        response = await client.get(f"/api/v1/me?{query}")
    assert (response.status_code, code(response)) == (400, "KEY_IN_QUERY")


async def test_a_probe_key_opens_no_tenant_route_and_a_tenant_key_no_agent_route(
    served: ControlPlane, database: Database
) -> None:
    async with database.app() as conn:
        _, probe_key = await seed.an_agent(conn, await seed.a_region(conn))
    async with served.client(probe_key) as client:
        assert (await client.get("/api/v1/me")).status_code == 401
    async with served.tenant() as client:
        assert (await client.get("/api/agent/v1/assignments")).status_code == 401


async def test_a_disabled_agent_is_told_so(served: ControlPlane, database: Database) -> None:
    async with database.app() as conn:
        agent_id, probe_key = await seed.an_agent(conn, await seed.a_region(conn))
    async with served.operator() as operator:
        assert (await operator.post(f"/operator/agents/{agent_id}/disable")).json()["enabled"] is False
    async with served.client(probe_key) as agent:
        response = await agent.get("/api/agent/v1/assignments")
    assert (response.status_code, code(response)) == (403, "AGENT_DISABLED")


@pytest.mark.parametrize("path", ["/operator", "/operator/tenants", "/operator/nothing", "/operator/tenants/x/keys"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS"])
async def test_without_the_secret_the_operators_door_does_not_exist(
    served: ControlPlane, path: str, method: str
) -> None:
    async with served.tenant() as client:
        veiled = await client.request(method, path)
        unknown = await client.get("/nothing-here")
    assert veiled.status_code == unknown.status_code == 404
    assert veiled.json()["error"]["message"] == unknown.json()["error"]["message"]
    assert veiled.json()["error"]["code"] == "NOT_FOUND"
    assert "Allow" not in veiled.headers


async def test_while_no_secret_is_set_not_even_an_empty_one_opens_the_operators_door(database: Database) -> None:
    async with control_plane(database, settings_with(operator={"secret": ""})) as served:
        for header in ("Bearer", "Bearer None", f"Bearer {OPERATOR_SECRET}"):
            async with served.client(Authorization=header) as client:
                assert (await client.get("/operator/tenants")).status_code == 404


async def test_a_key_without_the_scope_is_told_which_one_it_lacks(served: ControlPlane) -> None:
    async with served.tenant() as client:
        made = await client.post("/api/v1/keys", json={"label": "reader", "scopes": ["monitors:read"]})
    async with served.client(made.json()["key"]) as reader:
        response = await reader.get("/api/v1/keys")
    assert (response.status_code, code(response)) == (403, "MISSING_SCOPE")
    assert response.json()["error"]["details"] == {"scope": "keys:read"}


async def test_a_suspended_tenant_may_only_ask_who_it_is(served: ControlPlane) -> None:
    async with served.operator() as operator:
        path = f"/operator/tenants/{served.home.tenant_id}"
        assert (await operator.patch(path, json={"suspended": True})).json()["suspended_at"]
    async with served.tenant() as client:
        response = await client.get("/api/v1/keys")
        assert (response.status_code, code(response)) == (403, "TENANT_SUSPENDED")
        assert (await client.get("/api/v1/me")).json()["tenant"]["suspended"] is True


async def test_a_deleted_key_stops_within_five_seconds(served: ControlPlane) -> None:
    async with served.tenant() as client:
        made = (await client.post("/api/v1/keys", json={"label": "short lived"})).json()
    async with served.tenant() as client, served.client(made["key"]) as doomed:
        assert (await doomed.get("/api/v1/me")).status_code == 200
        assert (await client.delete(f"/api/v1/keys/{made['id']}")).status_code == 204

        async def refused() -> bool:
            return (await doomed.get("/api/v1/me")).status_code == 401

        await until_async(refused, "the deleted key is refused", timeout=5)


async def test_many_failures_of_one_address_are_limited_but_a_known_key_goes_on(database: Database) -> None:
    settings = settings_with(security={"failed_auth_per_minute": 3})
    async with control_plane(database, settings) as served, served.tenant() as good, served.client("x") as bad:
        assert (await good.get("/api/v1/me")).status_code == 200
        statuses = [(await bad.get("/api/v1/me")).status_code for _ in range(4)]
        assert statuses == [401, 401, 401, 429]
        limited = await bad.get("/api/v1/me")
        assert code(limited) == "RATE_LIMITED"
        assert int(limited.headers["Retry-After"]) >= 1
        assert limited.headers["RateLimit-Policy"] == '"failed-authentications";q=3;w=60'
        assert limited.headers["RateLimit"].startswith('"failed-authentications";r=0;t=')
        assert limited.json()["error"]["details"]["category"] == "failed_authentications"
        assert (await good.get("/api/v1/me")).status_code == 200


async def test_health_is_open_and_says_whether_the_database_is_there(served: ControlPlane, database: Database) -> None:
    async with served.client() as client:
        assert (await client.get("/healthz")).json() == {"status": "ok"}
        assert (await client.get("/readyz")).status_code == 200


async def test_meta_is_open(served: ControlPlane) -> None:
    async with served.client() as client:
        assert (await client.get("/api/v1/meta")).json()["name"] == "Farwatch"
