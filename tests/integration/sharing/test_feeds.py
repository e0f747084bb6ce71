"""Feeds of a tenant by token, and of the operator for everybody."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import timedelta
from typing import Any

from control_plane.store.pool import Database
from tests.integration.sharing.test_badges import share
from tests.support.dashboard import Desk

ATOM = "{http://www.w3.org/2005/Atom}"
LATER = "UPDATE feeds SET former_until = now() - interval '1 second'"


async def make(desk: Desk, name: str = "Chat") -> dict[str, Any]:
    async with desk.served.tenant() as http:
        reply = await http.post("/api/v1/feeds", json={"name": name})
    assert reply.status_code == 201, reply.text
    made: dict[str, Any] = reply.json()
    return made


async def read(desk: Desk, path: str) -> tuple[int, str, str]:
    async with desk.browser() as http:
        reply = await http.get(path)
    return reply.status_code, reply.headers["Content-Type"], reply.text


async def test_a_feed_tells_of_incidents_as_atom_and_rss(desk: Desk) -> None:
    token = (await make(desk))["token"]
    monitor_id = await desk.monitor("Checkout")
    await desk.all_up(monitor_id)
    await desk.down(monitor_id, *desk.regions)
    status, media, text = await read(desk, f"/feed/{token}")
    assert (status, media) == (200, "application/atom+xml; charset=utf-8")
    entry = ET.fromstring(text.encode()).find(f"{ATOM}entry")
    assert entry is not None
    assert entry.findtext(f"{ATOM}title") == "Checkout is down"
    content = entry.findtext(f"{ATOM}content") or ""
    assert "Down from: ap, eu, us." in content or "Down from: eu, us, ap." in content
    status, media, text = await read(desk, f"/feed/{token}.rss")
    assert (status, media) == (200, "application/rss+xml; charset=utf-8")
    titles = [title.text for title in ET.fromstring(text.encode()).iterfind("channel/item/title")]
    assert titles == ["Checkout is down"]
    assert "127.0.0.1" not in text
    assert token not in text


async def test_maintenance_is_a_calendar(desk: Desk) -> None:
    token = (await make(desk))["token"]
    now = desk.served.deps.now()
    once = {
        "starts_at": (now + timedelta(days=1)).isoformat(),
        "ends_at": (now + timedelta(days=1, hours=2)).isoformat(),
    }
    weekly = {"cron": "0 2 * * SUN", "duration": 3600}
    async with desk.served.tenant() as http:
        for title, times in (("Once; only", once), ("Weekly", weekly)):
            reply = await http.post("/api/v1/maintenance", json={"title": title, "all": True, **times})
            assert reply.status_code == 201, reply.text
    status, media, text = await read(desk, f"/feed/{token}.ics")
    assert (status, media) == (200, "text/calendar; charset=utf-8")
    assert text.count("SUMMARY:Once\\; only\r\n") == 1
    assert text.count("SUMMARY:Weekly\r\n") == 10
    uids = [line for line in text.splitlines() if line.startswith("UID:")]
    assert len(uids) == len(set(uids)) == 11


async def test_a_rotated_token_counts_for_a_while_and_then_no_more(database: Database, desk: Desk) -> None:
    made = await make(desk)
    async with desk.served.tenant() as http:
        rotated = (await http.post(f"/api/v1/feeds/{made['id']}/rotate")).json()
        shown = (await http.get(f"/api/v1/feeds/{made['id']}")).json()
    assert rotated["token"] != made["token"]
    assert "token" not in shown
    assert shown["former_until"] is not None
    for token in (made["token"], rotated["token"]):
        assert (await read(desk, f"/feed/{token}"))[0] == 200
    async with database.owner() as conn:
        await conn.execute(LATER)
    assert (await read(desk, f"/feed/{made['token']}"))[0] == 404
    assert (await read(desk, f"/feed/{rotated['token']}"))[0] == 200
    async with desk.served.tenant() as http:
        stale = await http.delete(f"/api/v1/feeds/{made['id']}", headers={"If-Match": '"1"'})
        assert stale.status_code == 412
        assert (await http.delete(f"/api/v1/feeds/{made['id']}")).status_code == 204
    assert (await read(desk, f"/feed/{rotated['token']}"))[0] == 404


async def test_a_token_opens_what_it_was_made_for_alone(desk: Desk) -> None:
    feed = (await make(desk))["token"]
    shared = (await share(desk, await desk.monitor()))["token"]
    assert (await read(desk, f"/m/{feed}"))[0] == 404
    assert (await read(desk, f"/feed/{shared}"))[0] == 404
    assert (await read(desk, f"/feed/{feed}.html"))[0] == 404


async def test_feeds_have_names_of_their_own_and_a_limit(desk: Desk) -> None:
    for n in range(20):
        await make(desk, f"Feed {n}")
    async with desk.served.tenant() as http:
        full = await http.post("/api/v1/feeds", json={"name": "One more"})
        assert (full.status_code, full.json()["error"]["code"]) == (422, "FEED_LIMIT")
        last = (await http.get("/api/v1/feeds")).json()["items"][0]["id"]
        await http.delete(f"/api/v1/feeds/{last}")
        taken = await http.post("/api/v1/feeds", json={"name": "Feed 1"})
        assert (taken.status_code, taken.json()["error"]["code"]) == (409, "NAME_TAKEN")


async def test_what_the_operator_announces_is_everybodys(desk: Desk) -> None:
    now = desk.served.deps.now()
    async with desk.served.operator() as http:
        made = await http.post("/operator/announcements", json={"title": "Upkeep <now>", "text": "Ten minutes."})
        assert made.status_code == 201, made.text
        ahead = {"title": "Not yet", "starts_at": (now + timedelta(days=1)).isoformat()}
        assert (await http.post("/operator/announcements", json=ahead)).status_code == 201
        over = {"starts_at": (now - timedelta(days=2)).isoformat(), "ends_at": (now - timedelta(days=1)).isoformat()}
        assert (await http.post("/operator/announcements", json={"title": "Over", **over})).status_code == 201
        wrong = await http.post("/operator/announcements", json={"title": "No", "ends_at": "2020-01-01T00:00:00Z"})
        assert (wrong.status_code, wrong.json()["error"]["code"]) == (400, "INVALID_TIME")
    status, media, text = await read(desk, "/feed.xml")
    assert (status, media) == (200, "application/atom+xml; charset=utf-8")
    found = ET.fromstring(text.encode()).iterfind(f"{ATOM}entry/{ATOM}title")
    assert [title.text for title in found] == ["Upkeep <now>", "Over"]
    async with desk.signed_in() as browser:
        page = (await browser.get("/app")).text
    assert "Upkeep &lt;now&gt;" in page
    assert "Not yet" not in page
    async with desk.served.operator() as http:
        assert (await http.delete(f"/operator/announcements/{made.json()['id']}")).status_code == 204
        assert (await http.delete(f"/operator/announcements/{made.json()['id']}")).status_code == 404
