"""Invitations and the setup link: shown once, counted once, over in time, and never somebody else's."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import pytest

from tests.support.people import Browser, House, code_of

BAD_ADDRESSES = (
    *("x", "@example.com", "a@", "a b@example.com", "a@b", "a@@example.com", "a@exa mple.com", "a@-.com"),
    *("a..b@example.com", ".a@example.com", "a@example.com\u0000", f"{'a' * 65}@example.com", "a\u202e@example.com"),
)


async def test_the_link_is_shown_once_and_lets_one_person_in(house: House, owner: Browser) -> None:
    made = await owner.api("POST", "/invitations", {"email": " Ana@EXAMPLE.com ", "role": "viewer"})
    shown = made.json()
    assert (made.status_code, shown["email"], shown["state"], shown["invited_by"]) == (
        201,
        "ana@example.com",
        "pending",
        "Olga",
    )
    path = urlsplit(shown["link"]).path
    token = path.rpartition("/")[2]
    again = await owner.api("GET", f"/invitations/{shown['id']}")
    assert "link" not in again.json()
    assert token not in (await owner.api("GET", "/invitations")).text
    assert token not in str(await house.rows("SELECT * FROM invitations"))
    assert token not in str(await house.rows("SELECT * FROM audit"))
    async with house.browser() as browser, house.browser() as second:
        page = await browser.http.get(path)
        assert (page.status_code, "ana@example.com" in page.text, "Acme" in page.text) == (200, True, True)
        assert page.headers["Cache-Control"] == "no-store"
        assert f'action="{path}"' in page.text
        replies = await asyncio.gather(*(each.http.post(path, data={"name": "Ana"}) for each in (browser, second)))
        assert sorted(reply.status_code for reply in replies) == [303, 404]
    assert (await owner.api("GET", f"/invitations/{shown['id']}")).json()["state"] == "accepted"
    assert (await owner.api("GET", "/members")).json()["total"] == 2


@pytest.mark.parametrize("address", BAD_ADDRESSES)
async def test_an_address_that_is_none_is_refused(address: str, owner: Browser) -> None:
    reply = await owner.api("POST", "/invitations", {"email": address})
    assert reply.status_code == 400
    assert reply.json()["error"]["field"] == "/email"


async def test_an_address_beyond_ascii_is_written_in_one_way(owner: Browser) -> None:
    reply = await owner.api("POST", "/invitations", {"email": "Jürgen@Bücher.example"})
    assert reply.json()["email"] == "jürgen@xn--bcher-kva.example"


async def test_one_open_invitation_for_an_address(house: House, owner: Browser) -> None:
    path = await owner.invite("ana@example.com")
    body = {"email": "ANA@example.com"}
    assert code_of(await owner.api("POST", "/invitations", body)) == (409, "ALREADY_INVITED")
    await house.rows("UPDATE invitations SET expires_at = now()")
    async with house.browser() as browser:
        assert (await browser.http.get(path)).status_code == 404
        assert (await browser.http.post(path, data={"name": "Ana"})).status_code == 404
    assert (await owner.api("GET", "/invitations?state=expired")).json()["total"] == 1
    assert (await owner.api("POST", "/invitations", body)).status_code == 201, "in place of the one that ran out"


async def test_a_link_sent_again_takes_the_place_of_the_one_before(house: House, owner: Browser) -> None:
    first = await owner.invite("ana@example.com")
    invitation = (await owner.api("GET", "/invitations")).json()["items"][0]["id"]
    again = await owner.api("POST", f"/invitations/{invitation}/resend")
    second = urlsplit(again.json()["link"]).path
    async with house.browser() as browser:
        assert (await browser.http.get(first)).status_code == 404
        assert (await browser.http.post(second, data={"name": "Ana"})).status_code == 303
    assert code_of(await owner.api("POST", f"/invitations/{invitation}/resend")) == (409, "INVITATION_OVER")
    assert code_of(await owner.api("DELETE", f"/invitations/{invitation}")) == (409, "INVITATION_OVER")


async def test_a_revoked_link_counts_no_more(house: House, owner: Browser) -> None:
    path = await owner.invite("ana@example.com")
    invitation = (await owner.api("GET", "/invitations")).json()["items"][0]["id"]
    assert (await owner.api("DELETE", f"/invitations/{invitation}")).status_code == 204
    assert code_of(await owner.api("DELETE", f"/invitations/{invitation}")) == (404, "INVITATION_NOT_FOUND")
    async with house.browser() as browser:
        assert (await browser.http.get(path)).status_code == 404


async def test_the_plan_bounds_members_and_those_invited_together(house: House, owner: Browser) -> None:
    await house.rows('UPDATE tenants SET overrides = \'{"quotas": {"members": 3}}\'')
    replies = await asyncio.gather(
        *(owner.api("POST", "/invitations", {"email": f"p{n}@example.com"}) for n in range(6))
    )
    assert sorted(reply.status_code for reply in replies) == [201, 201, 422, 422, 422, 422]
    refused = next(reply for reply in replies if reply.status_code == 422).json()["error"]
    assert (refused["code"], refused["details"]["quota"], refused["details"]["limit"]) == (
        "QUOTA_EXCEEDED",
        "members",
        3,
    )


async def test_who_came_in_by_a_link_comes_back_by_another(house: House, owner: Browser) -> None:
    async with house.joined(owner, "ana@example.com", "viewer") as ana:
        first = (await ana.me())["member"]["id"]
    async with house.joined(owner, "ana@example.com", "viewer") as ana:
        assert (await ana.me())["member"]["id"] == first
    body = {"email": "ana@example.com", "role": "admin"}
    assert code_of(await owner.api("POST", "/invitations", body)) == (409, "ALREADY_MEMBER")


async def test_the_setup_link_makes_one_owner(house: House) -> None:
    path = f"/setup/{house.served.home.setup_token}"
    fields = {"tenant": "Acme", "name": "Olga", "email": "olga@example.com"}
    async with house.browser() as browser, house.browser() as second:
        page = await browser.http.get(path)
        assert (page.status_code, "Become the owner" in page.text) == (200, True)
        assert f'action="{path}"' in page.text
        wrong = await browser.http.post(path, data={**fields, "email": "nobody"})
        assert (wrong.status_code, "e-mail address" in wrong.text, "Olga" in wrong.text) == (400, True, True)
        foreign = await browser.http.post(path, data=fields, headers={"Sec-Fetch-Site": "cross-site"})
        assert foreign.status_code == 403
        replies = await asyncio.gather(*(each.http.post(path, data=fields) for each in (browser, second)))
        assert sorted(reply.status_code for reply in replies) == [303, 404]
        assert (await browser.http.get(path)).status_code == 404
    rows = await house.rows("SELECT t.name, m.role FROM tenants AS t JOIN members AS m ON m.tenant_id = t.id")
    assert rows == [{"name": "Acme", "role": "owner"}]


async def test_the_setup_link_runs_out_and_ends_with_the_first_owner(house: House) -> None:
    path = f"/setup/{house.served.home.setup_token}"
    async with house.browser() as browser:
        await house.rows("UPDATE setup_links SET expires_at = now()")
        assert (await browser.http.get(path)).status_code == 404
        await house.rows("UPDATE setup_links SET expires_at = now() + interval '1 hour'")
        assert (await browser.http.get(path)).status_code == 200
        async with house.served.tenant() as http:
            made = await http.post("/api/v1/invitations", json={"email": "first@example.com", "role": "owner"})
        await browser.http.post(urlsplit(made.json()["link"]).path, data={"name": "First"})
        assert (await browser.http.get(path)).status_code == 404
    assert house.served.home.setup_token not in str(await house.rows("SELECT * FROM setup_links"))


@pytest.mark.parametrize("path", ["/setup/x", "/invite/x", "/invite/" + "A" * 43])
async def test_a_link_that_is_none_is_over(path: str, house: House) -> None:
    async with house.browser() as browser:
        for reply in (await browser.http.get(path), await browser.http.post(path, data={"name": "x"})):
            assert (reply.status_code, "LINK_OVER" in reply.text) == (404, True)
