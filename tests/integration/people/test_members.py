"""Who is in a tenant, who may change that, and that an owner always stays."""

from __future__ import annotations

import asyncio

import pytest

from control_plane.domain.tenants.credentials import ROLES, Role
from tests.support.door import an_api_key
from tests.support.people import Browser, House, code_of
from tests.support.waiting import until_async


async def member_id(browser: Browser) -> str:
    found: str = (await browser.me())["member"]["id"]
    return found


async def test_the_people_of_a_tenant_are_listed_owners_first(house: House, owner: Browser) -> None:
    async with house.joined(owner, "vera@example.com", "viewer"), house.joined(owner, "adam@example.com", "admin"):
        page = (await owner.api("GET", "/members")).json()
    assert [(each["name"], each["role"]) for each in page["items"]] == [
        ("Olga", "owner"),
        ("Adam", "admin"),
        ("Vera", "viewer"),
    ]
    assert page["total"] == 3
    one = await owner.api("GET", f"/members/{page['items'][2]['id']}")
    assert one.json()["email"] == "vera@example.com"
    assert one.headers["ETag"].startswith('"1')


@pytest.mark.parametrize("role", ["admin", "member", "viewer"])
async def test_a_session_may_what_the_role_may(role: str, house: House, owner: Browser) -> None:
    async with house.joined(owner, "x@example.com", role) as browser:
        me = await browser.me()
        assert me["member"] == {"id": me["member"]["id"], "name": "X", "email": "x@example.com", "role": role}
        assert me["key"] is None
        assert set(me["scopes"]) == ROLES[Role(role)]
        allowed = (await browser.api("GET", "/members")).status_code
        assert allowed == (200 if role == "admin" else 403)


async def test_an_owner_gives_another_role(house: House, owner: Browser) -> None:
    async with house.joined(owner, "adam@example.com", "member") as adam:
        path = f"/members/{await member_id(adam)}"
        reply = await owner.api("PATCH", path, {"role": "admin"})
        assert (reply.status_code, reply.json()["role"], reply.json()["revision"]) == (200, "admin", 2)
        adam.csrf = ""

        async def is_admin() -> bool:
            return (await adam.api("GET", "/members")).status_code == 200

        await until_async(is_admin, "it shows")


async def test_nobody_raises_themselves_and_an_admin_makes_no_owner(house: House, owner: Browser) -> None:
    async with house.joined(owner, "adam@example.com", "admin") as adam:
        own, boss = f"/members/{await member_id(adam)}", f"/members/{await member_id(owner)}"
        assert code_of(await adam.api("PATCH", own, {"role": "owner"})) == (403, "OWNERS_ONLY")
        assert code_of(await adam.api("PATCH", boss, {"role": "viewer"})) == (403, "OWNERS_ONLY")
        assert code_of(await adam.api("DELETE", boss)) == (403, "OWNERS_ONLY")
        invited = {"email": "me2@example.com", "role": "owner"}
        assert code_of(await adam.api("POST", "/invitations", invited)) == (403, "OWNERS_ONLY")
    roles = {each["email"]: each["role"] for each in (await owner.api("GET", "/members")).json()["items"]}
    assert roles == {"olga@example.com": "owner", "adam@example.com": "admin"}


async def test_a_key_hands_on_no_more_than_it_has(house: House, owner: Browser) -> None:
    tenant_id = house.served.home.tenant_id
    async with house.database.app() as conn:
        key = await an_api_key(conn, tenant_id, "members:read", "members:write", "monitors:read", number=2)
    async with house.served.client(key) as http:
        for role in ("admin", "member", "viewer"):
            reply = await http.post("/api/v1/invitations", json={"email": "x@example.com", "role": role})
            assert code_of(reply) == (403, "MISSING_SCOPE")
        reply = await http.post("/api/v1/invitations", json={"email": "x@example.com", "role": "owner"})
        assert code_of(reply) == (403, "OWNERS_ONLY")


