"""Incidents in the dashboard: the list and its filters, declaring, and the whole of one incident's page."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from html import unescape
from typing import Any

import httpx
import pytest

from control_plane.store.pool import Database
from tests.support.dashboard import Desk, a_desk, post
from tests.support.serving import settings_with

NEW = "/app/incidents/new"


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[Desk]:
    async with a_desk(database, settings_with(delivery={"allow_cidrs": ("127.0.0.0/8",)})) as made:
        yield made


async def declared(desk: Desk, **body: Any) -> str:
    async with desk.served.tenant() as api:
        reply = await api.post("/api/v1/incidents", json={"title": "Cards fail", **body})
    assert reply.status_code == 201, reply.text
    return str(reply.json()["id"])


async def read(desk: Desk, path: str) -> dict[str, Any]:
    async with desk.served.tenant() as api:
        shown: dict[str, Any] = (await api.get(f"/api/v1{path}")).json()
    return shown


def titles(page: str) -> list[str]:
    return [unescape(each) for each in re.findall(r'<a class="incident-title"[^>]*>([^<]+)</a>', page)]


def problem(page: str, name: str) -> str:
    found = re.search(rf'<p class="problem" id="{name}-problem">([^<]+)</p>', page)
    assert found is not None, f"nothing is said of {name}"
    return unescape(found[1])


async def test_an_empty_list_says_how_incidents_come_to_be(http: httpx.AsyncClient) -> None:
    page = (await http.get("/app/incidents")).text
    assert "No incident so far" in page
    assert "enough regions prove" in page
    assert 'href="/app/incidents/new"' in page


async def test_open_ones_come_first_and_the_address_narrows_the_list(desk: Desk, http: httpx.AsyncClient) -> None:
    shop = str(await desk.monitor(name="Shop", tags=["prod"]))
    first = await declared(desk, title="Old one", severity="minor")
    await declared(desk, title="Shop fails", severity="critical", monitor_ids=[shop])
    await declared(desk, title="Slow", severity="minor")
    async with desk.served.tenant() as api:
        await api.post(f"/api/v1/incidents/{first}/resolve")

    async def listed(query: str) -> list[str]:
        reply = await http.get(f"/app/incidents{query}")
        assert reply.status_code == 200
        return titles(reply.text)

    assert await listed("") == ["Slow", "Shop fails", "Old one"]
    assert await listed("?state=open") == ["Slow", "Shop fails"]
    assert await listed("?state=resolved") == ["Old one"]
    assert await listed("?severity=critical") == ["Shop fails"]
    assert await listed(f"?monitor={shop}") == ["Shop fails"]
    assert await listed("?tag=prod") == ["Shop fails"]
    assert await listed("?tag=nothing") == []
    assert await listed("?q=OLD") == ["Old one"]
    assert await listed("?severity=minor&state=open") == ["Slow"]
    assert await listed("?state=x&severity=x&monitor=x&page=x&days=x") == ["Slow", "Shop fails", "Old one"]
    assert (await http.get("/app/incidents?page=9")).status_code == 404
    page = (await http.get("/app/incidents?severity=critical&days=7")).text
    assert 'href="/app/incidents?state=resolved&amp;severity=critical&amp;days=7"' in page
    assert "No incident matches" in (await http.get("/app/incidents?tag=nothing")).text


async def test_the_figures_are_those_of_the_api(desk: Desk, http: httpx.AsyncClient) -> None:
    shop = str(await desk.monitor(name="Shop"))
    one = await declared(desk, monitor_ids=[shop])
    async with desk.served.tenant() as api:
        await api.post(f"/api/v1/incidents/{one}/acknowledge")
        await api.post(f"/api/v1/incidents/{one}/resolve")
        stats = (await api.get("/api/v1/incidents/stats")).json()
    page = (await http.get("/app/incidents")).text
    shown = re.findall(r"<dd>([^<]+)</dd>", page)
    assert shown[0] == str(stats["total"]) == "1"
    assert shown[1].endswith(" s")
    assert f'<a href="/app/incidents?monitor={shop}">Shop</a>' in page
    assert re.findall(r"<dd>([^<]+)</dd>", (await http.get(f"/app/incidents?monitor={shop}&days=90")).text)[0] == "1"


async def test_the_living_part_of_the_list_comes_alone(desk: Desk, http: httpx.AsyncClient) -> None:
    await declared(desk)
    part = (await http.get("/app/incidents?fragment=1")).text
    assert "<html" not in part
    assert titles(part) == ["Cards fail"]


async def test_somebody_declares_an_incident(desk: Desk, http: httpx.AsyncClient) -> None:
    shop = str(await desk.monitor(name="Shop"))
    reply = await post(
        http,
        NEW,
        page=NEW,
        title="Cards fail",
        type="degraded",
        severity="critical",
        phase="identified",
        monitors=[shop],
        public_title="Payments",
        public_text="Some cards\r\nare refused",
        message="It began with the deploy",
        notify="yes",
    )
    assert reply.status_code == 303, reply.text
    made = await read(desk, reply.headers["Location"].partition("?")[0].removeprefix("/app"))
    assert (made["title"], made["type"], made["severity"]) == ("Cards fail", "degraded", "critical")
    assert (made["phase"], made["public_title"]) == ("identified", "Payments")
    assert {"It began with the deploy", "Some cards\nare refused"} <= {line["text"] for line in made["timeline"]}
    page = (await http.get(reply.headers["Location"])).text
    assert "The incident is declared." in page
    assert "no channel is bound to it" in page


@pytest.mark.parametrize(
    ("wrong", "field", "said"),
    [
        ({"title": ""}, "title", "1 to 200"),
        ({"title": "x" * 201}, "title", "1 to 200"),
        ({"public_title": "x" * 201}, "public_title", "1 to 200"),
        ({"public_text": "x" * 2001}, "public_text", "2001 characters"),
        ({"message": "x" * 10001}, "message", "10001 characters"),
        ({"severity": "awful"}, "severity", "one of"),
        ({"started_at": "yesterday"}, "started_at", "a day and a time"),
        ({"started_at": "2001-01-01T00:00"}, "started_at", "90 days"),
    ],
    ids=["no-title", "long-title", "public-title", "public-text", "note", "severity", "time", "too-early"],
)
async def test_a_refused_declaration_names_the_field_and_keeps_the_rest(
    *, wrong: dict[str, str], field: str, said: str, desk: Desk, http: httpx.AsyncClient
) -> None:
    good = {"title": "Cards fail", "type": "degraded", "severity": "minor", "phase": "identified", "message": "Hm"}
    reply = await post(http, NEW, page=NEW, **{**good, **wrong})
    assert reply.status_code == 400
    assert said in problem(reply.text, field)
    assert '<option value="degraded" selected>' in reply.text
    if "message" not in wrong:
        assert ">Hm</textarea>" in reply.text
    if "title" not in wrong:
        assert 'value="Cards fail"' in reply.text
    assert (await read(desk, "/incidents"))["total"] == 0


async def test_two_bad_fields_are_both_named(http: httpx.AsyncClient) -> None:
    reply = await post(http, NEW, page=NEW, title="", type="down", severity="minor", phase="x")
    assert problem(reply.text, "title")
    assert problem(reply.text, "phase")


async def test_a_foreign_monitor_is_refused_like_one_that_there_is_not(http: httpx.AsyncClient) -> None:
    stranger = "01900000-0000-7000-8000-000000000000"
    given = {"title": "Cards", "type": "down", "severity": "minor", "phase": "identified"}
    reply = await post(http, NEW, page=NEW, monitors=[stranger], **given)
    assert reply.status_code == 400
    assert "no such monitors" in problem(reply.text, "monitors")


async def test_it_is_acknowledged_and_resolved_with_words(desk: Desk, http: httpx.AsyncClient) -> None:
    one = await declared(desk)
    path = f"/app/incidents/{one}"
    too_long = await post(http, f"{path}/acknowledge", page=path, text="x" * 10_001)
    assert too_long.status_code == 400
    assert problem(too_long.text, "text")
    assert (await post(http, f"{path}/acknowledge", page=path, text="On it")).status_code == 303
    assert (await post(http, f"{path}/resolve", page=path, public_text="All well")).status_code == 303
    made = await read(desk, f"/incidents/{one}")
    assert (made["state"], made["phase"]) == ("resolved", "resolved")
    assert {"On it", "All well"} <= {line["text"] for line in made["timeline"]}


async def test_what_it_is_called_is_changed_and_a_bad_title_is_named(desk: Desk, http: httpx.AsyncClient) -> None:
    one = await declared(desk)
    path = f"/app/incidents/{one}"
    typed = {"title": "Card payments fail", "public_title": "Payments", "public_description": "Cards\r\nfail"}
    bad = await post(http, f"{path}/narration", page=path, **{**typed, "public_title": "x" * 201, "severity": "minor"})
    assert bad.status_code == 400
    assert problem(bad.text, "public_title")
    assert 'value="Card payments fail"' in bad.text
    good = await post(http, f"{path}/narration", page=path, **typed, severity="critical")
    assert good.status_code == 303
    made = await read(desk, f"/incidents/{one}")
    assert (made["title"], made["public_title"], made["severity"]) == ("Card payments fail", "Payments", "critical")
    assert made["public_description"] == "Cards\nfail"
    page = (await http.get(path)).text
    assert "What the public reads" in page
    nameless = await post(http, f"{path}/narration", page=path, title="", severity="minor")
    assert nameless.status_code == 400
    assert problem(nameless.text, "title")
    await post(http, f"{path}/narration", page=path, title="Card payments fail", public_title="", severity="minor")
    assert (await read(desk, f"/incidents/{one}"))["public_title"] is None


async def test_the_page_says_who_is_told_and_who_will_be(desk: Desk, http: httpx.AsyncClient) -> None:
    async with desk.served.tenant() as api:
        ids = []
        for name in ("Ops", "Boss"):
            config = {"type": "webhook", "url": "http://127.0.0.1:9/hook"}
            ids.append((await api.post("/api/v1/channels", json={"name": name, "config": config})).json()["id"])
    monitor = await desk.monitor(
        name="Shop",
        alerts=[{"channel_id": ids[0]}],
        escalations=[{"after_s": 600, "channel_ids": [ids[1]]}],
        renotify_interval_secs=900,
        max_repeats=3,
    )
    await desk.all_up(monitor)
    await desk.down(monitor, "eu", "us")
    one = (await read(desk, "/incidents"))["items"][0]["id"]
    page = (await http.get(f"/app/incidents/{one}")).text
    assert "On its way to Ops" in page
    assert "reminded every 15 min, 3 times at most" in page
    assert re.search("If nobody acknowledges it, Boss will be told in (9|10) min", page)
    assert "whoever was told hears of that" in page
    async with desk.served.tenant() as api:
        await api.post(f"/api/v1/incidents/{one}/acknowledge")
    assert "Boss will be told" not in (await http.get(f"/app/incidents/{one}")).text


async def test_who_may_not_read_deliveries_is_not_shown_them(desk: Desk) -> None:
    one = await declared(desk)
    async with desk.served.tenant() as api:
        body = {"label": "Reader", "scopes": ["incidents:read", "monitors:read"]}
        key = (await api.post("/api/v1/keys", json=body)).json()["key"]
    async with desk.signed_in(key) as reader:
        page = (await reader.get(f"/app/incidents/{one}")).text
        assert "Who is told" not in page
        assert "Leave a note" not in page
        assert (await reader.get(NEW)).status_code == 403
        assert 'href="/app/channels"' not in page
