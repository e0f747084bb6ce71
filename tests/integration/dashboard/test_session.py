"""Signing in and out, and what keeps others from using the session."""

from __future__ import annotations

import asyncio
import re

import httpx
import pytest

from control_plane.dashboard import ROUTES
from control_plane.dashboard.visit import TOKEN
from control_plane.store.pool import Database
from control_plane.web import authentication, sse
from control_plane.web.authentication import REMEMBERED_S
from tests.support.dashboard import Desk, a_desk, post, token_of
from tests.support.serving import control_plane, settings_with
from tests.support.waiting import until_async

SOME_ID = "0197a2f0-0000-7000-8000-000000000000"
OPEN = {
    "/",
    "/login",
    "/sw.js",
    "/app.webmanifest",
    "/favicon.ico",
    "/static/{digest}/{name}",
    "/auth/{provider}/login",
    "/auth/{provider}/callback",
}
GUARDED = [
    (
        route.method,
        re.sub(r"{\w+_id}", SOME_ID, route.path)
        .replace("{region}", "eu")
        .replace("{kind}", "webhook")
        .replace("{rest:.*}", "x"),
    )
    for route in ROUTES
    if route.path not in OPEN and not route.path.startswith(("/setup/", "/invite/", "/docs", "/connect/"))
]
WRONG_KEYS = ("", "x", "fw_live_short", "fw_live_" + "A" * 49, "ключ", "a\x00b", "k" * 5000)


@pytest.mark.parametrize(("method", "path"), GUARDED)
async def test_without_a_session_every_page_leads_to_signing_in(method: str, path: str, desk: Desk) -> None:
    async with desk.browser() as stranger:
        reply = await stranger.request(method, path, data={} if method == "POST" else None)
    assert reply.status_code == 303
    assert reply.headers["Location"].partition("?")[0] == "/"


@pytest.mark.parametrize("key", WRONG_KEYS)
async def test_a_wrong_key_opens_nothing_and_is_not_repeated(key: str, desk: Desk) -> None:
    async with desk.browser() as stranger:
        reply = await stranger.post("/login", data={"key": key})
        assert reply.status_code == 401
        assert "not valid here" in reply.text
        assert not stranger.cookies
        assert 'name="key"' in reply.text
        assert "value=" not in reply.text.partition('name="key"')[2].partition(">")[0]


async def test_many_wrong_keys_of_one_address_are_slowed_down(database: Database) -> None:
    async with a_desk(database, settings_with(security={"failed_auth_per_minute": 3})) as desk, desk.browser() as http:
        statuses = [(await http.post("/login", data={"key": "wrong"})).status_code for _ in range(4)]
        refused = await http.post("/login", data={"key": "wrong"})
    assert statuses == [401, 401, 401, 429]
    assert int(refused.headers["Retry-After"]) > 0


async def test_the_cookie_is_for_http_alone_and_stays_on_this_site(desk: Desk) -> None:
    async with desk.browser() as http:
        cookie = (await http.post("/login", data={"key": desk.key})).headers["Set-Cookie"]
    assert {part.strip() for part in cookie.split(";")[1:]} == {
        "HttpOnly",
        "SameSite=Lax",
        "Path=/",
        f"Max-Age={desk.served.deps.settings.auth.session_days * 86_400}",
    }
    assert desk.key not in cookie


async def test_behind_https_the_cookie_is_secure(database: Database) -> None:
    settings = settings_with(server={"public_url": "https://watch.example"})
    async with control_plane(database, settings) as served, served.client() as http:
        cookie = (await http.post("/login", data={"key": served.home.api_key})).headers["Set-Cookie"]
    assert cookie.startswith("__Host-farwatch_session=")
    assert "Secure" in cookie


async def test_the_session_ends_with_its_key(desk: Desk, http: httpx.AsyncClient) -> None:
    assert (await http.get("/app")).status_code == 200
    async with desk.database.app() as conn:
        await conn.execute("UPDATE api_keys SET expires_at = now() WHERE tenant_id = $1", desk.served.home.tenant_id)

    async def ended() -> bool:
        return (await http.get("/app")).status_code == 303

    await until_async(ended, "the session ends", timeout=REMEMBERED_S + 3)