async def test_a_key_may_invite_the_first_owner_and_no_other(house: House) -> None:
    body = {"email": "first@example.com", "role": "owner"}
    async with house.served.tenant() as http:
        made = await http.post("/api/v1/invitations", json=body)
        assert made.status_code == 201
        async with house.browser() as browser:
            assert (await browser.http.post(f"/invite/{made.json()['link'].rpartition('/')[2]}")).status_code == 303
        body = {"email": "second@example.com", "role": "owner"}
        assert code_of(await http.post("/api/v1/invitations", json=body)) == (403, "OWNERS_ONLY")


async def test_the_last_owner_stays(owner: Browser) -> None:
    path = f"/members/{await member_id(owner)}"
    assert code_of(await owner.api("PATCH", path, {"role": "admin"})) == (409, "LAST_OWNER")
    assert code_of(await owner.api("DELETE", path)) == (409, "LAST_OWNER")
    assert (await owner.api("PATCH", path, {"role": "owner"})).status_code == 200, "nothing changes"


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
async def test_of_owners_that_send_each_other_away_at_once_one_stays(method: str, house: House, owner: Browser) -> None:
    async with (
        house.joined(owner, "b@example.com", "owner") as second,
        house.joined(owner, "c@example.com", "owner") as third,
    ):
        browsers = (owner, second, third)
        ids = [await member_id(browser) for browser in browsers]
        body = {"role": "viewer"} if method == "PATCH" else None
        replies = await asyncio.gather(
            *(browser.api(method, f"/members/{other}", body) for browser in browsers for other in ids)
        )
    statuses = [reply.status_code for reply in replies]
    assert set(statuses) <= {200, 204, 401, 403, 404, 409}
    left = await house.rows("SELECT count(*) AS owners FROM members WHERE role = 'owner'")
    assert left == [{"owners": 1}], statuses


async def test_a_removed_members_sessions_end_at_once(house: House, owner: Browser) -> None:
    async with house.joined(owner, "adam@example.com", "admin") as adam:
        assert (await adam.http.get("/app")).status_code == 200
        assert (await owner.api("DELETE", f"/members/{await member_id(adam)}")).status_code == 204
        assert await house.rows("SELECT FROM sessions WHERE user_id = (SELECT id FROM users WHERE name = 'Adam')") == []

        async def is_out() -> bool:
            return (await adam.http.get("/app")).status_code == 303

        await until_async(is_out, "it shows")
        assert code_of(await adam.http.get("/api/v1/me")) == (401, "UNAUTHENTICATED")


async def test_anybody_with_the_right_may_leave(house: House, owner: Browser) -> None:
    async with house.joined(owner, "adam@example.com", "admin") as adam:
        assert (await adam.api("DELETE", f"/members/{await member_id(adam)}")).status_code == 204
    assert (await owner.api("GET", "/members")).json()["total"] == 1


async def test_a_change_of_what_somebody_else_changed_is_refused(house: House, owner: Browser) -> None:
    async with house.joined(owner, "adam@example.com", "member") as adam:
        path = f"/api/v1/members/{await member_id(adam)}"
        headers = {"X-CSRF-Token": (await owner.me())["session"]["csrf_token"], "If-Match": '"7"'}
        reply = await owner.http.patch(path, json={"role": "viewer"}, headers=headers)
    assert code_of(reply) == (412, "PRECONDITION_FAILED")


async def test_the_audit_names_the_person(house: House, owner: Browser) -> None:
    async with house.joined(owner, "adam@example.com", "member") as adam:
        await owner.api("PATCH", f"/members/{await member_id(adam)}", {"role": "admin"})
    rows = await house.rows(
        "SELECT actor_kind, actor, source, object_name, changes FROM audit WHERE object_kind = 'member'"
        " AND action = 'updated'"
    )
    assert rows == [
        {
            "actor_kind": "member",
            "actor": "Olga",
            "source": "ui",
            "object_name": "adam@example.com",
            "changes": {"role": ["member", "admin"]},
        }
    ]
