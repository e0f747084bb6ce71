"""Another tenant's people, invitations and sessions do not exist."""

from __future__ import annotations

import pytest

from tests.support import seed
from tests.support.door import an_api_key
from tests.support.people import Browser, House, code_of

SCOPES = ("members:read", "members:write", "monitors:read", "monitors:write")


@pytest.mark.parametrize("role", [None, "viewer"])
async def test_another_tenants_people_are_not_there(role: str | None, house: House, owner: Browser) -> None:
    member = (await owner.me())["member"]["id"]
    await owner.invite("bob@example.com")
    invitation = (await owner.api("GET", "/invitations")).json()["items"][0]["id"]
    session = (await owner.api("GET", "/me/sessions")).json()["items"][0]["id"]
    async with house.database.app() as conn:
        other = await seed.a_tenant(conn, "Other")
        key = await an_api_key(conn, other, *SCOPES)
    before = await house.rows("SELECT tenant_id, user_id, role FROM members")
    async with house.served.client(key) as http:
        for method, path, code in (
            ("GET", f"/members/{member}", "MEMBER_NOT_FOUND"),
            ("PATCH", f"/members/{member}", "MEMBER_NOT_FOUND"),
            ("DELETE", f"/members/{member}", "MEMBER_NOT_FOUND"),
            ("GET", f"/invitations/{invitation}", "INVITATION_NOT_FOUND"),
            ("POST", f"/invitations/{invitation}/resend", "INVITATION_NOT_FOUND"),
            ("DELETE", f"/invitations/{invitation}", "INVITATION_NOT_FOUND"),
            ("DELETE", f"/me/sessions/{session}", "SESSION_NOT_FOUND"),
        ):
            body = {"role": role or "owner"} if method == "PATCH" else None
            assert code_of(await http.request(method, f"/api/v1{path}", json=body)) == (404, code), path
        assert (await http.get("/api/v1/members")).json()["total"] == 0
        assert (await http.get("/api/v1/invitations")).json()["total"] == 0
        assert (await http.delete("/api/v1/me/sessions")).status_code == 204
    assert await house.rows("SELECT tenant_id, user_id, role FROM members") == before
    assert (await owner.http.get("/api/v1/me")).status_code == 200


async def test_a_person_of_two_tenants_acts_in_the_one_that_the_session_is_of(house: House, owner: Browser) -> None:
    async with house.database.app_transaction() as conn:
        other = await seed.a_tenant(conn, "Other")
        member = (await owner.me())["member"]["id"]
        await conn.execute(
            "INSERT INTO members (tenant_id, user_id, role, email) VALUES ($1, $2::uuid, 'viewer', 'olga@example.com')",
            other,
            member,
        )
    me = await owner.me()
    assert (me["tenant"]["name"], me["member"]["role"]) == ("Acme", "owner")


async def test_a_suspended_tenants_people_are_told_so(house: House, owner: Browser) -> None:
    await house.rows("UPDATE tenants SET suspended_at = now()")
    house.served.deps.authenticator.forget_sessions()
    assert code_of(await owner.http.get("/api/v1/monitors")) == (403, "TENANT_SUSPENDED")
    assert (await owner.http.get("/api/v1/me")).json()["tenant"]["suspended"] is True
