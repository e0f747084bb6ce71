"""Signing in with GitHub, and the fake that stands for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import parse_qs

import httpx
import pytest

from control_plane.store.pool import Database
from tests.support.fake_github import CLIENT_ID, CLIENT_SECRET, Account, FakeGithub, fake_github
from tests.support.people import ORIGIN, Browser, House, a_house, inner
from tests.support.serving import settings_with

CALLBACK = f"{ORIGIN}/auth/github/callback"


@pytest.fixture
async def github() -> AsyncIterator[FakeGithub]:
    async with fake_github(CALLBACK) as made:
        yield made


@pytest.fixture
async def house(database: Database, github: FakeGithub) -> AsyncIterator[House]:
    auth = {
        "github_client_id": CLIENT_ID,
        "github_client_secret": CLIENT_SECRET,
        "github_url": github.origin,
        "github_api_url": f"{github.origin}/api",
        "allow_cidrs": ("127.0.0.0/8",),
        "allowed_domains": ("example.com",),
    }
    async with a_house(database, settings_with(server={"public_url": ORIGIN}, auth=auth)) as made:
        yield made


async def go(browser: Browser, github: FakeGithub, account: Account, *, query: str = "") -> httpx.Response:
    away = await browser.http.get(f"/auth/github/login{query}")
    assert away.status_code == 303, away.text
    return await browser.http.get(inner(github.sign_in(away.headers["Location"], account)))


async def test_a_person_comes_in_by_the_primary_verified_address(house: House, github: FakeGithub) -> None:
    async with house.browser() as browser:
        assert (await go(browser, github, Account())).status_code == 303
        me = await browser.me()
    assert (me["member"]["name"], me["member"]["email"]) == ("Ana", "ana@example.com")
    rows = await house.rows("SELECT issuer, subject FROM user_identities")
    assert rows == [{"issuer": github.origin, "subject": "583231"}]


async def test_a_renamed_account_is_the_same_person(house: House, github: FakeGithub) -> None:
    async with house.browser() as browser:
        await go(browser, github, Account())
        first = (await browser.me())["member"]["id"]
        await go(browser, github, Account(login="ana-2", name=None))
        assert (await browser.me())["member"]["id"] == first


@pytest.mark.parametrize(
    "emails",
    [
        [],
        [{"email": "ana@example.com", "primary": True, "verified": False}],
        [{"email": "ana@example.com", "primary": False, "verified": True}],
    ],
)
async def test_an_address_that_is_not_verified_opens_nothing(
    emails: list[dict[str, object]], house: House, github: FakeGithub
) -> None:
    async with house.browser() as browser:
        reply = await go(browser, github, Account(emails=emails))
        assert (reply.status_code, "EMAIL_NOT_VERIFIED" in reply.text) == (403, True)


async def test_an_invitation_is_accepted_by_its_own_address_alone(house: House, github: FakeGithub) -> None:
    async with house.served.tenant() as http:
        body = {"email": "Guest@Elsewhere.Example", "role": "admin"}
        link = (await http.post("/api/v1/invitations", json=body)).json()["link"]
    token = link.rpartition("/")[2]
    assert link == f"{ORIGIN}/invite/{token}"
    async with house.browser() as browser:
        page = (await browser.http.get(f"/invite/{token}")).text
        assert f"/auth/github/login?link={token}" in page
        assert (await browser.http.post(f"/invite/{token}", data={"name": "x"})).status_code == 403
        wrong = await go(browser, github, Account(), query=f"?link={token}")
        assert (wrong.status_code, "WRONG_EMAIL" in wrong.text) == (403, True)
        guest = Account(7, "guest", None, [{"email": "guest@elsewhere.example", "primary": True, "verified": True}])
        assert (await go(browser, github, guest, query=f"?link={token}")).status_code == 303
        me = await browser.me()
        assert (me["member"]["role"], me["member"]["name"]) == ("admin", "guest")
        assert (await browser.http.get(f"/invite/{token}")).status_code == 404, "it is used up"
        assert (await go(browser, github, guest)).status_code == 303, "a member needs no link"


async def test_the_first_owner_names_the_tenant_and_comes_from_github(house: House, github: FakeGithub) -> None:
    path = f"/setup/{house.served.home.setup_token}"
    async with house.browser() as browser:
        named = await browser.http.post(path, data={"tenant": "Acme"})
        assert named.headers["Location"] == f"{path}?named=1"
        assert "Acme" in (await browser.http.get(named.headers["Location"])).text
        reply = await go(browser, github, Account(), query=f"?link={house.served.home.setup_token}")
        assert reply.status_code == 303
        me = await browser.me()
        assert (me["tenant"]["name"], me["member"]["role"]) == ("Acme", "owner")
        assert (await browser.http.get(path)).status_code == 404


# What the fake itself holds to.


async def a_token(github: FakeGithub, scope: str = "user:email") -> str:
    where = f"{github.origin}/login/oauth/authorize?client_id={CLIENT_ID}&scope={scope}&state=s"
    back = httpx.URL(github.sign_in(where, Account()))
    assert back.params["state"] == "s"
    form = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "code": back.params["code"]}
    async with httpx.AsyncClient() as http:
        url = f"{github.origin}/login/oauth/access_token"
        plain = (await http.post(url, data=form)).text
        again = await http.post(url, data=form, headers={"Accept": "application/json"})
    assert again.json() == {"error": "bad_verification_code"}, "a code counts once"
    return parse_qs(plain)["access_token"][0]


async def test_the_fake_answers_in_a_form_unless_json_is_asked_for(github: FakeGithub) -> None:
    assert (await a_token(github)).startswith("gho_")


async def test_the_fake_keeps_addresses_from_who_did_not_ask_for_them(github: FakeGithub) -> None:
    token = await a_token(github, scope="read:user")
    async with httpx.AsyncClient(base_url=github.origin, headers={"Authorization": f"Bearer {token}"}) as http:
        assert (await http.get("/api/user")).json()["id"] == 583231
        assert (await http.get("/api/user/emails")).status_code == 404
        assert (await http.get("/api/user", headers={"User-Agent": ""})).status_code == 403
        assert (await http.get("/api/user", headers={"Authorization": "Bearer x"})).status_code == 401


async def test_the_fake_sends_nobody_to_another_address(github: FakeGithub) -> None:
    where = f"{github.origin}/login/oauth/authorize?client_id={CLIENT_ID}&redirect_uri=https://evil.example/"
    assert github.sign_in(where, Account()) == f"{CALLBACK}?error=redirect_uri_mismatch"
