"""Status pages while the database is away: the last good copy, quickly, saying how old it is."""

from __future__ import annotations

import asyncio
import re
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from control_plane.postgres import PostgresServer
from control_plane.public_site import badges, feeds, shares
from control_plane.services.pages import keep_public_pages
from control_plane.services.pages.hash_page_password import hash_page_password
from control_plane.store.migrate import migrate
from control_plane.store.pool import Database
from control_plane.web import page_streams
from tests.support.every_page import every_page, shown_routes
from tests.support.public_pages import Stage, a_stage
from tests.support.waiting import until_async

API = "/api/public/v1/pages/acme"


@pytest.fixture
async def server() -> AsyncIterator[PostgresServer]:
    with tempfile.TemporaryDirectory(prefix="fw-away-", dir="/tmp") as directory:
        await asyncio.to_thread(Path(directory).chmod, 0o755)  # the database runs as another user
        running = PostgresServer(Path(directory) / "pg", durable=False)
        await asyncio.to_thread(running.start)
        yield running
        await asyncio.to_thread(running.stop)


@pytest.fixture
async def database(server: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Database]:
    monkeypatch.setattr(keep_public_pages, "FRESH_S", 0.0)
    for door in (badges, feeds, shares):
        monkeypatch.setattr(door, "_AGAIN_S", 0.0)
    dsn = server.dsn()
    await migrate(dsn)
    connected = await Database.connect(dsn, max_size=4)
    yield connected
    await connected.close()


@pytest.fixture
async def stage(database: Database) -> AsyncIterator[Stage]:
    async with a_stage(database) as made:
        yield made


async def test_the_last_good_copy_is_served_within_a_second_and_says_how_old_it_is(
    server: PostgresServer, stage: Stage
) -> None:
    page = await stage.page()
    shop = await stage.component(page, "Shop", "down")
    incident = await stage.incident(shop, "Orders fail")
    await stage.page("never-asked")
    paths = ["/status/acme", "/status/acme/history", f"/status/acme/incidents/{incident}", API, f"{API}/incidents"]
    paths += ["/status/acme/feed.atom", "/status/acme/api/v2/summary.json"]
    async with stage.served.client() as http:
        for path in paths:
            assert (await http.get(path)).status_code == 200
        await asyncio.to_thread(server.stop)
        for path in paths:
            await _served_old(http, path)
        shown = (await http.get("/status/acme")).text
        assert "These are the last known figures" in shown
        assert "Orders fail" in shown
        told = (await http.get(API)).json()
        assert told["stale_since"] == told["as_of"]
        summary = (await http.get("/status/acme/api/v2/summary.json")).json()
        assert "stale_since" in summary["page"]
        for path in ("/status/never-asked", "/status/nobody"):
            away = await http.get(path)
            assert away.status_code == 503
            assert "cannot be read at the moment" in away.text
            assert "Retry-After" in away.headers
        await asyncio.to_thread(server.start)
        await _until_fresh(http)


DOMAIN, UNASKED = "status.acme.example", "other.acme.example"
PROVEN = """
INSERT INTO domains (tenant_id, id, domain, path_token, txt_token, state, verified_at)
VALUES ($1, gen_random_uuid(), 'acme.example', 'path', 'text', 'verified', now())
"""
PASSWORD = "open sesame"


async def test_a_domain_a_password_and_an_open_stream_outlive_the_database(
    server: PostgresServer, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keep_public_pages, "DOMAIN_GOOD_S", 0.0)
    monkeypatch.setattr(page_streams, "POLL_S", 0.1)
    async with stage.database.app() as conn:
        await conn.execute(PROVEN, stage.served.home.tenant_id)
    shop = await stage.component(await stage.page(custom_domain=DOMAIN), "Shop")
    await stage.component(await stage.page("other", custom_domain=UNASKED), "Other")
    locked = await stage.page("locked", password_digest=await hash_page_password(PASSWORD))
    await stage.component(locked, "Vault")
    async with stage.served.client() as http, stage.served.client() as watcher:
        host = {"Host": DOMAIN}
        assert "All systems operational" in (await http.get("/", headers=host)).text
        assert (await http.get("/status/locked")).status_code == 403
        async with watcher.stream("GET", f"{API}/events") as stream:
            heard = asyncio.create_task(_hear(stream, "component.changed"))
            await asyncio.to_thread(server.stop)
            await _away(http, host)
            await asyncio.to_thread(server.start)
            await _until_fresh(http)
            await stage.judge(shop, "down")
            assert "major_outage" in await asyncio.wait_for(heard, 30), "who watches is told when it is back"


