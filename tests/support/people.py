"""Browsers of people at a served control plane: signed in by setup link, invitation, key or provider."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx

from control_plane.settings import Settings
from control_plane.store.pool import Database
from tests.support.serving import SETTINGS, ControlPlane, control_plane

ORIGIN = "http://watch.example"
"""What people type, in tests with providers; requests go to the loopback all the same."""


@dataclass
class Browser:
    """A browser with its cookies; `api` calls the tenant's door as a page of ours would."""

    http: httpx.AsyncClient
    csrf: str = ""

    async def me(self) -> dict[str, Any]:
        reply = await self.http.get("/api/v1/me")
        assert reply.status_code == 200, reply.text
        found: dict[str, Any] = reply.json()
        self.csrf = found["session"]["csrf_token"]
        return found

    async def api(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> httpx.Response:
        if not self.csrf:
            await self.me()
        headers = {"X-CSRF-Token": self.csrf, "Sec-Fetch-Site": "same-origin"}
        return await self.http.request(method, f"/api/v1{path}", json=body, headers=headers)

    async def invite(self, email: str, role: str = "member") -> str:
        """The path of a new invitation."""
        reply = await self.api("POST", "/invitations", {"email": email, "role": role})
        assert reply.status_code == 201, reply.text
        return urlsplit(str(reply.json()["link"])).path


@dataclass
class House:
    """A control plane and its people."""

    served: ControlPlane
    database: Database

    @asynccontextmanager
    async def browser(self) -> AsyncIterator[Browser]:
        async with self.served.client() as http:
            yield Browser(http)

    @asynccontextmanager
    async def owner(self, email: str = "olga@example.com") -> AsyncIterator[Browser]:
        """Whoever opened the setup link."""
        async with self.browser() as browser:
            fields = {"tenant": "Acme", "name": "Olga", "email": email}
            reply = await browser.http.post(f"/setup/{self.served.home.setup_token}", data=fields)
            assert (reply.status_code, reply.headers.get("Location")) == (303, "/app"), reply.text
            yield browser

    @asynccontextmanager
    async def joined(self, by: Browser, email: str, role: str) -> AsyncIterator[Browser]:
        """Somebody who accepted an invitation."""
        path = await by.invite(email, role)
        async with self.browser() as browser:
            reply = await browser.http.post(path, data={"name": email.partition("@")[0].title()})
            assert reply.status_code == 303, reply.text
            yield browser

    async def rows(self, statement: str, *arguments: Any) -> list[dict[str, Any]]:
        async with self.database.app() as conn:
            return [dict(row) for row in await conn.fetch(statement, *arguments)]


@asynccontextmanager
async def a_house(database: Database, settings: Settings = SETTINGS) -> AsyncIterator[House]:
    async with control_plane(database, settings) as served:
        yield House(served, database)


def inner(location: str) -> str:
    """Path and query of a redirect to ourselves."""
    split = urlsplit(location)
    assert f"{split.scheme}://{split.netloc}" == ORIGIN, location
    return f"{split.path}?{split.query}"


def code_of(reply: httpx.Response) -> tuple[int, str]:
    """Status and code of a refusal."""
    return reply.status_code, reply.json()["error"]["code"]
