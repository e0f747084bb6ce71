"""The operator's plans, and what is overridden for one tenant."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from control_plane.domain.tenants.plan import CATEGORIES, QUOTAS
from control_plane.operator_api.plan_bodies import (
    FeatureOverrides,
    FeaturesBody,
    QuotaOverrides,
    QuotasBody,
    RateOverrides,
    RatesBody,
)
from tests.support import seed
from tests.support.serving import ControlPlane

TEAM = {
    "name": "team",
    "title": "Team",
    "quotas": {"max_monitors": 500, "keys": None},
    "features": {"min_interval": 30, "check_kinds": ["http", "dns"]},
    "rates": {"creates": {"tenant": 60, "caller": 20}},
}


def code_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def test_the_bodies_name_every_quota_feature_and_category() -> None:
    assert set(QuotasBody.__struct_fields__) == set(QuotaOverrides.__struct_fields__) == set(QUOTAS)
    assert FeaturesBody.__struct_fields__ == FeatureOverrides.__struct_fields__
    assert RatesBody.__struct_fields__ == RateOverrides.__struct_fields__ == CATEGORIES


async def test_a_plan_is_made_read_listed_changed_and_deleted(served: ControlPlane) -> None:
    async with served.operator() as client:
        made = await client.post("/operator/plans", json=TEAM)
        assert made.status_code == 201, made.text
        path = made.headers["Location"]
        read = await client.get(path)
        assert read.json() == made.json()
        assert {name: made.json()[name] for name in TEAM} == TEAM
        names = [plan["name"] for plan in (await client.get("/operator/plans")).json()["items"]]
        assert names == ["anonymous", "free", "team", "unlimited"]
        patch = {"title": "Teams", "quotas": {"max_monitors": None}, "rates": {"creates": {"caller": 5}}}
        changed = (await client.patch(path, json=patch, headers={"If-Match": read.headers["ETag"]})).json()
        assert changed["title"] == "Teams"
        assert changed["quotas"] == {"max_monitors": None, "keys": None}
        assert changed["rates"] == {"creates": {"tenant": 60, "caller": 5}}
        assert changed["features"] == TEAM["features"]
        assert (await client.patch(path, json={}, headers={"If-Match": '"1"'})).status_code == 412
        assert (await client.delete(path)).status_code == 204
        assert code_of(await client.get(path)) == (404, "PLAN_NOT_FOUND")


async def test_a_plan_that_somebody_has_is_not_deleted(served: ControlPlane) -> None:
    async with served.operator() as client:
        await client.post("/operator/plans", json=TEAM)
        tenant = (await client.post("/operator/tenants", json={"name": "Acme", "plan": "team"})).json()
        refused = await client.delete("/operator/plans/team")
        assert code_of(refused) == (409, "PLAN_IN_USE")
        assert refused.json()["error"]["details"] == {"tenants": 1}
        await client.patch(f"/operator/tenants/{tenant['id']}", json={"plan": "free"})
        assert (await client.delete("/operator/plans/team")).status_code == 204
        assert code_of(await client.delete("/operator/plans/free")) == (409, "PLAN_BUILT_IN")


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"name": "No blanks"}, 400, "INVALID_NAME"),
        ({"name": "free"}, 409, "NAME_TAKEN"),
        ({"title": ""}, 400, "INVALID_TITLE"),
        ({"quotas": {"max_monitors": -1}}, 400, "INVALID_MAX_MONITORS"),
        ({"quotas": {"elephants": 1}}, 400, "UNKNOWN_FIELD"),
        ({"features": {"check_kinds": ["telepathy"]}}, 400, "INVALID_CHECK_KINDS"),
        ({"features": {"channel_kinds": ["telepathy"]}}, 400, "INVALID_CHANNEL_KINDS"),
        ({"rates": {"reads": {"tenant": 0}}}, 400, "INVALID_TENANT"),
        ({"rates": {"naps": {"tenant": 1}}}, 400, "UNKNOWN_FIELD"),
    ],
)
async def test_a_bad_plan_is_refused(served: ControlPlane, change: dict[str, Any], status: int, code: str) -> None:
    async with served.operator() as client:
        before = (await client.get("/operator/plans")).json()
        assert code_of(await client.post("/operator/plans", json=TEAM | change)) == (status, code)
        assert (await client.get("/operator/plans")).json() == before


async def test_an_override_holds_for_one_tenant_until_it_is_taken_back(served: ControlPlane) -> None:
    async with served.operator() as client:
        tenant = (await client.post("/operator/tenants", json={"name": "Acme"})).json()
        path = f"/operator/tenants/{tenant['id']}"
        over = {"quotas": {"keys": 3, "channels": "unlimited"}, "features": {"min_interval": 10}}
        changed = await client.patch(path, json={"overrides": over})
        assert changed.json()["overrides"] == over, changed.text
        usage = (await client.get(f"{path}/usage")).json()
        assert usage["plan"]["name"] == "free"
        assert usage["plan"]["features"]["min_interval"] == 10
        assert (usage["usage"]["keys"], usage["usage"]["channels"]) == (
            {"used": 0, "limit": 3},
            {"used": 0, "limit": None},
        )
        patch = {"overrides": {"quotas": {"keys": None}, "features": None}}
        assert (await client.patch(path, json=patch)).json()["overrides"] == {"quotas": {"channels": "unlimited"}}
        assert (await client.get(f"{path}/usage")).json()["usage"]["keys"]["limit"] == 10
        refused = await client.patch(path, json={"overrides": {"quotas": {"keys": "many"}}})
        assert code_of(refused) == (400, "INVALID_KEYS")


async def test_tenants_are_found_by_name_id_plan_and_suspension(served: ControlPlane) -> None:
    async with served.operator() as client:
        acme = (await client.post("/operator/tenants", json={"name": "100% Acme"})).json()
        await client.post(f"/operator/tenants/{acme['id']}/suspend")

        async def found(**query: str) -> list[str]:
            items = (await client.get("/operator/tenants", params=query)).json()["items"]
            return [each["name"] for each in items]

        assert await found(q="acme") == await found(q=acme["id"]) == await found(q="0%") == ["100% Acme"]
        assert await found(q="%%") == []
        assert await found(plan="unlimited") == await found(suspended="false") == ["Home"]
        assert await found(suspended="true") == ["100% Acme"]


async def test_suspending_and_releasing_are_actions_of_their_own(served: ControlPlane) -> None:
    path = f"/operator/tenants/{served.home.tenant_id}"
    async with served.operator() as operator, served.tenant() as tenant:
        assert (await operator.post(f"{path}/suspend")).json()["suspended_at"] is not None
        refused = await tenant.get("/api/v1/tenant")
        assert code_of(refused) == (403, "TENANT_SUSPENDED")
        assert (await tenant.get("/api/v1/me")).json()["tenant"]["suspended"] is True
        assert (await operator.post(f"{path}/unsuspend")).json()["suspended_at"] is None
        unknown = f"/operator/tenants/{seed.new_id()}"
        for answer in (await operator.post(f"{unknown}/suspend"), await operator.get(f"{unknown}/usage")):
            assert code_of(answer) == (404, "TENANT_NOT_FOUND")


async def test_a_tenant_reads_and_renames_itself(served: ControlPlane) -> None:
    async with served.tenant() as client:
        read = await client.get("/api/v1/tenant")
        assert (read.json()["name"], read.json()["plan"]["name"]) == ("Home", "unlimited")
        assert set(read.json()["usage"]) == set(QUOTAS)
        headers = {"If-Match": read.headers["ETag"]}
        renamed = await client.patch("/api/v1/tenant", json={"name": "Acme"}, headers=headers)
        assert (renamed.status_code, renamed.json()["name"]) == (200, "Acme")
        assert (await client.patch("/api/v1/tenant", json={"name": "Late"}, headers=headers)).status_code == 412
        assert code_of(await client.patch("/api/v1/tenant", json={"plan": "free"})) == (400, "UNKNOWN_FIELD")
        assert code_of(await client.patch("/api/v1/tenant", json={"name": ""})) == (400, "INVALID_NAME")
        assert (await client.get("/api/v1/tenant")).json()["name"] == "Acme"
