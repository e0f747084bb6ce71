"""`/` for strangers: what Farwatch is, a status page, or what everybody shows; and pages for what is not there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from control_plane.store.pool import Database
from tests.support.dashboard import Desk
from tests.support.zero_signup import a_strangers_monitor, a_strangers_page, an_open_desk

HTML = {"Accept": "text/html"}


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[Desk]:
    async with an_open_desk(database) as made:
        yield made


async def set_front(desk: Desk, **settings: Any) -> None:
    async with desk.served.operator() as http:
        reply = await http.patch("/operator/settings", json=settings)
    assert reply.status_code == 200, reply.text


async def seen(desk: Desk, path: str = "/", **headers: str) -> httpx.Response:
    async with desk.served.client(**HTML, **headers) as http:
        return await http.get(path)


async def test_a_fresh_installation_says_what_to_do_next_until_somebody_did_it(desk: Desk) -> None:
    first = await seen(desk)
    assert "Nobody has signed in here yet" in first.text
    assert "setup link" in first.text
    await a_strangers_monitor(desk)
    desk.served.deps.recently._kept.clear()
    later = await seen(desk)
    assert "Nobody has signed in here yet" not in later.text
    assert "Uptime you can trust" in later.text


async def test_the_operator_chooses_a_page_and_the_way_in_stays_open(desk: Desk) -> None:
    async with desk.served.tenant() as http:
        made = await http.post("/api/v1/status-pages", json={"slug": "acme", "title": "Acme status"})
        await set_front(desk, front="page", front_page="acme", site_name="Watchtower Inc")
        assert "Watchtower Inc" in (await seen(desk)).text, "a draft leaves / to Farwatch's own page"
        await http.patch(f"/api/v1/status-pages/{made.json()['id']}", json={"state": "published"})
    page = await seen(desk)
    assert (page.status_code, "Acme status" in page.text) == (200, True)
    assert "fw_live_" not in page.text
    for path in ("/login", "/?next=/app/monitors"):
        assert "API key" in (await seen(desk, path)).text
    async with desk.served.client(**HTML) as http:
        turned_away = await http.get("/app", follow_redirects=True)
    assert "API key" in turned_away.text, "whoever wants in is not led back to the page"
    assert len(turned_away.history) == 1


async def test_everybodys_list_shows_what_is_public_and_nothing_else(desk: Desk) -> None:
    await a_strangers_monitor(desk, name="Public shop", is_public=True)
    await a_strangers_monitor(desk, name="Secret project", check="https://secret.example.com/")
    await a_strangers_page(desk, slug="found", title="To be found", is_public=True)
    await a_strangers_page(desk, slug="hidden", title="Not to be found")
    await a_strangers_page(desk, slug="draft", title="A draft", is_public=True, state="draft")
    await set_front(desk, front="everybody")
    for path in ("/", "/status"):
        listed = await seen(desk, path)
        assert listed.status_code == 200
        assert ("Public shop" in listed.text, "To be found" in listed.text) == (True, True)
        for hidden in ("Secret project", "Not to be found", "A draft", "example.com"):
            assert hidden not in listed.text
        assert "rel=" not in listed.text.split("<main")[1], "one page of the list"
    assert "Für alle zu sehen" in (await seen(desk, "/status", **{"Accept-Language": "de"})).text
    async with desk.served.operator() as http:
        anonymous = "/operator/tenants/00000000-0000-0000-0000-000000000001"
        assert (await http.patch(anonymous, json={"suspended": True})).status_code == 200
    assert "Public shop" not in (await seen(desk, "/status")).text


async def test_people_at_a_browser_read_a_page_and_programs_are_told_an_error(desk: Desk) -> None:
    nowhere = await seen(desk, "/no/such/page")
    assert (nowhere.status_code, nowhere.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert "Nothing here" in nowhere.text
    assert "no/such" not in nowhere.text
    veiled = await seen(desk, "/operator/tenants")
    assert (veiled.status_code, veiled.text) == (404, nowhere.text), "nothing tells that this is a door"
    assert (await seen(desk, "/api/v1/nothing")).headers["Content-Type"] == "application/json"
    async with desk.served.client() as http:
        assert (await http.get("/no/such/page")).json()["error"]["code"] == "NOT_FOUND"
    assert "Nothing here" in (await seen(desk, "/status/nobody")).text


async def test_without_zero_signup_there_is_no_list(database: Database) -> None:
    async with an_open_desk(database, enabled=False) as closed:
        await set_front(closed, front="everybody")
        assert "Uptime you can trust" in (await seen(closed)).text
        assert (await seen(closed, "/status")).status_code == 404
