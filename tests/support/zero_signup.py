"""A control plane on which anybody may create monitors, and what somebody creates there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from control_plane.store.pool import Database
from tests.support.dashboard import Desk, a_desk
from tests.support.serving import settings_with

SHARE = """
ALTER TABLE regions DISABLE TRIGGER shared_ids;
UPDATE regions SET tenant_id = NULL, allow_cidrs = '{}', selected_by_default = true;
ALTER TABLE regions ENABLE TRIGGER shared_ids;
"""
BODY = {"name": "Mine", "check": "https://example.com/health", "regions": ["eu"], "confirmations": 1}

PAGE = {"slug": "mine", "title": "My page", "state": "published"}


@asynccontextmanager
async def an_open_desk(database: Database, *, behind_proxy: bool = True, **anonymous: Any) -> AsyncIterator[Desk]:
    """Its regions are everybody's. `behind_proxy`: forwarded addresses of this machine are believed."""
    trusted = ("127.0.0.0/8",) if behind_proxy else ()
    settings = settings_with(anonymous={"enabled": True, **anonymous}, server={"trusted_proxies": trusted})
    async with a_desk(database, settings) as desk:
        async with database.owner() as conn:
            await conn.execute(SHARE)
        yield desk


async def a_strangers_monitor(desk: Desk, **body: Any) -> dict[str, Any]:
    """A monitor created without a credential: the answer, with its manage key."""
    async with desk.served.client() as http:
        reply = await http.post("/api/v1/monitors", json={**BODY, **body})
    assert reply.status_code == 201, reply.text
    made: dict[str, Any] = reply.json()
    return made


async def a_strangers_page(desk: Desk, **body: Any) -> dict[str, Any]:
    """A status page created without a credential: the answer, with its manage key."""
    async with desk.served.client() as http:
        reply = await http.post("/api/v1/status-pages", json={**PAGE, **body})
    assert reply.status_code == 201, reply.text
    made: dict[str, Any] = reply.json()
    return made
