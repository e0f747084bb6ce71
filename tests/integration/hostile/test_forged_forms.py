"""Every form and every change behind a session, sent from elsewhere: refused, and nothing is changed.

Made from the table of routes: a form that is added is in here by itself.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from control_plane.app import all_routes
from control_plane.dashboard.visit import TOKEN
from control_plane.services.pages.hash_page_password import hash_page_password
from control_plane.store.pool import Database
from control_plane.web.authentication import CSRF_HEADER
from control_plane.web.routes import Door, Route
from tests.support.dashboard import Desk, a_desk, token_of
from tests.support.fuzz_world import all_of_the_operator, all_of_the_tenant
from tests.support.matrix import path_of
from tests.support.pages import a_page
from tests.support.serving import OPERATOR_SECRET, settings_with

CAPABILITIES = {
    *("ping_by_post", "ping_start_by_post", "ping_fail_by_post", "ping_log_by_post", "ping_exit_code_by_post"),
    *("follow_acknowledge_link", "verify_address", "unsubscribe_address", "follow_delegation"),
    *("hear_telegram", "take_whatsapp_hook"),
    *("confirm_by_link", "choose_by_link", "unsubscribe_by_link", "confirm_public_subscription"),
    *("change_public_subscription", "end_public_subscription"),
}
"""Operations for which the address, or a secret of the vendor's, is all the credential there is."""
PROGRAMS = {"subscribe_to_public_page"}
"""For programs alone: their JSON is nothing that a browser sends for another site without asking us first."""
BEGINNINGS = {
    *("sign_in", "sign_in_operator", "set_up", "accept_invitation", "unlock_status_page", "take_subscribe_form"),
}
"""Forms of people who have no session yet: another site may not send them either, lest it choose who they are."""
SESSIONS = ("/app", "/logout", "/operator/ui")
RESTLESS = {"api_keys", "sessions", "idempotency_keys", "dispatches", "agents", "sign_ins"}
"""Change by being looked at."""
TABLES = """
SELECT c.relname FROM pg_class AS c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1
"""
MANY = {"security": {"failed_auth_per_minute": 100_000}, "rates": {"reads": None, "writes": None}}
FROM_ELSEWHERE: tuple[Mapping[str, str], ...] = (
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1:1"},
    {"Origin": "https://evil.example", "X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"},
)
FORM = "application/x-www-form-urlencoded"
"""The type of forms; browsers send the two others of RFC 7578 and HTML without asking first, too."""


_LAST = {"sign_out", "sign_out_operator", "end_sessions_from_page"}


def public_forms() -> list[Route]:
    return [route for route in all_routes() if route.door is Door.PUBLIC and route.method != "GET"]


def of_sessions() -> list[Route]:
    found = [route for route in public_forms() if route.path.startswith(SESSIONS)]
    return sorted(found, key=lambda route: route.operation in _LAST)


@dataclass(frozen=True, slots=True)
class Browsers:
    """Somebody who is signed in, with the token of their pages, and what their addresses can name."""

    http: httpx.AsyncClient
    token: str
    other: str
    """The token of another session of the same person."""
    known: Mapping[str, str]

    def paths(self, *, operator: bool) -> Iterator[str]:
        for route in of_sessions():
            if route.path.startswith("/operator") == operator:
                yield path_of(route, self.known)


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[Desk]:
    async with a_desk(database, settings_with(**MANY)) as made:
        yield made


@pytest.fixture
async def person(desk: Desk) -> AsyncIterator[Browsers]:
    async with desk.signed_in() as http, desk.signed_in() as again:
        known = await all_of_the_tenant(desk)
        token, other = [token_of((await each.get("/app/settings/tenant")).text) for each in (http, again)]
        yield Browsers(http, token, other, known)


@pytest.fixture
async def operator(desk: Desk) -> AsyncIterator[Browsers]:
    known = await all_of_the_operator(desk)
    async with desk.browser() as http, desk.browser() as again:
        for each in (http, again):
            await each.post("/sign-in/operator", data={"secret": OPERATOR_SECRET})
        token, other = [token_of((await each.get("/operator/ui/kill-switch")).text) for each in (http, again)]
        yield Browsers(http, token, other, known)


async def digests(database: Database) -> dict[str, str]:
    """Table → digest of all its rows."""
    async with database.owner() as conn:
        tables = [row[0] for row in await conn.fetch(TABLES)]
        asked = "SELECT md5(coalesce(string_agg(r::text, '|' ORDER BY r::text), '')) FROM {} r"
        return {table: await conn.fetchval(asked.format(table)) for table in tables if table not in RESTLESS}


async def forged(who: Browsers, *, operator: bool) -> list[str]:
    """The forms that were not refused, of all that another site could send."""
    wrong: list[str] = []
    for path in who.paths(operator=operator):
        for name, reply in [(name, await who.http.request(**ask)) async for name, ask in _forgeries(who, path)]:
            refused = reply.status_code in (403, 404, 405, 415) and "set-cookie" not in reply.headers
            if not refused:
                wrong.append(f"{path} {name}: {reply.status_code}")
    return wrong


