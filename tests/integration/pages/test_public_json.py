"""Status pages as programs read them: our JSON, the Statuspage shape, feeds, the badge."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from uuid import UUID, uuid4
from xml.etree import ElementTree

import httpx
import pytest

from control_plane.store.pool import Database
from tests.support.ical import read_calendar
from tests.support.public_pages import SECRET_URL, Stage, a_stage

API = "/api/public/v1/pages/acme"
V2 = "/status/acme/api/v2"
DOCUMENTS = (
    *("summary", "status", "components", "incidents", "incidents/unresolved", "scheduled-maintenances"),
    *("scheduled-maintenances/upcoming", "scheduled-maintenances/active"),
)
ATOM, DC = "{http://www.w3.org/2005/Atom}", "{http://www.w3.org/2000/svg}"
NASTY = "<script>&\"';, \\ x\ny " + "ü" * 90


@pytest.fixture
async def stage(database: Database) -> AsyncIterator[Stage]:
    async with a_stage(database) as made:
        yield made


@pytest.fixture
async def http(stage: Stage) -> AsyncIterator[httpx.AsyncClient]:
    async with stage.served.client() as client:
        yield client


async def get(http: httpx.AsyncClient, path: str) -> Any:
    reply = await http.get(path)
    assert reply.status_code == 200, (path, reply.text)
    assert reply.headers["Content-Type"].startswith("application/json")
    assert reply.headers["Access-Control-Allow-Origin"] == "*"
    return reply.json()


async def test_a_page_is_told_with_its_components_incidents_and_maintenance(
    stage: Stage, http: httpx.AsyncClient
) -> None:
    page = await stage.page(title="Acme", language="de")
    shop = await stage.component(page, "Shop", "down", group="Web", position=1)
    mail = await stage.component(page, "Mail", position=2)
    now = await stage.incident(shop, "Orders fail")
    await stage.update(now, "We look")
    over = await stage.incident(mail, ago=timedelta(days=1), lasted=timedelta(minutes=5))
    window = await stage.window(mail, "New disks")
    told = await get(http, API)
    assert (told["status"], told["verdict"]) == ("major_outage", "An einem größeren Ausfall wird gearbeitet")
    assert told["stale_since"] is None
    components = (await get(http, f"{API}/components"))["items"]
    assert told["components"] == components
    assert [(each["name"], each["group"], each["status"]) for each in components] == [
        ("Shop", "Web", "major_outage"),
        ("Mail", None, "operational"),
    ]
    incidents = await get(http, f"{API}/incidents")
    assert [each["id"] for each in incidents["items"]] == [str(now), str(over)]
    assert (await get(http, f"{API}/incidents/{now}"))["updates"][0]["text"] == "We look"
    windows = (await get(http, f"{API}/maintenance"))["items"]
    assert [(each["id"], each["component_ids"]) for each in windows] == [(str(window), [str(mail.id)])]


async def test_lists_come_in_pages_with_links_and_refuse_what_is_no_page(stage: Stage, http: httpx.AsyncClient) -> None:
    page = await stage.page()
    lines = [await stage.component(page, name, position=at) for at, name in enumerate("ABC")]
    for line in lines:
        await stage.incident(line)
        await stage.window(line, "Disks")
    for name in ("components", "incidents", "maintenance"):
        reply = await http.get(f"{API}/{name}?limit=2")
        told = reply.json()
        assert (len(told["items"]), told["total"], told["limit"], told["offset"]) == (2, 3, 2, 0), name
        following = await http.get(reply.links["next"]["url"])
        assert (len(following.json()["items"]), following.json()["offset"]) == (1, 2)
        assert set(following.links) == {"prev"}
        for query, code in (("limit=0", "LIMIT"), ("limit=abc", "LIMIT"), ("offset=-1", "OFFSET")):
            refused = (await http.get(f"{API}/{name}?{query}")).json()
            assert refused["error"]["code"] == f"INVALID_{code}", (name, query)
        assert (await http.get(f"{API}/{name}?page=2")).json()["error"]["code"] == "UNKNOWN_PARAMETER"
    days = f"{API}/components/{lines[0].id}/history?days="
    assert len((await get(http, f"{days}7"))["days"]) == 7
    assert (await http.get(f"{days}0")).json()["error"]["code"] == "INVALID_DAYS"


async def test_the_page_and_its_feeds_lie_below_its_address_for_programs_as_well(
    stage: Stage, http: httpx.AsyncClient
) -> None:
    await stage.incident(await stage.component(await stage.page(), "Shop", "down"))
    assert await get(http, f"{API}/status") == await get(http, API)
    for name in ("feed.atom", "feed.rss", "maintenance.ics"):
        replies = [await http.get(f"{base}/{name}") for base in (API, "/status/acme")]
        assert [reply.status_code for reply in replies] == [200, 200]
        assert replies[0].content == replies[1].content
        assert replies[0].headers["Content-Type"] == replies[1].headers["Content-Type"]


async def test_filters_are_those_of_the_page_and_others_are_refused(stage: Stage, http: httpx.AsyncClient) -> None:
    page = await stage.page()
    await stage.component(page, "Shop", "down", group="Web")
    await stage.component(page, "Mail")
    for query, names in (("search=SHO", ["Shop"]), ("status=operational", ["Mail"]), ("group=web", ["Shop"])):
        items = (await get(http, f"{API}/components?{query}"))["items"]
        assert [each["name"] for each in items] == names
    refused = {query: (await http.get(f"{API}?{query}")).json()["error"]["code"] for query in ("status=up", "x=1")}
    assert refused == {"status=up": "INVALID_STATUS", "x=1": "UNKNOWN_PARAMETER"}


async def test_the_days_of_a_component_are_its_own(stage: Stage, http: httpx.AsyncClient) -> None:
    page = await stage.page(history_days=30)
    shop = await stage.component(page, "Shop", "down")
    days = (await get(http, f"{API}/components/{shop.id}/history"))["days"]
    assert len(days) == 30
    assert days[0]["status"] == "no_data"
    assert days[-2]["down_secs"] == 86_400
    for stranger in (shop.monitor_id, uuid4(), "x"):
        reply = await http.get(f"{API}/components/{stranger}/history")
        assert (reply.status_code, reply.json()["error"]["code"]) == (404, "COMPONENT_NOT_FOUND")


async def test_what_is_not_published_is_not_there_on_any_route(stage: Stage, http: httpx.AsyncClient) -> None:
    page = await stage.page("hidden", state="draft")
    shop = await stage.component(page, "Shop")
    incident = await stage.incident(shop)
    api = "/api/public/v1/pages/hidden"
    paths = [api, f"{api}/components", f"{api}/components/{shop.id}/history", f"{api}/incidents"]
    paths += [f"{api}/incidents/{incident}", f"{api}/maintenance", f"{api}/badge.svg", f"{api}/events"]
    paths += [f"/status/hidden/{name}" for name in ("feed.atom", "feed.rss", "maintenance.ics", "api/v2/summary.json")]
    for path in paths:
        reply = await http.get(path)
        other = await http.get(path.replace("hidden", "nobody-has-it"))
        told = [each.json()["error"] | {"trace_id": ""} for each in (reply, other)]
        assert (reply.status_code, told[0]["code"]) == (404, "STATUS_PAGE_NOT_FOUND"), path
        assert told[0] == told[1]


async def test_no_document_tells_what_stays_inside(stage: Stage, http: httpx.AsyncClient) -> None:
    shop = await stage.component(await stage.page(), "Shop", "down")
    await stage.incident(shop)
    await stage.window(shop, "Disks")
    hidden = (SECRET_URL, "sesame", "inner name", "inner title", "secret cause", str(shop.monitor_id))
    paths = [API, *(f"{API}/{name}" for name in ("components", "incidents", "maintenance", "badge.svg"))]
    paths += [f"{V2}/{name}.json" for name in DOCUMENTS]
    paths += [f"/status/acme/{name}" for name in ("feed.atom", "feed.rss", "maintenance.ics")]
    for path in paths:
        text = (await http.get(path)).text
        assert [each for each in hidden if each in text] == [], path


async def test_documents_are_tagged_and_not_sent_twice(stage: Stage, http: httpx.AsyncClient) -> None:
    await stage.component(await stage.page(), "Shop")
    for path in (API, f"{API}/badge.svg", f"{V2}/summary.json", "/status/acme/feed.atom"):
        first = await http.get(path)
        again = await http.get(path, headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b""), path
        assert first.headers["Cache-Control"] == "public, max-age=10, stale-while-revalidate=30"


async def test_the_statuspage_shape_has_its_names_and_words(stage: Stage, http: httpx.AsyncClient) -> None:
    page = await stage.page(title="Acme")
    shop = await stage.component(page, "Shop", "down", group="Web", position=1)
    await stage.component(page, "Mail", "degraded", group="Web", position=2)
    await stage.component(page, "New", "unknown", position=3)
    incident = await stage.incident(shop, "Orders fail", severity="critical")
    await stage.update(incident, "We look", phase="investigating")
    await stage.update(incident, "We see", phase="identified")
    over = await stage.incident(shop, ago=timedelta(days=1), lasted=timedelta(minutes=5))
    await stage.window(shop, "Disks")
    await stage.held(shop, "Cables")
    documents = {name: await get(http, f"{V2}/{name}.json") for name in DOCUMENTS}
    summary = documents["summary"]
    assert {tuple(each["page"].items()) for each in documents.values()} == {tuple(summary["page"].items())}
    assert summary["status"] == {
        "indicator": "critical",
        "description": "A major outage is being worked on",
        "farwatch_status": "major_outage",
    }
    lines = [(each["name"], each["status"], each["group"]) for each in summary["components"]]
    assert lines == [
        ("Web", "major_outage", True),
        ("Shop", "major_outage", False),
        ("Mail", "degraded_performance", False),
        ("New", "degraded_performance", False),
    ]
    group, first, *_ = summary["components"]
    assert first["group_id"] == group["id"]
    assert str(shop.id) in group["components"]
    (unresolved,) = documents["incidents/unresolved"]["incidents"]
    assert (unresolved["id"], unresolved["impact"]) == (str(incident), "critical")
    assert [each["body"] for each in unresolved["incident_updates"]] == ["We see", "We look"]
    assert len({each["id"] for each in unresolved["incident_updates"]}) == 2
    assert [each["id"] for each in documents["incidents"]["incidents"]] == [str(incident), str(over)]
    (window,) = documents["scheduled-maintenances/upcoming"]["scheduled_maintenances"]
    assert (window["name"], window["status"], window["impact"]) == ("Disks", "scheduled", "maintenance")
    assert documents["scheduled-maintenances/active"]["scheduled_maintenances"] == []
    all_of_it = documents["scheduled-maintenances"]["scheduled_maintenances"]
    assert [(each["name"], each["status"]) for each in all_of_it] == [("Disks", "scheduled"), ("Cables", "completed")]
    assert all_of_it[1]["resolved_at"] == all_of_it[1]["scheduled_until"]
    assert summary["scheduled_maintenances"] == [window]
    instants = re.findall(r'"\w+_at":"([^"]+)"', (await http.get(f"{V2}/summary.json")).text)
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", each) for each in instants)
    assert (await http.get(f"{V2}/nothing.json")).status_code == 404


async def test_the_atom_feed_keeps_rfc_4287(stage: Stage, http: httpx.AsyncClient) -> None:
    page = await stage.page(title=NASTY[:60])
    shop = await stage.component(page, "Shop")
    ids = [await stage.incident(shop, NASTY, ago=timedelta(days=day), lasted=timedelta(minutes=5)) for day in (1, 2, 3)]
    await stage.update(ids[0], NASTY)
    reply = await http.get("/status/acme/feed.atom")
    assert reply.headers["Content-Type"] == "application/atom+xml; charset=utf-8"
    feed = ElementTree.fromstring(reply.content)
    assert feed.tag == f"{ATOM}feed"
    for holder in (feed, *feed.iter(f"{ATOM}entry")):
        for name in ("id", "title", "updated"):  # sections 4.1.1 and 4.1.2: exactly one of each
            (found,) = holder.findall(f"{ATOM}{name}")
            assert found.text
        UUID((holder.findtext(f"{ATOM}id") or "").removeprefix("urn:uuid:"))
        datetime.fromisoformat(holder.findtext(f"{ATOM}updated") or "")
    assert feed.find(f"{ATOM}author/{ATOM}name") is not None
    (self_link,) = [each for each in feed.findall(f"{ATOM}link") if each.get("rel") == "self"]
    assert self_link.get("href") == str(reply.url)
    entries = feed.findall(f"{ATOM}entry")
    assert [each.findtext(f"{ATOM}id") for each in entries] == [f"urn:uuid:{each}" for each in ids]
    assert NASTY in (entries[0].findtext(f"{ATOM}content") or "")
    link = entries[0].find(f"{ATOM}link")
    assert link is not None
    assert (await http.get(link.get("href") or "")).status_code == 200


async def test_the_rss_feed_keeps_rss_2(stage: Stage, http: httpx.AsyncClient) -> None:
    shop = await stage.component(await stage.page(), "Shop")
    incident = await stage.incident(shop, NASTY)
    reply = await http.get("/status/acme/feed.rss")
    assert reply.headers["Content-Type"] == "application/rss+xml; charset=utf-8"
    root = ElementTree.fromstring(reply.content)
    assert (root.tag, root.get("version")) == ("rss", "2.0")
    (channel,) = root
    assert all(channel.findtext(name) for name in ("title", "link", "description"))
    (item,) = channel.findall("item")
    guid = item.find("guid")
    assert guid is not None
    assert (guid.text, guid.get("isPermaLink")) == (f"urn:uuid:{incident}", "false")
    assert parsedate_to_datetime(item.findtext("pubDate") or "").tzinfo is not None


async def test_the_calendar_keeps_rfc_5545(stage: Stage, http: httpx.AsyncClient) -> None:
    shop = await stage.component(await stage.page(language="ar"), "Shop")
    windows = [await stage.window(shop, NASTY, text=NASTY, ahead=timedelta(days=day)) for day in (1, 2)]
    async with stage.database.app() as conn:
        await conn.execute("UPDATE maintenance_windows SET updated_at = '2026-01-02 03:04:05+00', revision = 3")
    reply = await http.get("/status/acme/maintenance.ics")
    assert reply.headers["Content-Type"] == "text/calendar; charset=utf-8"
    calendar = read_calendar(reply.content)
    assert calendar.once("VERSION") == "2.0"
    assert calendar.once("PRODID")
    first, second = calendar.events
    assert [each.once("UID").split("@")[0][:36] for each in (first, second)] == [str(each) for each in windows]
    assert NASTY in first.once("SUMMARY")
    assert NASTY in first.once("DESCRIPTION")
    for event in (first, second):
        for name in ("DTSTAMP", "DTSTART", "DTEND"):
            assert re.fullmatch(r"\d{8}T\d{6}Z", event.once(name))
        assert event.once("DTSTART") < event.once("DTEND")
        changed = [event.once(name) for name in ("DTSTAMP", "LAST-MODIFIED", "SEQUENCE")]
        assert changed == ["20260102T030405Z", "20260102T030405Z", "2"]
    again = read_calendar((await http.get("/status/acme/maintenance.ics")).content)
    assert [each.once("UID") for each in again.events] == [each.once("UID") for each in calendar.events]


async def test_the_badge_says_the_verdict_and_cannot_be_made_to_say_markup(
    stage: Stage, http: httpx.AsyncClient
) -> None:
    await stage.component(await stage.page(title="</title><script>alert(1)</script>"), "Shop", "down")
    for label in ("", "up?", "</text><script>alert(1)</script>", "a\x01b\u202e"):
        reply = await http.get(f"{API}/badge.svg", params={"label": label})
        assert reply.headers["Content-Type"] == "image/svg+xml; charset=utf-8"
        root = ElementTree.fromstring(reply.content)
        assert {element.tag.removeprefix(DC) for element in root.iter()}.isdisjoint({"script", "foreignObject"})
        assert "Major outage" in reply.text
