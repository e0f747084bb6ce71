"""The operator's pages: who is let in, and every page and form behind the door."""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from control_plane.dashboard import OPERATOR_ROUTES
from control_plane.dashboard.visit import TOKEN
from control_plane.services.fleet.watch_fleet import watch_fleet
from control_plane.store.pool import Database
from control_plane.web.operator_session import LASTS, open_operator_session, read_operator_session
from tests.support.dashboard import Desk, a_desk, post, token_of
from tests.support.outbox import Outbox
from tests.support.serving import OPERATOR_SECRET, SETTINGS, control_plane, settings_with

UI = "/operator/ui"
SIGN_IN = "/sign-in/operator"
SOME_ID = "0197a2f0-0000-7000-8000-000000000000"
BEHIND = [(route.method, re.sub(r"{\w+}", SOME_ID, route.path)) for route in OPERATOR_ROUTES if route.path != SIGN_IN]
PAGES = (UI, f"{UI}/incidents", f"{UI}/tenants", f"{UI}/deliveries", f"{UI}/announcements", f"{UI}/kill-switch")
GONE = (
    "UPDATE agents SET lease_until = now() - interval '31 seconds' WHERE id = (SELECT min(id::text)::uuid FROM agents)"
)
GIVE_UP = "UPDATE deliveries SET state = 'dead', reason = 'Told 404', finished_at = now() WHERE id = ANY ($1::uuid[])"
WATCHED = """
INSERT INTO installation (name, value)
VALUES ('fleet_watch', jsonb_build_object('since', now() - interval '1 hour', 'last', now()))
"""


@asynccontextmanager
async def operating(desk: Desk) -> AsyncIterator[httpx.AsyncClient]:
    async with desk.browser() as http:
        reply = await http.post(SIGN_IN, data={"secret": OPERATOR_SECRET})
        assert (reply.status_code, reply.headers["Location"]) == (303, UI)
        yield http


@pytest.fixture
async def operator(desk: Desk) -> AsyncIterator[httpx.AsyncClient]:
    async with operating(desk) as http:
        yield http


@pytest.mark.parametrize(("method", "path"), BEHIND)
async def test_without_the_session_no_page_differs_from_none(
    method: str, path: str, desk: Desk, http: httpx.AsyncClient
) -> None:
    unknown = await http.request(method, "/operator/no-such-thing")
    async with desk.browser() as nobody:
        replies = [await nobody.request(method, path), await http.request(method, path)]
    for reply in replies:
        assert (reply.status_code, reply.json()["error"]["code"]) == (404, unknown.json()["error"]["code"])
        assert reply.json()["error"]["message"] == unknown.json()["error"]["message"]
    async with desk.served.operator() as program:
        assert (await program.request(method, path)).status_code in (404, 415)


async def test_the_session_opens_no_path_of_the_json_door(operator: httpx.AsyncClient) -> None:
    assert (await operator.get(UI)).status_code == 200
    for path in ("/operator/tenants", "/operator/fleet", "/operator/kill-switch", "/operator"):
        assert (await operator.get(path)).status_code == 404
    assert (await operator.get("/app")).status_code == 303
    assert (await operator.get("/api/v1/me")).status_code == 401


async def test_without_a_secret_there_is_no_page_to_sign_in(database: Database) -> None:
    settings = settings_with(operator={"secret": ""})
    async with control_plane(database, settings) as served, served.client() as http:
        for reply in (await http.get(SIGN_IN), await http.post(SIGN_IN, data={"secret": ""})):
            assert reply.status_code == 404
            assert reply.json()["error"]["code"] == "NOT_FOUND"


@pytest.mark.parametrize("secret", ["", "wrong", OPERATOR_SECRET[:-1], "ключ", "\x00", "x" * 5000])
async def test_a_wrong_secret_opens_nothing_and_is_not_repeated(secret: str, desk: Desk) -> None:
    async with desk.browser() as http:
        reply = await http.post(SIGN_IN, data={"secret": secret})
        assert reply.status_code == 401
        assert not http.cookies
        assert "not the operator" in reply.text
        assert "value=" not in reply.text.partition('name="secret"')[2].partition(">")[0]


async def test_wrong_secrets_of_one_address_are_slowed_down(database: Database) -> None:
    async with a_desk(database, settings_with(security={"failed_auth_per_minute": 3})) as desk, desk.browser() as http:
        statuses = [(await http.post(SIGN_IN, data={"secret": "wrong"})).status_code for _ in range(4)]
        right = await http.post(SIGN_IN, data={"secret": OPERATOR_SECRET})
    assert statuses == [401, 401, 401, 429]
    assert right.status_code == 429
    assert int(right.headers["Retry-After"]) > 0


async def test_another_site_cannot_sign_anybody_in(desk: Desk) -> None:
    async with desk.browser() as http:
        headers = {"Sec-Fetch-Site": "cross-site"}
        reply = await http.post(SIGN_IN, data={"secret": OPERATOR_SECRET}, headers=headers)
    assert reply.status_code == 403
    assert "Set-Cookie" not in reply.headers