async def _forgeries(who: Browsers, path: str) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    ask: dict[str, Any] = {"method": "POST", "url": path}
    yield "without a token", {**ask, "data": {"name": "x"}}
    for token in ("", "0" * 64, who.other, who.token[:-1], f"{who.token}0", "é"):
        yield f"with the token {token}", {**ask, "data": {TOKEN: token, "name": "x"}}
    for headers in FROM_ELSEWHERE:
        yield str(headers), {**ask, "headers": headers, "data": {TOKEN: who.token, "name": "x"}}
    typed = {"Content-Type": "text/plain", "Sec-Fetch-Site": "cross-site"}
    yield "as text", {**ask, "headers": typed, "content": f"{TOKEN}={who.token}"}
    files = {TOKEN: (None, who.token)}
    yield "in parts", {**ask, "files": files, "headers": {"Sec-Fetch-Site": "cross-site"}}
    for header in ("X-HTTP-Method-Override", "X-Method-Override"):
        params = {TOKEN: who.other, "_method": "POST", "name": "x"}
        yield header, {"method": "PUT", "url": path, "params": params, "headers": {header: "POST"}}


async def test_no_form_of_a_tenants_pages_is_taken_from_elsewhere(desk: Desk, person: Browsers) -> None:
    assert len(list(person.paths(operator=False))) > 50
    before = await digests(desk.database)
    assert await forged(person, operator=False) == []
    assert await _asked_for(person, operator=False) == []
    assert await digests(desk.database) == before
    assert await _taken(person, operator=False) == [], "our own pages' forms are taken"
    assert await digests(desk.database) != before


async def test_no_form_of_the_operators_pages_is_taken_from_elsewhere(desk: Desk, operator: Browsers) -> None:
    before = await digests(desk.database)
    assert await forged(operator, operator=True) == []
    assert await _asked_for(operator, operator=True) == []
    assert await digests(desk.database) == before
    assert await _taken(operator, operator=True) == []
    assert await digests(desk.database) != before


async def _asked_for(who: Browsers, *, operator: bool) -> list[str]:
    """Forms that broke when a link asked for them, with everything that the form would say."""
    params = {TOKEN: who.token, "name": "x", "confirm": "yes"}
    replies = [(path, await who.http.get(path, params=params)) for path in who.paths(operator=operator)]
    return [f"{path}: {reply.status_code}" for path, reply in replies if reply.status_code >= 500]


async def _taken(who: Browsers, *, operator: bool) -> list[str]:
    """The forms that are refused although they come from our own pages."""
    wrong: list[str] = []
    for path in who.paths(operator=operator):
        headers = {"Sec-Fetch-Site": "same-origin"}
        reply = await who.http.post(path, data={TOKEN: who.token, "name": "x"}, headers=headers)
        if "FOREIGN_FORM" in reply.text or reply.status_code >= 500:
            wrong.append(f"{path}: {reply.status_code}")
    return wrong


async def test_the_api_takes_no_change_under_a_session_without_its_token(desk: Desk, person: Browsers) -> None:
    before = await digests(desk.database)
    wrong: list[str] = []
    ours = [route for route in all_routes() if route.door is Door.TENANT and not route.open_]
    for route in ours:
        path, safe = path_of(route, person.known), route.method == "GET"
        cases: list[Mapping[str, str]] = [{**headers, CSRF_HEADER: person.token} for headers in FROM_ELSEWHERE]
        cases += [] if safe else [{}, {CSRF_HEADER: person.other}, {CSRF_HEADER: ""}]
        for headers in cases:
            reply = await person.http.request(route.method, path, headers=headers)
            code = reply.json()["error"]["code"] if reply.status_code == 403 else reply.status_code
            if code not in ("FOREIGN_REQUEST", "CSRF_TOKEN_INVALID"):
                wrong.append(f"{route.operation} {headers}: {code}")
    assert wrong == []
    assert len(ours) > 100
    assert await digests(desk.database) == before


async def test_nobody_is_signed_in_or_let_in_by_another_site(desk: Desk, person: Browsers) -> None:
    """Login forgery: the visitor would go on as somebody of the attacker's choice."""
    del person
    async with desk.database.app_transaction() as conn:
        digest = await hash_page_password("open sesame")
        await a_page(conn, desk.served.home.tenant_id, "locked-page", password_digest=digest)
        await a_page(conn, desk.served.home.tenant_id, "open-page")
    setup = desk.served.home.setup_token
    async with desk.served.tenant() as http:
        body = {"email": "guest@example.net", "role": "viewer"}
        invite = (await http.post("/api/v1/invitations", json=body)).json()["link"].rpartition("/")[2]
    data = {"key": desk.key, "secret": OPERATOR_SECRET, "name": "x", "email": "x@example.net", "tenant": "x"}
    data |= {"password": "open sesame", "way": "email"}
    named = {"set_up": setup, "accept_invitation": invite, "unlock_status_page": "locked-page"}
    before = await digests(desk.database)
    for route in (each for each in public_forms() if each.operation in BEGINNINGS):
        path = re.sub(r"{\w+(:[^}]*})?}?", named.get(route.operation, "open-page"), route.path)
        for headers in FROM_ELSEWHERE:
            async with desk.browser() as http:
                reply = await http.post(path, data=data, headers=headers)
            assert (reply.status_code, reply.headers.get("Set-Cookie")) == (403, None), (path, headers)
    assert await digests(desk.database) == before


def test_every_form_is_one_of_these_kinds() -> None:
    """A new form without a session either has its credential in the address, or begins a session."""
    rest = {route.operation for route in public_forms()} - {route.operation for route in of_sessions()}
    assert rest == CAPABILITIES | BEGINNINGS | PROGRAMS
    assert {route.form for route in public_forms() if route.operation in PROGRAMS} == {False}


def test_forms_say_that_they_are_forms() -> None:
    assert [route.operation for route in of_sessions() if not route.form or route.media] == []
    assert {route.method for route in of_sessions()} == {"POST"}
