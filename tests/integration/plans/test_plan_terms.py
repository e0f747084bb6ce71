"""What a plan allows, as a tenant meets it: quotas under concurrency, features, floors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from control_plane.services.tenants.first_run import RegionDefinition
from control_plane.store.pool import Database
from tests.support.serving import ControlPlane, control_plane

AT_ONCE = 10
LIMIT = 4
REGIONS = (RegionDefinition("eu", "Europe"), RegionDefinition("us", "United States"))
WINDOW = {"all": True, "starts_at": "2100-01-01T00:00:00Z", "ends_at": "2100-01-01T01:00:00Z"}
SET_PLAN = "UPDATE tenants SET plan = 'small'"

Create = Callable[[httpx.AsyncClient, int], Awaitable[httpx.Response]]


@asynccontextmanager
async def planned(database: Database, **plan: Any) -> AsyncIterator[ControlPlane]:
    """A control plane whose first tenant has this plan."""
    async with control_plane(database, regions=REGIONS) as served:
        async with served.operator() as client:
            made = await client.post("/operator/plans", json={"name": "small", "title": "Small", **plan})
            assert made.status_code == 201, made.text
        async with database.app() as conn:
            await conn.execute(SET_PLAN)
        yield served


async def a_monitor(client: httpx.AsyncClient, number: int, **fields: Any) -> httpx.Response:
    body = {"name": f"m{number}", "check": f"https://a{number}.example/", **fields}
    return await client.post("/api/v1/monitors", json=body)


async def a_channel(client: httpx.AsyncClient, number: int) -> httpx.Response:
    config = {"type": "webhook", "url": "https://ops.example.com/in"}
    return await client.post("/api/v1/channels", json={"name": f"c{number}", "config": config})


async def a_key(client: httpx.AsyncClient, number: int) -> httpx.Response:
    return await client.post("/api/v1/keys", json={"label": f"key {number}"})


async def a_window(client: httpx.AsyncClient, number: int) -> httpx.Response:
    return await client.post("/api/v1/maintenance", json={"title": f"w{number}", **WINDOW})


async def a_route(client: httpx.AsyncClient, number: int) -> httpx.Response:
    return await client.post("/api/v1/routes", json={"name": f"r{number}", "channel_ids": []})


async def a_silence(client: httpx.AsyncClient, number: int) -> httpx.Response:
    end = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    return await client.post("/api/v1/silences", json={"name": f"s{number}", "ends_at": end})


async def an_invitation(client: httpx.AsyncClient, number: int) -> httpx.Response:
    return await client.post("/api/v1/invitations", json={"email": f"p{number}@example.com", "role": "viewer"})


async def a_region(client: httpx.AsyncClient, number: int) -> httpx.Response:
    return await client.post("/api/v1/regions", json={"id": f"own-{number}", "name": f"Own {number}"})


COUNTED: dict[str, Create] = {
    "max_monitors": a_monitor,
    "channels": a_channel,
    "keys": a_key,
    "maintenance": a_window,
    "routes": a_route,
    "silences": a_silence,
    "invitations": an_invitation,
    "members": an_invitation,
    "private_regions": a_region,
}
"""How each quota is used up. Pending invitations count among the members that they will make."""


@pytest.mark.parametrize("quota", COUNTED)
async def test_those_who_create_at_once_fill_a_quota_exactly(database: Database, quota: str) -> None:
    async with planned(database, quotas={quota: LIMIT}) as served, served.tenant() as client:
        before = (await client.get("/api/v1/me")).json()["usage"][quota]
        answers = await asyncio.gather(*(COUNTED[quota](client, number) for number in range(AT_ONCE)))
        after = (await client.get("/api/v1/me")).json()["usage"]
    room = LIMIT - before["used"]
    assert room > 0
    assert sorted(answer.status_code for answer in answers) == [201] * room + [422] * (AT_ONCE - room)
    errors = [answer.json()["error"] for answer in answers if answer.status_code == 422]
    assert {error["code"] for error in errors} == {"QUOTA_EXCEEDED"}
    expected = {"quota": quota, "current": LIMIT, "limit": LIMIT, "plan": "small"}
    assert all(error["details"] == expected for error in errors)
    used = after["invitations" if quota == "members" else quota]["used"]
    assert used == LIMIT


def refusal_of(answer: httpx.Response) -> tuple[int, str, str | None, dict[str, Any]]:
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["field"], error["details"]


async def test_a_kind_of_check_that_the_plan_lacks_is_refused(database: Database) -> None:
    async with planned(database, features={"check_kinds": ["http", "dns"]}) as served, served.tenant() as client:
        assert (await a_monitor(client, 1)).status_code == 201
        details = {"feature": "check_kinds", "plan": "small", "allowed": ["http", "dns"]}
        answer = await a_monitor(client, 2, check="tcp://a.example:443")
        assert refusal_of(answer) == (403, "PLAN_FEATURE", "/check/type", details)


async def test_a_kind_of_channel_that_the_plan_lacks_is_refused(database: Database) -> None:
    async with planned(database, features={"channel_kinds": ["ntfy"]}) as served, served.tenant() as client:
        answer = await a_channel(client, 1)
        assert refusal_of(answer)[:3] == (403, "PLAN_FEATURE", "/config/type")


async def test_a_monitor_has_no_more_regions_than_the_plan_allows(database: Database) -> None:
    async with planned(database, features={"max_regions": 1}) as served, served.tenant() as client:
        both = {"regions": ["eu", "us"]}
        assert refusal_of(await a_monitor(client, 1, **both))[:3] == (403, "PLAN_FEATURE", "/regions")
        made = (await a_monitor(client, 2, regions=["eu"])).json()
        path = f"/api/v1/monitors/{made['id']}"
        assert refusal_of(await client.patch(path, json=both))[:3] == (403, "PLAN_FEATURE", "/regions")
        assert refusal_of(await client.put(f"{path}/regions", json=both))[1] == "PLAN_FEATURE"
        assert (await client.patch(path, json={"regions": ["us"]})).status_code == 200
        assert refusal_of(await client.post(f"{path}/clone", json=both))[1] == "PLAN_FEATURE"


async def test_the_floor_of_the_interval_is_the_greater_of_plan_and_kind(database: Database) -> None:
    async with planned(database, features={"min_interval": 120}) as served, served.tenant() as client:
        refused = await a_monitor(client, 1, interval=60)
        assert refusal_of(refused) == (422, "MIN_CHECK_INTERVAL", "/interval", {"minimum": 120, "interval": 60})
        domain = await a_monitor(client, 2, check="domain://example.com", interval=120)
        assert refusal_of(domain)[3]["minimum"] == 3600
        made = (await a_monitor(client, 3)).json()
        assert made["interval"] == 120, "a default is no lower than what may be asked for"
        path = f"/api/v1/monitors/{made['id']}"
        assert refusal_of(await client.patch(path, json={"interval": 119}))[1] == "MIN_CHECK_INTERVAL"
        assert refusal_of(await client.post(f"{path}/clone", json={"interval": 30}))[1] == "MIN_CHECK_INTERVAL"


async def test_a_monitor_from_a_better_plan_is_kept_and_not_copied(database: Database) -> None:
    async with planned(database) as served, served.tenant() as client, served.operator() as operator:
        made = (await a_monitor(client, 1, interval=10, regions=["eu", "us"])).json()
        path = f"/api/v1/monitors/{made['id']}"
        features = {"min_interval": 60, "max_regions": 1, "check_kinds": ["dns"]}
        await operator.patch("/operator/plans/small", json={"features": features})
        same = {"name": "Renamed", "interval": 10, "regions": ["us", "eu"]}
        assert (await client.patch(path, json=same)).status_code == 200
        assert refusal_of(await client.post(f"{path}/clone"))[1] == "PLAN_FEATURE"


async def test_a_plan_without_api_access_lets_no_key_in_but_to_say_who_it_is(database: Database) -> None:
    async with planned(database, features={"api_access": False}) as served, served.tenant() as client:
        refused = await client.get("/api/v1/monitors")
        details = {"feature": "api_access", "plan": "small"}
        assert refusal_of(refused) == (403, "PLAN_FEATURE", None, details)
        assert (await client.get("/api/v1/me")).json()["plan"]["features"]["api_access"] is False
