"""Whatever a text says, it is a text in every page, picture, feed, calendar, table and document that shows it."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import AsyncIterator, Mapping
from html.parser import HTMLParser
from xml.etree import ElementTree

import httpx
import pytest
from structlog.testing import capture_logs

from control_plane.app import all_routes
from control_plane.public_site import badges, feeds, shares
from control_plane.services.pages import keep_public_pages
from control_plane.store.pool import Database
from control_plane.web.routes import Door, Route
from tests.support.every_page import EveryPage, every_page, shown_routes
from tests.support.hostile_texts import CANARY, EVIL, plant, rounds

MEDIA = ("text/csv", "text/html", "application/yaml")
FORMULA = re.compile(r"\s*[=@+\-\t\r]")
NUMBER = re.compile(r"-?\d+(\.\d+)?%?")
RUNNING = re.compile(r"(?i)[\s\x00-\x1f]*(javascript|vbscript|data)\s*:")
LINKING = {"href", "src", "action", "formaction", "data", "poster", "xlink:href", "srcset", "background", "ping"}
STRANGE = {
    "iframe",
    "object",
    "embed",
    "base",
    "frame",
    "applet",
    "foreignobject",
    "image",
    "style",
    "marquee",
    "audio",
}
NOBODYS_WORDS = ("/docs", "/openapi", "/schemas", "/static", "/llms", "/ping/", "/healthz", "/readyz")
"""What is the same whatever anybody writes; and the reference is large."""
SANDBOX = "allow-same-origin"
"""Of the one frame there is: a page's preview in its editor, without scripts and forms."""
PROPERTY = re.compile(r"[A-Z][A-Z-]*[;:]")
ASKED = ("q", "search", "group", "tag", "label", "monitor", "kind", "next", "here", "said", "status", "actor", "code")


@pytest.fixture
async def pages(database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[EveryPage]:
    """With nothing kept for a while: every text is seen."""
    monkeypatch.setattr(keep_public_pages, "FRESH_S", 0.0)
    for door in (badges, feeds, shares):
        monkeypatch.setattr(door, "_AGAIN_S", 0.0)
    async with every_page(database) as made:
        yield made


class Elements(HTMLParser):
    """What a page is made of that no template of ours makes."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        inline = tag == "script" and "src" not in given
        preview = tag == "iframe" and given.get("src", "").startswith("/app/") and given.get("sandbox") == SANDBOX
        strange = (
            (tag in STRANGE and not preview)
            or CANARY in tag
            or any(name.startswith("on") or CANARY in name for name in given)
        )
        leads = any(RUNNING.match(given[name]) for name in LINKING & set(given) if not _is_picture(given[name]))
        loads = any(EVIL in given[name] for name in ("src", "action", "formaction", "srcset", "style") if name in given)
        refresh = given.get("http-equiv", "").lower() == "refresh" and EVIL in given.get("content", "")
        if inline or strange or leads or loads or refresh:
            self.wrong.append(f"<{tag} {given}>"[:300])


def _is_picture(link: str) -> bool:
    return link.startswith("data:image/")


def wrong_in(reply: httpx.Response) -> list[str]:
    """What is not as its media type has to be, or more than a text."""
    kind, text = reply.headers.get("Content-Type", ""), reply.text
    found = [f"header {name}: {value}" for name, value in reply.headers.items() if CANARY in value or EVIL in value]
    if "3667221" in text:
        found.append("a template was evaluated")
    match kind.partition(";")[0]:
        case "text/html":
            elements = Elements()
            elements.feed(text)
            found += elements.wrong
        case "image/svg+xml" | "application/atom+xml" | "application/rss+xml":
            found += _wrong_xml(text)
        case "text/calendar":
            found += _wrong_calendar(reply.content)
        case "text/csv":
            found += _wrong_table(text)
        case "application/json":
            json.loads(text)
    return found


def _wrong_xml(text: str) -> list[str]:
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        return [f"not well-formed: {error}"]
    svg = root.tag.endswith("svg")
    names = {each.tag.rpartition("}")[2] for each in root.iter()}
    attributes = {(name, value) for each in root.iter() for name, value in each.items()}
    strange = (
        names & {"script", "foreignObject", "image", "a", "img", "iframe", "animate", "set"}
        if svg
        else names & {"script"}
    )
    links = [value for name, value in attributes if RUNNING.match(value) and name.endswith(("href", "src"))]
    return [*strange, *links, *(name for name, _ in attributes if name.startswith("on"))]


def _wrong_calendar(content: bytes) -> list[str]:
    """RFC 5545, 3.1: lines end in CRLF, have at most 75 octets, and go on after a blank."""
    lines = content.removesuffix(b"\r\n").split(b"\r\n")
    found = [str(line) for line in lines if len(line) > 75 or re.search(rb"[\x00-\x08\x0a-\x1f\x7f]", line)]
    starts = [line.decode("utf-8", "replace") for line in lines if not line.startswith((b" ", b"\t"))]
    found += [line for line in starts if not PROPERTY.match(line) or line.startswith("ATTENDEE")]
    assert starts.count("BEGIN:VEVENT") == starts.count("END:VEVENT")
    return found


def _wrong_table(text: str) -> list[str]:
    cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
    return [cell for cell in cells if FORMULA.match(cell) and not NUMBER.fullmatch(cell)]


def documents() -> list[tuple[Route, str]]:
    """Everything of a tenant's door that is read as something else than JSON."""
    ours = [route for route in all_routes() if route.door is Door.TENANT and route.method == "GET"]
    return [(route, kind) for route in ours for kind in route.also if kind in MEDIA]


async def _shown(pages: EveryPage, http: httpx.AsyncClient, asked: Mapping[str, str]) -> list[str]:
    """What is wrong with any page."""
    wrong: list[str] = []
    for route in (each for each in shown_routes() if not each.path.startswith(NOBODYS_WORDS)):
        reply = await http.get(pages.address(route), params=asked)
        found = wrong_in(reply) + ([f"{reply.status_code}"] if reply.status_code >= 500 else [])
        wrong += [f"{route.operation}: {each}" for each in found]
    return wrong


async def _read(pages: EveryPage, http: httpx.AsyncClient) -> list[str]:
    wrong: list[str] = []
    for route, kind in documents():
        reply = await http.get(pages.address(route), headers={"Accept": kind})
        found = wrong_in(reply) + ([f"{reply.status_code} {reply.text}"] if reply.status_code >= 500 else [])
        wrong += [f"{route.operation} as {kind}: {each}" for each in found]
    return wrong


@pytest.mark.timeout(480)
async def test_no_text_becomes_more_than_a_text(pages: EveryPage) -> None:
    columns: set[str] = set()
    agent = {"User-Agent": "<script>fwcanary()</script>", "X-Forwarded-For": "<b>", "Accept-Language": "<script>"}
    with capture_logs():  # drawing what is logged of a fault takes longer than finding it
        async with pages.visitor(**agent) as http, pages.desk.served.tenant() as program:
            for number, text in enumerate(rounds()):
                async with pages.desk.database.owner() as conn:
                    columns |= await plant(conn, text)
                pages.desk.served.deps.authenticator.forget_sessions()
                asked = {**dict.fromkeys(ASKED, text), "fragment": "1"} if number % 3 == 2 else {}
                assert await _shown(pages, http, asked) == [], text
                assert await _read(pages, program) == [], text
    assert len(columns) > 80