async def test_the_cookie_is_strict_short_and_for_the_operators_paths_alone(desk: Desk) -> None:
    async with desk.browser() as http:
        cookie = (await http.post(SIGN_IN, data={"secret": OPERATOR_SECRET})).headers["Set-Cookie"]
    parts = {part.strip() for part in cookie.split(";")[1:]}
    assert parts == {"HttpOnly", "SameSite=Strict", "Path=/operator", "Max-Age=3600"}
    assert OPERATOR_SECRET not in cookie


async def test_behind_https_the_cookie_is_secure(database: Database) -> None:
    settings = settings_with(server={"public_url": "https://watch.example"})
    async with control_plane(database, settings) as served, served.client() as http:
        cookie = (await http.post(SIGN_IN, data={"secret": OPERATOR_SECRET})).headers["Set-Cookie"]
    assert cookie.startswith("__Secure-farwatch_operator=")
    assert "Secure" in cookie


def test_a_session_ends_by_itself_with_its_secret_and_when_it_is_changed() -> None:
    now = datetime(2026, 5, 1, tzinfo=UTC)
    response = web.Response()
    open_operator_session(make_mocked_request("GET", "/"), response, SETTINGS, now=now)
    value = response.cookies["farwatch_operator"].value

    def opens(cookie: str, settings: object = SETTINGS, at: datetime = now) -> bool:
        request = make_mocked_request("GET", "/", headers={"Cookie": f"farwatch_operator={cookie}"})
        return read_operator_session(request, settings, now=at) is not None  # type: ignore[arg-type]

    assert opens(value)
    assert opens(value, at=now + LASTS - timedelta(seconds=1))
    assert not opens(value, at=now + LASTS)
    assert not opens(value, settings_with(operator={"secret": "another secret of the operator"}))
    assert not opens(value, settings_with(operator={"secret": ""}))
    assert not opens(value, settings_with(security={"pepper": "another pepper that is long enough"}))
    longer = bytearray(base64.urlsafe_b64decode(value))
    longer[35] += 1
    for forged in (base64.urlsafe_b64encode(longer).decode(), value[:-4] + "AAAA", "", "x", "A" * 96, "é" * 96):
        assert not opens(forged)


async def test_signing_out_takes_the_session_away(operator: httpx.AsyncClient) -> None:
    reply = await post(operator, f"{UI}/sign-out", page=UI)
    assert (reply.status_code, reply.headers["Location"]) == (303, SIGN_IN)
    assert (await operator.get(UI)).status_code == 404


async def test_a_form_needs_the_token_of_this_session(desk: Desk, operator: httpx.AsyncClient) -> None:
    async with operating(desk) as other:
        foreign = token_of((await other.get(UI)).text)
    right = token_of((await operator.get(UI)).text)
    fields = {"reason": "planted", "sure": "yes"}
    for token in ("", "0" * 64, foreign, "ü"):
        assert (await operator.post(f"{UI}/kill-switch/stop", data={**fields, TOKEN: token})).status_code == 403
    headers = {"Origin": "https://evil.example"}
    data = {**fields, TOKEN: right}
    assert (await operator.post(f"{UI}/kill-switch/stop", data=data, headers=headers)).status_code == 403
    assert "Checks are dispatched" in (await operator.get(f"{UI}/kill-switch")).text


@pytest.mark.parametrize("path", PAGES)
async def test_every_page_is_there_and_kept_by_nobody(path: str, operator: httpx.AsyncClient) -> None:
    reply = await operator.get(path)
    assert reply.status_code == 200
    assert f'<a href="{path}" aria-current="page">' in reply.text
    assert reply.headers["Cache-Control"] == "no-store"
    assert "frame-ancestors 'none'" in reply.headers["Content-Security-Policy"]


async def test_the_fleet_shows_regions_and_agents(desk: Desk, operator: httpx.AsyncClient) -> None:
    async with desk.database.app() as conn:
        await conn.execute(
            "UPDATE agents SET version = '1.2.3', saturation = 0.91, strained = true, clock_offset_ms = -42"
        )
    text = (await operator.get(UI)).text
    assert "Europe" in text
    assert "1.2.3 on 3 agents" in text
    assert "91%" in text
    assert "-42 ms" in text
    one = (await operator.get(UI, params={"region": "nowhere"})).text
    assert "No agent fits" in one


async def test_an_incident_is_acknowledged(desk: Desk, operator: httpx.AsyncClient) -> None:
    async with desk.database.app() as conn:
        await conn.execute(GONE)
        await conn.execute(WATCHED)
    await watch_fleet(desk.database, release="0.0.1")
    path = f"{UI}/incidents"
    assert "open incident" in (await operator.get(UI)).text
    text = (await operator.get(path, params={"state": "open"})).text
    found = re.search(rf'action="({path}/[\w-]+/acknowledge)"', text)
    assert found is not None
    assert (await post(operator, found[1], page=path)).status_code == 303
    assert "acknowledged" in (await operator.get(path)).text
    async with desk.served.operator() as api:
        entry = (await api.get("/operator/audit", params={"object_kind": "operator_incident"})).json()["items"][0]
    assert (entry["actor_kind"], entry["source"]) == ("operator", "ui")
    unknown = await post(operator, f"{path}/{SOME_ID}/acknowledge", page=path)
    assert unknown.status_code == 404


