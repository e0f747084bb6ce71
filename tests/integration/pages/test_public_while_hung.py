"""Public pages while the database takes connections and answers nothing: what is known at once, all else refused."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from control_plane.postgres import PostgresServer
from control_plane.services.pages import keep_public_pages, last_known
from control_plane.services.pages.hash_page_password import hash_page_password
from control_plane.store.migrate import migrate
from control_plane.store.pool import Database
from tests.support.public_pages import Stage, a_stage
from tests.support.waiting import until_async

API = "/api/public/v1/pages/acme"
DOMAIN, UNASKED = "status.acme.example", "other.acme.example"
PROVEN = """
INSERT INTO domains (tenant_id, id, domain, path_token, txt_token, state, verified_at)
VALUES ($1, gen_random_uuid(), 'acme.example', 'path', 'text', 'verified', now())
"""
WELL_BEFORE_S = 6.0
"""The database's own deadlines are 10 s to be given a connection and 30 s for a statement."""


@pytest.fixture
async def server() -> AsyncIterator[PostgresServer]:
    with tempfile.TemporaryDirectory(prefix="fw-hung-", dir="/tmp") as directory:
        await asyncio.to_thread(Path(directory).chmod, 0o755)  # the database runs as another user
        running = PostgresServer(Path(directory) / "pg", durable=False)
        await asyncio.to_thread(running.start)
        yield running
        await asyncio.to_thread(running.stop)


@pytest.fixture
async def stage(server: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    monkeypatch.setattr(keep_public_pages, "FRESH_S", 0.0)
    monkeypatch.setattr(keep_public_pages, "DOMAIN_GOOD_S", 0.0)
    await migrate(server.dsn())
    connected = await Database.connect(server.dsn(), max_size=4)
    async with a_stage(connected) as made:
        yield made
    await connected.close()


@contextmanager
def hung(server: PostgresServer) -> Iterator[None]:
    """All processes of the server stand still: sockets stay open, and nobody reads from them."""
    assert server.pid is not None
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text(encoding="ascii").split()
    stopped = [server.pid, *map(int, children)]
    try:
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        yield
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)


async def test_what_was_read_before_is_shown_at_once_and_what_never_was_is_refused_in_seconds(
    server: PostgresServer, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = await stage.page(custom_domain=DOMAIN)
    async with stage.database.app() as conn:
        await conn.execute(PROVEN, stage.served.home.tenant_id)
    shop = await stage.component(page, "Shop", "down")
    incident = await stage.incident(shop, "Orders fail")
    await stage.page("never-asked")
    locked = await stage.page("locked", password_digest=await hash_page_password("open sesame"))
    await stage.component(locked, "Vault")
    known = ["/status/acme/history", "/status/acme", f"/status/acme/incidents/{incident}", API, f"{API}/incidents"]
    async with stage.served.client() as http:
        for path in known:
            assert (await http.get(path)).status_code == 200
        assert (await http.get("/", headers={"Host": DOMAIN})).status_code == 200
        assert (await http.get("/status/locked")).status_code == 403
        with hung(server):
            for path in known:
                assert (await _soon(http, path)).status_code == 200, path
            assert "Shop" in (await _soon(http, "/", host=DOMAIN)).text
            assert (await _soon(http, "/status/locked")).status_code == 403
            monkeypatch.setattr(keep_public_pages, "OLD_S", 0.0)
            assert "These are the last known figures" in (await _soon(http, "/status/acme/history")).text
            for module in (keep_public_pages, last_known):
                monkeypatch.setattr(module, "FIRST_S", 0.5)
            unknown = ["/status/never-asked", "/status/nobody", "/status/acme/history?until=2026-01", "/feed.xml"]
            unknown += [f"{API}/incidents/{stage.served.home.tenant_id}", "/api/public/v1/pages/nobody"]
            for path in unknown:
                await _refused(await _soon(http, path))
            await _refused(await _soon(http, "/", host=UNASKED))
        await until_async(lambda: _is_fresh(http), "the page is live again", timeout=60)
        for path in ("/status/never-asked", "/status/acme/history?until=2026-01", "/feed.xml"):
            assert (await http.get(path)).status_code == 200, path


async def _soon(http: httpx.AsyncClient, path: str, *, host: str = "") -> httpx.Response:
    """Long before the database's own deadlines: this machine is shared, so no tighter."""
    started = time.monotonic()
    reply = await http.get(path, headers={"Host": host} if host else {}, timeout=60)
    assert time.monotonic() - started < WELL_BEFORE_S, path
    return reply


async def _refused(reply: httpx.Response) -> None:
    assert reply.status_code == 503, reply.url
    assert int(reply.headers["Retry-After"]) > 0, reply.url


async def _is_fresh(http: httpx.AsyncClient) -> bool:
    return (await http.get(API, timeout=60)).json().get("stale_since") is None
