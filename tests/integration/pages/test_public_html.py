"""Status pages as browsers fetch them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest

from control_plane.store.pool import Database
from tests.support.public_pages import SECRET_URL, Stage, a_stage

SUSPEND = "UPDATE tenants SET suspended_at = now() WHERE id = $1"
MARKUP = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&{{ 'a' * 9 }}"


@pytest.fixture
async def stage(database: Database) -> AsyncIterator[Stage]:
    async with a_stage(database) as made:
        yield made


@pytest.fixture
async def http(stage: Stage) -> AsyncIterator[httpx.AsyncClient]:
    async with stage.served.client() as client:
        yield client


async def test_the_verdict_comes_first_then_what_happens_then_every_system(
    stage: Stage, http: httpx.AsyncClient
) -> None:
    page = await stage.page(title="Acme", footer_text="Call us")
    shop = await stage.component(page, "Shop", "down", group="Web")
    await stage.component(page, "Mail", description="Sending")
    incident = await stage.incident(shop, "Orders fail", text="Since noon")
    await stage.update(incident, "We found it\nand mend it")
    await stage.window(shop, "New disks")
    await stage.incident(shop, "Slow search", ago=timedelta(days=2), lasted=timedelta(minutes=9))
    reply = await http.get("/status/acme")
    assert (reply.status_code, reply.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    systems = ("<bdi>Shop</bdi></h4>", "<bdi>Mail</bdi></h3>")
    order = ("A major outage", "Orders fail", "We found it\nand mend it", *systems, "New disks", "Slow search")
    places = [reply.text.index(text, reply.text.index("<h1>")) for text in order]
    assert places == sorted(places)
    assert len(re.findall("<h1", reply.text)) == 1
    assert "9 minutes" in reply.text
    assert "Call us" in reply.text


async def test_a_page_says_nothing_of_what_stays_inside(stage: Stage, http: httpx.AsyncClient) -> None:
    page = await stage.page()
    shop = await stage.component(page, "Shop", "down")
    incident = await stage.incident(shop)
    hidden = [SECRET_URL, "sesame", "inner name", "inner title", "secret cause", str(shop.monitor_id)]
    for path in ("", "?fragment=1", "/history", f"/incidents/{incident}"):
        text = (await http.get(f"/status/acme{path}")).text
        assert "Shop is down" in text
        assert [each for each in hidden if each in text] == []


async def test_a_slash_too_many_leads_to_the_page(stage: Stage, http: httpx.AsyncClient) -> None:
    await stage.page()
    moved = await http.get("/status/acme/?status=major_outage&search=a%20b")
    assert (moved.status_code, moved.headers["Location"]) == (301, "/status/acme?status=major_outage&search=a%20b")
    assert (await http.get(moved.headers["Location"])).status_code == 200
    head = await http.head("/status/acme/")
    assert (head.status_code, head.headers["Location"], head.content) == (301, "/status/acme", b"")
    assert (await http.post("/status/acme/")).status_code == 405
    for slug in ("%2F%2Fevil.example", "%5Cevil.example", "a%0d%0aSet-Cookie:%20x", "%2e%2e", "\u00e9"):
        there = (await http.get(f"/status/{slug}/?next=//evil.example")).headers.get("Location", "/status/")
        assert there.startswith("/status/"), slug
        assert "\n" not in there, slug


async def test_drafts_unknown_slugs_and_suspended_tenants_are_told_alike(stage: Stage, http: httpx.AsyncClient) -> None:
    await stage.page("draft", state="draft")
    await stage.page("gone")
    async with stage.database.app() as conn:
        await conn.execute(SUSPEND, stage.served.home.tenant_id)
    paths = [f"/status/{slug}{rest}" for slug in ("draft", "gone", "nobody") for rest in ("", "/history")]
    replies = [await http.get(path) for path in (*paths, f"/status/draft/incidents/{uuid4()}")]
    assert {reply.status_code for reply in replies} == {404}
    assert len({reply.text for reply in replies}) == 1
    assert "There is no status page at this address" in replies[0].text


async def test_an_incident_of_another_page_is_not_on_this_one(stage: Stage, http: httpx.AsyncClient) -> None:
    one, other = await stage.page("one"), await stage.page("other")
    incident = await stage.incident(await stage.component(one, "Shop"))
    await stage.component(other, "Mail")
    assert (await http.get(f"/status/one/incidents/{incident}")).status_code == 200
    assert (await http.get(f"/status/other/incidents/{incident}")).status_code == 404
    assert (await http.get("/status/one/incidents/nonsense")).status_code == 404


async def test_filters_leave_out_systems_and_never_incidents(stage: Stage, http: httpx.AsyncClient) -> None:
    page = await stage.page()
    shop = await stage.component(page, "Shop", "down", group="Web")
    await stage.component(page, "Mail", group="Back")
    await stage.incident(shop, "Orders fail")
    for query, shown in (("search=mail", "Mail"), ("status=major_outage", "Shop"), ("group=Back&utm_source=x", "Mail")):
        text = (await http.get(f"/status/acme?{query}")).text
        assert re.findall(r"<h4>.*?<bdi>(\w+)</bdi></h4>", text) == [shown]
        assert "Orders fail" in text
    nothing = (await http.get("/status/acme", params={"search": MARKUP})).text
    assert "No system matches" in nothing
    assert "<img" not in nothing


async def test_a_fragment_is_the_living_part_alone(stage: Stage, http: httpx.AsyncClient) -> None:
    await stage.component(await stage.page(), "Shop")
    text = (await http.get("/status/acme?fragment=1")).text
    assert "All systems operational" in text
    assert "<html" not in text
    assert "<main" not in text


async def test_the_history_goes_back_by_months_as_far_as_incidents_are_kept(
    stage: Stage, http: httpx.AsyncClient
) -> None:
    page = await stage.page(history_days=30)
    shop = await stage.component(page, "Shop")
    old = await stage.incident(shop, "Long ago", ago=timedelta(days=150), lasted=timedelta(hours=1))
    assert (await http.get(f"/status/acme/incidents/{old}")).status_code == 200
    path, seen = "/status/acme/history", ""
    for _ in range(6):
        text = (await http.get(path)).text
        seen += text
        found = re.search('rel="prev" href="([^"]+)"', text)
        if "Long ago" in text or found is None:
            break
        path = found[1]
    assert "Long ago" in seen
    for nonsense in ("2026-13", "0001-01", "9999-12", "x"):
        assert (await http.get(f"/status/acme/history?until={nonsense}")).status_code == 200


async def test_markup_in_any_text_is_text(stage: Stage, http: httpx.AsyncClient) -> None:
    texts = dict.fromkeys(("title", "description", "header_text", "footer_text"), MARKUP)
    page = await stage.page(**texts)
    shop = await stage.component(page, MARKUP, "down", description=MARKUP, group=MARKUP)
    incident = await stage.incident(shop, MARKUP, text=MARKUP)
    await stage.update(incident, MARKUP)
    await stage.window(shop, MARKUP, text=MARKUP)
    for path in ("", "/history", f"/incidents/{incident}"):
        text = (await http.get(f"/status/acme{path}")).text
        assert "<script>alert" not in text
        assert "<img" not in text
        assert "a" * 9 not in text
        assert "&lt;script&gt;" in text


async def test_nothing_of_a_page_is_inline_or_from_elsewhere(stage: Stage, http: httpx.AsyncClient) -> None:
    page = await stage.page(branding={"accent": "#7a1fa2"})
    await stage.component(page, "Shop", "down")
    reply = await http.get("/status/acme")
    policy = reply.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert re.search(r"<style|\sstyle=|\son\w+=|javascript:", reply.text) is None
    assert re.findall(r'(?:src|href)="(?!/|#)([^"]*)"', reply.text) == []
    assert re.search(r"<script(?! type=\"module\" src=\"/static/)", reply.text) is None
    sheets = re.findall(r'<link rel="stylesheet" href="([^"]+)"', reply.text)
    assert len(sheets) == 2
    for sheet in sheets:
        css = await http.get(sheet)
        assert css.headers["Content-Type"].startswith("text/css")
        assert "immutable" in css.headers["Cache-Control"]
    assert "#7a1fa2" in (await http.get(sheets[1])).text


@pytest.mark.parametrize("name", ["x.css", "7a1fa2_-_-_-.css;}", "gggggg_-_-_-.css", "7a1fa2_-_-.css"])
async def test_a_sheet_of_colours_is_made_of_colours_alone(http: httpx.AsyncClient, name: str) -> None:
    assert (await http.get(f"/static/colours/{name}")).status_code == 404


async def test_a_page_is_kept_for_a_while_and_not_sent_twice(stage: Stage, http: httpx.AsyncClient) -> None:
    await stage.component(await stage.page(), "Shop")
    first = await http.get("/status/acme", headers={"Accept-Encoding": "identity"})
    assert first.headers["Cache-Control"] == "public, max-age=10, stale-while-revalidate=30"
    known = await http.get("/status/acme", headers={"If-None-Match": first.headers["ETag"]})
    assert (known.status_code, known.content) == (304, b"")
    zipped = await http.get("/status/acme", headers={"Accept-Encoding": "gzip"})
    assert zipped.headers["Content-Encoding"] == "gzip"
    assert zipped.text == first.text
    assert "Accept-Encoding" in zipped.headers["Vary"]


async def test_unlisted_pages_ask_search_engines_to_stay_away(stage: Stage, http: httpx.AsyncClient) -> None:
    await stage.page("seen")
    await stage.page("quiet", listed=False)
    seen, quiet = await http.get("/status/seen"), await http.get("/status/quiet")
    assert "noindex" not in seen.text
    assert "X-Robots-Tag" not in seen.headers
    assert 'name="robots" content="noindex"' in quiet.text
    assert quiet.headers["X-Robots-Tag"] == "noindex"


async def test_fifty_troubled_systems_weigh_less_than_sixty_kilobytes_on_the_wire(
    stage: Stage, http: httpx.AsyncClient
) -> None:
    page = await stage.page(language="ar")
    for place in range(50):
        await stage.component(page, f"System number {place}", "down", group=f"Group {place % 7}", position=place)
    async with http.stream("GET", "/status/acme", headers={"Accept-Encoding": "gzip"}) as reply:
        sent = [chunk async for chunk in reply.aiter_raw()]
    assert reply.status_code == 200
    assert sum(map(len, sent)) < 60_000


async def test_an_arabic_page_keeps_the_direction_of_its_own_sentences(stage: Stage, http: httpx.AsyncClient) -> None:
    page = await stage.page(language="ar")
    ours = await stage.incident(await stage.component(page, "Shop", "down"))
    theirs = await stage.incident(await stage.component(page, "Mail", "down"), "Orders fail")
    for path in ("/status/acme", "/status/acme/history"):
        text = (await http.get(path)).text
        assert f'/incidents/{ours}">\u2068Shop\u2069: انقطاع الخدمة</a>' in text
        assert f'/incidents/{theirs}"><bdi>Orders fail</bdi></a>' in text
    feed = (await http.get("/status/acme/feed.atom")).text
    assert ": \u2068Shop\u2069: انقطاع الخدمة</title>" in feed
    assert ": \u2068Orders fail\u2069</title>" in feed


async def test_maintenance_that_is_over_stays_in_the_bars_and_the_history(
    stage: Stage, http: httpx.AsyncClient
) -> None:
    shop = await stage.component(await stage.page(history_days=30), "Shop")
    await stage.held(shop, "New disks")
    await stage.held(shop, "Nobody's business", ago=timedelta(hours=9), public=False)
    text = (await http.get("/status/acme")).text
    assert re.search(r'<path class="s-maintenance" d="M\d+ 3h\d+" stroke-width="6"/>', text)
    assert re.search(r'aria-label="[^"]*: maintenance for \d hours', text)
    assert "100%" in text
    history = (await http.get("/status/acme/history")).text
    assert "Maintenance: <bdi>New disks</bdi>" in history
    assert "2 hours" in history
    assert "business" not in history