async def test_a_tenant_is_found_replanned_suspended_and_released(desk: Desk, operator: httpx.AsyncClient) -> None:
    path, one = f"{UI}/tenants", f"{UI}/tenants/{desk.served.home.tenant_id}"
    assert str(desk.served.home.tenant_id) in (await operator.get(path, params={"q": "home"})).text
    assert "None fits" in (await operator.get(path, params={"q": "nobody"})).text
    assert (await post(operator, f"{one}/plan", page=path, plan="free")).status_code == 303
    assert "plan free" in (await operator.get(path)).text
    refused = await post(operator, f"{one}/plan", page=path, plan="golden")
    assert refused.status_code == 400
    assert 'role="alert"' in refused.text
    assert (await post(operator, f"{one}/suspend", page=path)).status_code == 303
    async with desk.served.tenant() as api:
        assert (await api.get("/api/v1/monitors")).status_code == 403
    assert "suspended" in (await operator.get(path, params={"state": "suspended"})).text
    assert (await post(operator, f"{one}/release", page=path)).status_code == 303
    async with desk.served.tenant() as api:
        assert (await api.get("/api/v1/monitors")).status_code == 200
    assert (await post(operator, f"{path}/{SOME_ID}/suspend", page=path)).status_code == 404


async def test_dead_letters_are_sent_again_one_by_one_and_together(desk: Desk, operator: httpx.AsyncClient) -> None:
    path = f"{UI}/deliveries"
    assert "Everything that was owed has arrived" in (await operator.get(path)).text
    outbox = Outbox(desk.database, desk.served.home.tenant_id)
    channel = await outbox.channel("http://127.0.0.1:9/hook")
    ids = [await outbox.owe(channel, await outbox.incident()) for _ in range(3)]
    async with desk.database.app() as conn:
        await conn.execute(GIVE_UP, ids)
    text = (await operator.get(path)).text
    assert "Send all 3 again" in text
    assert "Told 404" in text
    assert "Told 404" not in (await operator.get(path, params={"kind": "ntfy"})).text
    one = f"{path}/{ids[0]}/replay"
    assert (await post(operator, one, page=path)).status_code == 303
    twice = await post(operator, one, page=path)
    assert twice.status_code == 409
    assert "Only a dead delivery can be replayed" in twice.text
    rest = await post(operator, f"{path}/replay", page=path, kind="webhook")
    assert "2 messages sent again" in rest.text
    assert (await post(operator, f"{path}/{SOME_ID}/replay", page=path)).status_code == 404


async def test_the_kill_switch_wants_a_reason_and_a_yes(desk: Desk, operator: httpx.AsyncClient) -> None:
    path = f"{UI}/kill-switch"
    for fields in (
        {},
        {"reason": "", "sure": "yes"},
        {"reason": "a target called"},
        {"reason": "r" * 501, "sure": "yes"},
    ):
        refused = await post(operator, f"{path}/stop", page=path, **fields)
        assert refused.status_code == 400
        assert 'role="alert"' in refused.text
    assert "Checks are dispatched" in (await operator.get(path)).text
    stopped = await post(operator, f"{path}/stop", page=path, reason="<b>a target called</b>", sure="yes")
    assert stopped.status_code == 303
    text = (await operator.get(path)).text
    assert "All checks are stopped" in text
    assert "&lt;b&gt;a target called" in text
    async with desk.served.operator() as api:
        assert (await api.get("/operator/kill-switch")).json()["on"] is True
    assert (await post(operator, f"{path}/go-on", page=path)).status_code == 303
    assert "Checks are dispatched" in (await operator.get(path)).text


async def test_an_announcement_is_told_and_withdrawn(desk: Desk, operator: httpx.AsyncClient) -> None:
    path = f"{UI}/announcements"
    for fields in (
        {},
        {"title": "t" * 101},
        {"title": "Upkeep", "text": "t" * 2001},
        {"title": "Upkeep", "starts_at": "soon"},
        {"title": "Upkeep", "ends_at": "2020-01-01T00:00"},
    ):
        refused = await post(operator, path, page=path, **fields)
        assert refused.status_code == 400, fields
        assert 'role="alert"' in refused.text
    told = await post(operator, path, page=path, title="Upkeep <soon>", text="Ten minutes", ends_at="2099-01-01T00:00")
    assert told.status_code == 303
    text = (await operator.get(path)).text
    assert "Upkeep &lt;soon&gt;" in text
    assert "shown now" in text
    async with desk.served.operator() as api:
        items = (await api.get("/operator/announcements")).json()["items"]
    assert [each["title"] for each in items] == ["Upkeep <soon>"]
    found = re.search(rf'action="({path}/[\w-]+/withdraw)"', text)
    assert found is not None
    assert (await post(operator, found[1], page=path)).status_code == 303
    assert (await post(operator, found[1], page=path)).status_code == 404