async def _away(http: httpx.AsyncClient, host: dict[str, str]) -> None:
    """A page under its own domain, one whose domain nobody asked for before, and one behind a password."""
    shown = await http.get("/", headers=host)
    assert (shown.status_code, "last known figures" in shown.text) == (200, True)
    unknown = await http.get("/", headers={"Host": UNASKED})
    assert unknown.status_code == 503
    assert "cannot be read at the moment" in unknown.text, "and not the installation's front page"
    assert (await http.get("/status/locked")).status_code == 403
    assert (await http.post("/status/locked/unlock", data={"password": "wrong"})).status_code == 403
    assert (await http.post("/status/locked/unlock", data={"password": PASSWORD})).status_code == 303
    opened = await http.get("/status/locked")
    assert "Vault" in opened.text
    assert "last known figures" in opened.text
    begun = await asyncio.gather(*(http.get(path) for path in ("/status/acme", API) * 20))
    assert {reply.status_code for reply in begun} == {200}


async def _hear(stream: httpx.Response, event: str) -> str:
    """The data of the next event of this name."""
    named = False
    async for line in stream.aiter_lines():
        if line == f"event: {event}":
            named = True
        elif named and line.startswith("data:"):
            return line
    return "the stream ended"


QUIET = {
    *("get_configuration_schema", "get_llms_text", "get_robots_text", "get_public_style", "get_page_colours"),
    *("get_static_file", "show_docs", "show_error_reference", "show_docs_chapter", "get_openapi", "get_health"),
    *("get_service_worker", "get_status_worker", "get_manifest", "get_favicon", "show_operator_sign_in"),
    "show_sign_in",
}
"""What needs no database, and is served as ever."""
SAID = {"show_acknowledge_link", "show_verification", "show_unsubscribe", "show_delegation", "show_setup"}
SAID |= {"show_invitation", "show_page_question", "show_page_choice", "show_page_unsubscribe"}
"""Pages of links, which ask or change something: they say that they cannot."""
NEVER = {"get_public_subscription", "verify_whatsapp_hook", "get_readiness", "show_nothing", "get_front_page"}


async def test_every_public_page_answers_from_its_last_good_copy(server: PostgresServer, database: Database) -> None:
    async with every_page(database) as pages, pages.visitor() as http, pages.desk.browser() as public:
        shown = [route for route in shown_routes() if not route.operation.startswith("ping_")]
        asked = {route.operation: pages.address(route) for route in shown if route.operation not in NEVER}
        ours = {name: path for name, path in asked.items() if f"{path}/".startswith(("/app/", "/operator/ui/"))}
        rest = {name: path for name, path in asked.items() if name not in ours}
        for name, path in rest.items():
            assert (await public.get(path)).status_code == 200, (name, path)
        await asyncio.to_thread(server.stop)
        for name, path in rest.items():
            if name in SAID:
                await _calm(public, path)
            elif name in QUIET:
                assert (await public.get(path)).status_code == 200, path
            else:
                await _served_old(public, path, logo=name == "get_page_logo")
        for path in ours.values():
            await _calm(http, path)
        told = (await public.get(asked["show_share"])).text
        assert "These are the last known figures" in told
        assert (await public.get(asked["get_shared_monitor"])).json()["stale_since"] is not None
        assert " UTC</text>" in (await public.get(asked["get_badge"])).text
        assert " UTC</text>" in (await public.get(asked["get_public_page_badge"])).text
        await asyncio.to_thread(server.start)
        await until_async(lambda: _is_fresh(public, asked["show_share"]), "the link is live again", timeout=30)
        async with pages.desk.served.tenant() as owner:
            gone = f"/api/v1/monitors/{pages.known['monitor_id']}/shares"
            for share in (await owner.get(gone)).json()["items"]:
                assert (await owner.delete(f"{gone}/{share['id']}")).status_code == 204
        assert (await public.get(asked["show_share"])).status_code == 404, "what was revoked is gone with the next look"


async def _calm(http: httpx.AsyncClient, path: str) -> None:
    """A page in words that says when to come back, and nothing of what went wrong inside."""
    reply = await http.get(path)
    assert reply.status_code == 503, path
    assert reply.headers["Content-Type"].startswith("text/html"), path
    assert int(reply.headers["Retry-After"]) > 0, path
    assert "Not available just now" in reply.text, path
    assert not re.search(r"Traceback|asyncpg|postgres|Error\b", reply.text), path


async def _is_fresh(http: httpx.AsyncClient, path: str) -> bool:
    reply = await http.get(path)
    return reply.status_code == 200 and "Warning" not in reply.headers


async def _served_old(http: httpx.AsyncClient, path: str, *, logo: bool = False) -> None:
    """The best of a few tries is within a second: the machine that runs this is shared."""
    took = []
    for _ in range(3):
        started = time.monotonic()
        reply = await http.get(path)
        took.append(time.monotonic() - started)
        assert reply.status_code == 200, path
        if not logo:  # a picture is named after its content, and is never old
            assert reply.headers["Warning"].startswith("110"), path
            assert int(reply.headers["Age"]) >= 0, path
    assert min(took) < 1.0, path


async def _until_fresh(http: httpx.AsyncClient) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if (await http.get(API)).json().get("stale_since") is None:
            return
        await asyncio.sleep(0.1)
    pytest.fail("the page stayed as it was, though the database came back")
