"""Sessions: on the tenant's door, one's own list, their ends, and what other sites cannot do with them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from control_plane.services.installation.forget_old_rows import forget_old_rows
from control_plane.settings import RetentionSettings
from control_plane.web.authentication import REMEMBERED_S
from tests.support.people import Browser, House, code_of
from tests.support.waiting import until_async

SOME_ID = "0197a2f0-0000-7000-8000-000000000000"
COOKIE = "farwatch_session"


async def by_key(house: House, browser: Browser) -> Browser:
    reply = await browser.http.post("/login", data={"key": house.served.home.api_key})
    assert reply.status_code == 303
    return browser


async def test_a_page_of_ours_may_use_the_tenants_door(house: House, owner: Browser) -> None:
    made = await owner.api("POST", "/monitors", {"name": "API", "check": {"type": "heartbeat", "period": 3600}})
    assert made.status_code == 201, made.text
    assert made.json()["write_source"] == "ui"
    assert (await owner.http.get("/api/v1/monitors")).json()["total"] == 1


async def test_a_session_of_a_key_may_what_the_key_may(house: House) -> None:
    async with house.browser() as browser:
        me = await (await by_key(house, browser)).me()
    assert me["key"]["label"] == "First key"
    assert me["member"] is None
    assert me["session"]["csrf_token"]


@pytest.mark.parametrize("token", [None, "", "0" * 64, "é"])
async def test_what_changes_something_needs_the_sessions_token(token: str | None, owner: Browser) -> None:
    headers = {} if token is None else {b"X-CSRF-Token": token.encode()}
    reply = await owner.http.post("/api/v1/invitations", json={"email": "x@example.com"}, headers=headers)
    assert code_of(reply) == (403, "CSRF_TOKEN_INVALID")
    assert (await owner.api("GET", "/invitations")).json()["total"] == 0


async def test_the_token_of_another_session_is_none(house: House, owner: Browser) -> None:
    async with house.browser() as other:
        foreign = (await (await by_key(house, other)).me())["session"]["csrf_token"]
    headers = {"X-CSRF-Token": foreign}
    reply = await owner.http.post("/api/v1/invitations", json={"email": "x@example.com"}, headers=headers)
    assert code_of(reply) == (403, "CSRF_TOKEN_INVALID")


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_another_site_cannot_use_it(method: str, headers: dict[str, str], owner: Browser) -> None:
    token = (await owner.me())["session"]["csrf_token"]
    headers = {**headers, "X-CSRF-Token": token}
    reply = await owner.http.request(method, "/api/v1/invitations", headers=headers)
    assert code_of(reply) == (403, "FOREIGN_REQUEST")


async def test_a_key_in_the_header_counts_more_than_the_cookie(house: House, owner: Browser) -> None:
    headers = {"Authorization": f"Bearer {house.served.home.api_key}", "Sec-Fetch-Site": "cross-site"}
    assert (await owner.http.get("/api/v1/me", headers=headers)).json()["session"] is None
    wrong = await owner.http.get("/api/v1/me", headers={"Authorization": "Bearer nonsense"})
    assert code_of(wrong) == (401, "UNAUTHENTICATED")


async def test_one_sees_and_ends_ones_own_sessions_alone(house: House, owner: Browser) -> None:
    async with house.browser() as key, house.joined(owner, "adam@example.com", "admin") as adam:
        await by_key(house, key)
        mine = (await owner.api("GET", "/me/sessions")).json()["items"]
        assert [(each["current"], each["address"]) for each in mine] == [(True, "127.0.0.1")]
        assert mine[0]["user_agent"].startswith("python-httpx")
        theirs = (await adam.api("GET", "/me/sessions")).json()["items"][0]["id"]
        keys = (await key.api("GET", "/me/sessions")).json()["items"][0]["id"]
        for foreign in (theirs, keys, SOME_ID):
            assert code_of(await owner.api("DELETE", f"/me/sessions/{foreign}")) == (404, "SESSION_NOT_FOUND")
        assert (await owner.api("DELETE", f"/me/sessions/{mine[0]['id']}")).status_code == 204
        assert (await owner.http.get("/api/v1/me")).status_code == 401, "at once"
        assert (await adam.http.get("/api/v1/me")).status_code == 200


async def test_signing_out_everywhere_ends_them_all(house: House) -> None:
    async with house.browser() as first, house.browser() as second:
        await by_key(house, first)
        await by_key(house, second)
        assert len((await first.api("GET", "/me/sessions")).json()["items"]) == 2
        assert (await first.api("DELETE", "/me/sessions")).status_code == 204
        for browser in (first, second):
            assert (await browser.http.get("/api/v1/me")).status_code == 401
    async with house.served.tenant() as http:
        assert (await http.get("/api/v1/me")).status_code == 200, "the key itself works on"


async def test_a_session_ended_elsewhere_is_heard_of(house: House, owner: Browser) -> None:
    assert (await owner.http.get("/api/v1/me")).status_code == 200
    await house.rows("DELETE FROM sessions")
    await house.rows("SELECT pg_notify('farwatch_sessions', '')")

    async def ended() -> bool:
        return (await owner.http.get("/api/v1/me")).status_code == 401

    await until_async(ended, "the session has ended")


async def test_signing_in_makes_a_new_secret_and_ends_what_was_there(house: House) -> None:
    async with house.browser() as browser:
        await by_key(house, browser)
        before = browser.http.cookies[COOKIE]
        await by_key(house, browser)
        assert browser.http.cookies[COOKIE] != before
        assert len(await house.rows("SELECT FROM sessions")) == 1
        async with house.browser() as thief:
            thief.http.cookies.set(COOKIE, before)
            assert (await thief.http.get("/app")).status_code == 303


async def test_a_planted_cookie_does_not_become_a_session(house: House) -> None:
    async with house.browser() as victim:
        planted = "A" * 64
        victim.http.cookies.set(COOKIE, planted, domain="127.0.0.1", path="/")
        await by_key(house, victim)
        assert planted not in [cookie.value for cookie in victim.http.cookies.jar]
        async with house.browser() as attacker:
            attacker.http.cookies.set(COOKIE, planted)
            assert (await attacker.http.get("/app")).status_code == 303


@pytest.mark.parametrize(
    "age",
    ["expires_at = now()", "last_seen_at = now() - interval '7 days'"],
)
async def test_a_session_runs_out(age: str, house: House, owner: Browser) -> None:
    assert (await owner.http.get("/api/v1/me")).status_code == 200
    await house.rows(f"UPDATE sessions SET {age}")

    async def ended() -> bool:
        return (await owner.http.get("/api/v1/me")).status_code == 401

    await until_async(ended, "the session runs out", timeout=REMEMBERED_S + 10)


async def test_use_keeps_it_alive_and_is_noted(house: House, owner: Browser) -> None:
    await house.rows("UPDATE sessions SET last_seen_at = now() - interval '6 days'")
    house.served.deps.authenticator.forget_sessions()
    assert (await owner.http.get("/api/v1/me")).status_code == 200
    assert await house.rows("SELECT FROM sessions WHERE last_seen_at > now() - interval '1 minute'")


async def test_the_database_holds_no_secret_of_it(house: House, owner: Browser) -> None:
    cookie = owner.http.cookies[COOKIE]
    row = (await house.rows("SELECT digest, user_agent, address FROM sessions"))[0]
    assert cookie.encode() not in row["digest"]
    assert len(row["digest"]) == 32


async def test_what_ran_out_is_forgotten(house: House, owner: Browser) -> None:
    await house.rows("UPDATE sessions SET expires_at = now() - interval '1 second'")
    now = house.served.deps.now() + timedelta(seconds=1)
    await forget_old_rows(house.database, settings=RetentionSettings(), now=now)
    assert await house.rows("SELECT FROM sessions") == []
