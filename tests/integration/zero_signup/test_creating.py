"""Creating without an account: what is answered, what is refused, and how often an address may."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import httpx
import pytest

from control_plane.store.pool import Database
from control_plane.store.tenants import ANONYMOUS
from tests.support.dashboard import Desk
from tests.support.serving import control_plane
from tests.support.zero_signup import BODY, an_open_desk


async def create(
    desk: Desk, *, address: str = "192.0.2.1", headers: dict[str, str] | None = None, **body: Any
) -> httpx.Response:
    async with desk.served.client(**{"X-Forwarded-For": address}, **(headers or {})) as http:
        return await http.post("/api/v1/monitors", json={**BODY, **body})


async def test_anybody_creates_a_monitor_and_is_shown_its_key_once(desk: Desk) -> None:
    made = await create(desk, is_public=True)
    assert made.status_code == 201, made.text
    monitor = made.json()
    assert monitor["manage_key"].startswith("fw_manage_")
    assert monitor["is_public"] is True
    assert monitor["interval"] == 600
    async with desk.served.client(monitor["manage_key"]) as http:
        read = await http.get(f"/api/v1/monitors/{monitor['id']}")
    assert read.status_code == 200
    assert "manage_key" not in read.json()
    assert read.json()["is_public"] is True


async def test_a_key_is_stored_as_its_digest_alone(desk: Desk) -> None:
    monitor = (await create(desk)).json()
    async with desk.database.owner() as conn:
        row = await conn.fetchrow("SELECT * FROM manage_keys WHERE monitor_id = $1::uuid", monitor["id"])
        created = await conn.fetchrow("SELECT * FROM anonymous_creates")
    assert len(row["digest"]) == 32
    assert monitor["manage_key"] not in str(dict(row))
    assert row["prefix"] == monitor["manage_key"][: len("fw_manage_") + 4]
    assert "192.0.2.1" not in str(dict(created))


async def test_while_the_mode_is_off_a_credential_is_needed(database: Database) -> None:
    async with control_plane(database) as served, served.client() as http:
        reply = await http.post("/api/v1/monitors", json=BODY)
        assert (reply.status_code, reply.json()["error"]["code"]) == (401, "UNAUTHENTICATED")
        async with database.owner() as conn:
            assert await conn.fetchval("SELECT count(*) FROM tenants WHERE id = $1", ANONYMOUS) == 0


async def test_without_a_key_only_creating_is_open(desk: Desk) -> None:
    monitor = (await create(desk)).json()
    path = f"/api/v1/monitors/{monitor['id']}"
    async with desk.served.client() as http:
        replies = [await http.get(path), await http.delete(path), await http.get("/api/v1/monitors")]
        replies.append(await http.post("/api/v1/monitors/bulk", json={"monitors": [BODY]}))
    assert [reply.status_code for reply in replies] == [401] * 4


async def test_a_wrong_key_is_no_anonymous_creation(desk: Desk) -> None:
    assert (await create(desk, headers={"Authorization": "Bearer fw_live_nonsense"})).status_code == 401
    assert (await create(desk, headers={"X-API-Key": "nonsense"})).status_code == 401


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"interval": 60}, 422, "MIN_CHECK_INTERVAL"),
        ({"check": {"type": "domain_expiry", "domain": "example.com"}}, 403, "PLAN_FEATURE"),
        ({"check": "http://169.254.169.254/latest"}, 400, "SSRF_BLOCKED"),
        ({"key": "mine"}, 422, "NOT_FOR_MANAGE_KEYS"),
        ({"depends_on": ["other"]}, 422, "NOT_FOR_MANAGE_KEYS"),
        ({"alerts": [{"channel_id": "0197a2f0-0000-7000-8000-000000000000"}]}, 422, "NOT_FOR_MANAGE_KEYS"),
        ({"is_public": "yes"}, 400, "INVALID_TYPE"),
    ],
)
async def test_what_an_anonymous_monitor_cannot_have_is_refused(
    desk: Desk, body: dict[str, Any], status: int, code: str
) -> None:
    reply = await create(desk, **body)
    assert (reply.status_code, reply.json()["error"]["code"]) == (status, code), reply.text
    async with desk.database.owner() as conn:
        assert await conn.fetchval("SELECT count(*) FROM monitors WHERE tenant_id = $1", ANONYMOUS) == 0
        assert await conn.fetchval("SELECT count(*) FROM anonymous_creates") == 0


async def test_a_tenants_monitor_has_no_is_public(desk: Desk) -> None:
    async with desk.served.tenant() as http:
        reply = await http.post("/api/v1/monitors", json={**BODY, "is_public": True})
        assert (reply.status_code, reply.json()["error"]["code"]) == (400, "UNKNOWN_FIELD")
        made = (await http.post("/api/v1/monitors", json=BODY)).json()
    assert "is_public" not in made
    assert "manage_key" not in made


async def test_an_idempotency_key_is_refused(desk: Desk) -> None:
    reply = await create(desk, headers={"Idempotency-Key": "once"})
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "INVALID_IDEMPOTENCY_KEY")


async def test_nobody_is_told_that_somebody_watches_the_same(desk: Desk) -> None:
    first = (await create(desk, name="A secret project")).json()
    second = await create(desk, address="192.0.2.2")
    assert second.status_code == 201
    assert first["name"] not in second.text
    assert first["id"] not in second.text


async def test_the_eleventh_of_an_hour_waits_and_other_addresses_do_not(desk: Desk) -> None:
    for number in range(10):
        assert (await create(desk, name=f"Monitor {number}")).status_code == 201
    refused = await create(desk)
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "RATE_LIMITED")
    assert 3000 < int(refused.headers["Retry-After"]) <= 3600
    assert refused.json()["error"]["details"]["limit"] == 10
    assert (await create(desk, address="192.0.2.2")).status_code == 201


async def test_a_network_of_ipv6_is_one_address(database: Database) -> None:
    async with an_open_desk(database, creates_per_hour=1) as desk:
        assert (await create(desk, address="2001:db8:1:1::1")).status_code == 201
        assert (await create(desk, address="2001:db8:1:1:ffff::2")).status_code == 429
        assert (await create(desk, address="2001:db8:1:2::1")).status_code == 201


async def test_a_forwarded_address_counts_only_through_a_trusted_proxy(database: Database) -> None:
    async with an_open_desk(database, behind_proxy=False, creates_per_hour=1) as desk:
        assert (await create(desk, address="192.0.2.1")).status_code == 201
        assert (await create(desk, address="192.0.2.2")).status_code == 429


async def test_at_the_limit_those_who_come_at_once_do_not_pass_it(database: Database) -> None:
    async with an_open_desk(database, creates_per_hour=3, creates_per_hour_in_all=5) as desk:
        own = await asyncio.gather(*(create(desk, name=f"Monitor {number}") for number in range(8)))
        assert Counter(reply.status_code for reply in own) == {201: 3, 429: 5}
        others = await asyncio.gather(*(create(desk, address=f"192.0.2.{number}") for number in range(10, 18)))
        assert Counter(reply.status_code for reply in others) == {201: 2, 429: 6}
        assert {reply.json()["error"]["details"]["scope"] for reply in others if reply.status_code == 429} == {
            "installation"
        }
    async with database.owner() as conn:
        assert await conn.fetchval("SELECT count(*) FROM monitors WHERE tenant_id = $1", ANONYMOUS) == 5


async def test_after_an_hour_an_address_creates_again(desk: Desk) -> None:
    for number in range(10):
        await create(desk, name=f"Monitor {number}")
    async with desk.database.owner() as conn:
        await conn.execute("UPDATE anonymous_creates SET at = at - interval '59 minutes'")
        early = await create(desk)
        await conn.execute("UPDATE anonymous_creates SET at = at - interval '2 minutes'")
    assert early.status_code == 429
    assert int(early.headers["Retry-After"]) <= 60
    assert (await create(desk)).status_code == 201


async def test_the_operator_sees_the_tenant_and_may_suspend_it(desk: Desk) -> None:
    monitor = (await create(desk)).json()
    async with desk.served.operator() as http:
        listed = (await http.get("/operator/tenants", params={"plan": "anonymous"})).json()
        assert [each["id"] for each in listed["items"]] == [str(ANONYMOUS)]
        changed = await http.patch(f"/operator/tenants/{ANONYMOUS}", json={"suspended": True})
        assert changed.status_code == 200, changed.text
    refused = await create(desk)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "TENANT_SUSPENDED")
    async with desk.served.client(monitor["manage_key"]) as http:
        reply = await http.get(f"/api/v1/monitors/{monitor['id']}")
    assert (reply.status_code, reply.json()["error"]["code"]) == (403, "TENANT_SUSPENDED")
