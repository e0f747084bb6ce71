"""Feeds and calendars as their readers parse them, whatever stands in them."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import UTC, datetime

import pytest

from control_plane.domain.pages.calendar import Event, calendar
from control_plane.domain.pages.syndication import Entry, Feed, atom, rss

ATOM = "{http://www.w3.org/2005/Atom}"
AT = datetime(2026, 5, 12, 8, 30, tzinfo=UTC)
HOSTILE = ("<script>alert(1)</script>", "]]><x/>", "&amp;\x00\x0b\ud800\ufffe", '"quoted"\nlines', "x" * 3000)


def feed_of(*texts: str) -> Feed:
    entries = [
        Entry(id=f"urn:uuid:{n}", title=text, text=text, published=AT, updated=AT, category="down")
        for n, text in enumerate(texts)
    ]
    return Feed(id="urn:uuid:f", title="<Incidents>", subtitle="&", author="Acme & Co", entries=entries)


def test_an_atom_feed_has_what_rfc_4287_asks_for() -> None:
    root = ET.fromstring(atom(feed_of("Checkout is down")).encode())
    assert root.tag == f"{ATOM}feed"
    assert [root.findtext(f"{ATOM}{name}") for name in ("id", "title", "updated")] == [
        "urn:uuid:f",
        "<Incidents>",
        "2026-05-12T08:30:00Z",
    ]
    entry = root.find(f"{ATOM}entry")
    assert entry is not None
    assert entry.findtext(f"{ATOM}content") == "Checkout is down"


def test_an_rss_feed_has_what_the_specification_asks_for() -> None:
    channel = ET.fromstring(rss(feed_of("Checkout is down")).encode()).find("channel")
    assert channel is not None
    assert all(channel.findtext(name) for name in ("title", "link", "description"))
    assert channel.findtext("item/pubDate") == "Tue, 12 May 2026 08:30:00 GMT"


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_hostile_text_stays_text(number: int) -> None:
    for made in (atom(feed_of(HOSTILE[number])), rss(feed_of(HOSTILE[number]))):
        root = ET.fromstring(made.encode())
        assert not [element for element in root.iter() if element.tag.endswith(("script", "x"))]


def test_a_feed_without_entries_never_changed() -> None:
    assert "<updated>1970-01-01T00:00:00Z</updated>" in atom(feed_of())


def test_a_calendar_escapes_and_folds() -> None:
    event = Event(
        uid="a",
        title="Upkeep; part 1, of\\2\nEND:VCALENDAR",
        text="ü" * 200,
        starts_at=AT,
        ends_at=AT,
        changed_at=AT,
    )
    made = calendar("Maintenance", [event])
    lines = made.split("\r\n")
    assert all(len(line.encode()) <= 75 for line in lines)
    unfolded = made.replace("\r\n ", "").split("\r\n")
    assert "SUMMARY:Upkeep\\; part 1\\, of\\\\2\\nEND:VCALENDAR" in unfolded
    assert f"DESCRIPTION:{'ü' * 200}" in unfolded
    assert unfolded.count("END:VCALENDAR") == 1
    assert "DTSTART:20260512T083000Z" in unfolded