async def test_an_open_stream_ends_with_the_key_of_its_session(
    desk: Desk, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sse, "COMMENT_S", 0.05)
    monkeypatch.setattr(authentication, "REMEMBERED_S", 0.05)
    async with http.stream("GET", "/app/events") as stream, desk.database.app() as conn:
        assert stream.headers["Content-Type"] == "text/event-stream"
        await conn.execute("DELETE FROM api_keys WHERE tenant_id = $1", desk.served.home.tenant_id)
        async with asyncio.timeout(10):
            read = [line async for line in stream.aiter_lines()]
    assert read[0] == "retry: 3000"


async def test_signing_in_again_makes_another_session(desk: Desk) -> None:
    async with desk.browser() as http:
        seen = set()
        for _ in range(3):
            await http.post("/login", data={"key": desk.key})
            seen.add((next(iter(http.cookies.jar)).value, token_of((await http.get("/app")).text)))
    assert len(seen) == len({token for _, token in seen}) == 3


async def test_signing_out_takes_the_session_away(http: httpx.AsyncClient) -> None:
    reply = await post(http, "/logout")
    assert (reply.status_code, reply.headers["Location"]) == (303, "/")
    assert not http.cookies
    assert (await http.get("/app")).status_code == 303


@pytest.mark.parametrize("cookie", ["", "x", "AQJrMQ", "é", "A" * 4000, "====", "AAAA"])
async def test_a_cookie_that_is_not_ours_is_no_session(cookie: str, desk: Desk) -> None:
    async with desk.browser() as http:
        headers = {b"Cookie": f"farwatch_session={cookie}".encode()}
        assert (await http.get("/app", headers=headers)).status_code == 303


async def test_a_form_needs_the_token_of_its_own_session(desk: Desk, http: httpx.AsyncClient) -> None:
    async with desk.signed_in() as other:
        foreign = token_of((await other.get("/app")).text)
    fields = {"url": "http://127.0.0.1:1/", "name": "Planted", "regions": "eu"}
    for token in ({}, {TOKEN: ""}, {TOKEN: "0" * 64}, {TOKEN: foreign}, {TOKEN: "ü"}):
        reply = await http.post("/app/monitors", data={**fields, **token})
        assert reply.status_code == 403
        assert "Nothing was changed" in reply.text
    assert "Planted" not in (await http.get("/app")).text


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://[::1"},
    ],
)
async def test_a_form_sent_by_another_site_is_refused(headers: dict[str, str], http: httpx.AsyncClient) -> None:
    token = token_of((await http.get("/app")).text)
    reply = await http.post("/logout", data={TOKEN: token}, headers=headers)
    assert reply.status_code == 403
    assert (await http.get("/app")).status_code == 200
    assert (await http.post("/login", data={"key": "x"}, headers=headers)).status_code == 403


async def test_our_own_origin_is_welcome(desk: Desk, http: httpx.AsyncClient) -> None:
    token = token_of((await http.get("/app")).text)
    reply = await http.post("/logout", data={TOKEN: token}, headers={"Origin": desk.url})
    assert reply.status_code == 303


async def test_after_signing_in_one_is_where_one_wanted_to_be(desk: Desk) -> None:
    path = f"/app/monitors/{await desk.monitor()}"
    async with desk.browser() as http:
        asked = await http.get(path)
        front = await http.get(asked.headers["Location"])
        assert f'name="next" value="{path}"' in front.text
        reply = await http.post("/login", data={"key": desk.key, "next": path})
    assert reply.headers["Location"] == path


@pytest.mark.parametrize(
    "there",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "/app\r\nX: y", "/api/v1/me", "javascript:1"],
)
async def test_signing_in_leads_to_the_dashboard_alone(there: str, desk: Desk) -> None:
    async with desk.browser() as http:
        reply = await http.post("/login", data={"key": desk.key, "next": there})
    assert reply.headers["Location"] == "/app"


async def test_who_is_signed_in_skips_the_front_page(http: httpx.AsyncClient) -> None:
    reply = await http.get("/")
    assert (reply.status_code, reply.headers["Location"]) == (303, "/app")


async def test_a_suspended_tenant_is_told_so(desk: Desk, http: httpx.AsyncClient) -> None:
    async with desk.database.app() as conn:
        await conn.execute("UPDATE tenants SET suspended_at = now()")

    async def told() -> bool:
        reply = await http.get("/app")
        return reply.status_code == 403 and "suspended" in reply.text

    await until_async(told, "the suspension shows", timeout=REMEMBERED_S + 3)
