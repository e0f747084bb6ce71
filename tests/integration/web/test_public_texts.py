"""/docs, /docs/errors, /llms.txt and /robots.txt: there without a key, and every link in them leads somewhere."""

from __future__ import annotations

import json
import re

import pytest

from control_plane.error_codes import error_codes
from control_plane.store.pool import Database
from tests.support.serving import control_plane, settings_with

LINK = re.compile(r'href="(/[^"#]*)(?:#([^"]*))?"')
PAGES = ("/docs", "/docs/errors", "/docs/monitors", "/docs/operator-tenants", "/docs/agent")


async def test_every_page_of_the_reference_leads_on(database: Database) -> None:
    async with control_plane(database) as served, served.client() as http:
        pages = {path: (await http.get(path)) for path in PAGES}
        assert {path: page.status_code for path, page in pages.items()} == dict.fromkeys(PAGES, 200)
        wanted = {link for page in pages.values() for link in LINK.findall(page.text)}
        texts = {path: await http.get(path) for path in {path for path, _anchor in wanted} - {"/"}}
    assert [path for path, reply in texts.items() if reply.status_code != 200] == []
    missing = [(p, anchor) for p, anchor in wanted if anchor and p in texts and f'id="{anchor}"' not in texts[p].text]
    assert missing == []


async def test_every_operation_and_code_is_in_the_reference(database: Database) -> None:
    async with control_plane(database) as served, served.client() as http:
        document = json.loads((await http.get("/openapi.json")).content)
        index = (await http.get("/docs")).text
        errors = (await http.get("/docs/errors")).text
    operations = [each["operationId"] for path in document["paths"].values() for each in path.values()]
    assert [name for name in operations if f"#{name}" not in index] == []
    assert [code.anchor for code in error_codes().values() if f'id="{code.anchor}"' not in errors] == []


async def test_pages_keep_to_the_policy_and_the_public_cache(database: Database) -> None:
    async with control_plane(database) as served, served.client() as http:
        page = await http.get("/docs/monitors")
        missing = await http.get("/docs/nothing")
    assert page.headers["Content-Security-Policy"].startswith("default-src 'self'")
    assert page.headers["Cache-Control"] == "public, max-age=10, stale-while-revalidate=30"
    assert not re.search(r"<script(?![^>]*src=)|\son\w+=|style=", page.text), "nothing inline"
    assert len(page.content) < 700_000
    assert missing.status_code == 404


async def test_a_language_model_is_told_how_to_begin(database: Database) -> None:
    settings = settings_with(server={"public_url": "https://watch.example.com"})
    async with control_plane(database, settings) as served:
        async with served.client() as http:
            text = (await http.get("/llms.txt")).text
            robots = await http.get("/robots.txt")
        lines = re.findall(r"^curl .*'https://watch.example.com(/api/v1[^']*)'$", text, re.MULTILINE)
        async with served.tenant() as http:
            replies = {path: await http.get(path) for path in lines if "{id}" not in path and path != "/api/v1/plan"}
    assert text.startswith("# Farwatch\n\n> ")
    assert len(lines) == 10
    assert {reply.status_code for reply in replies.values()} == {200}
    for place in ("/docs", "/openapi.json", "/docs/errors", "/schemas/config.v1.json"):
        assert f"(https://watch.example.com{place})" in text
    assert "Disallow: /app" in robots.text


@pytest.mark.parametrize("path", ["/docs", "/llms.txt"])
async def test_the_answer_to_head_has_no_body(database: Database, path: str) -> None:
    async with control_plane(database) as served, served.client() as http:
        reply = await http.head(path)
    assert (reply.status_code, reply.content) == (200, b"")
