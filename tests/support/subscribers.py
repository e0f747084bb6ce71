"""A control plane whose status pages are subscribed to, with a real mail server, receiver, and push service."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import msgspec

from control_plane.domain.pages.subscriber_rules import Kind, Target, target_digest
from control_plane.notify import transports, vapid
from control_plane.services.installation.identity import new_id
from control_plane.services.pages.read_subscribers import subscriber_context
from control_plane.services.pages.tell_subscribers import Teller
from control_plane.services.pages.watch_pages import look_at_page, owe_notices
from control_plane.settings import ServerSettings, Settings
from control_plane.store import page_subscribers
from control_plane.store.pool import Database
from tests.support.public_pages import Line, Stage, a_stage
from tests.support.receiver import Receiver, a_receiver
from tests.support.seed import PEPPER
from tests.support.serving import SETTINGS
from tests.support.smtp_servers import MailServer, Taken, mail_server
from tests.support.vendor_push import HOST, Browser
from tests.support.vendors import vendor_server

HOME = "https://farwatch.example"
HOOK_SECRET = "whsec_" + "A" * 43 + "="
API = "/api/public/v1/pages/acme"
RESOLVE = """
UPDATE incidents SET state = 'resolved', phase = 'resolved', resolved_at = clock_timestamp()
WHERE tenant_id = $1 AND id = $2
"""
CROWD = """
INSERT INTO page_subscribers (tenant_id, id, page_id, kind, digest, sealed, source, nonce, confirmed_at)
VALUES ($1, $2, $3, $4, $5, $6, 'public', '', clock_timestamp())
"""
FALL_DUE = "UPDATE page_deliveries SET due_at = clock_timestamp(), lease_until = NULL WHERE state = 'pending'"
FREE = "UPDATE page_subscribers SET full_at = NULL"


@dataclass(frozen=True)
class SubscriberStage:
    """`api` is the first component of the page `acme`, `shop` its other one. `public` asks as anybody."""

    pages: Stage
    page_id: UUID
    api: Line
    shop: Line
    public: httpx.AsyncClient
    mails: MailServer
    hooks: Receiver
    browser: Browser
    settings: Settings

    @property
    def database(self) -> Database:
        return self.pages.database

    @property
    def tenant_id(self) -> Any:
        return self.pages.served.home.tenant_id

    def teller(self, **over: Any) -> Teller:
        given: dict[str, Any] = {
            "settings": self.settings,
            "sealer": self.pages.served.deps.sealer,
            "transports": transports(self.settings),
            "jitter": lambda: 0.0,
        }
        return Teller(self.database, **(given | over))

    async def look(self, page_id: UUID | None = None) -> int:
        """Look at the page, and owe what is news."""
        await look_at_page(self.database, tenant_id=self.tenant_id, page_id=page_id or self.page_id)
        return await owe_notices(self.database)

    async def tell(self) -> list[Taken]:
        """Let the worker run once; the mails that came of it."""
        before = len(self.mails.taken)
        await self.teller().tell()
        return self.mails.taken[before:]

    async def news(self) -> list[Taken]:
        await self.look()
        return await self.tell()

    async def ask(self, body: dict[str, Any], *, slug: str = "acme") -> httpx.Response:
        self.pages.served.deps.subscribing._buckets.clear()  # the tests share one address
        return await self.public.post(f"/api/public/v1/pages/{slug}/subscribe", json=body)

    async def subscribed(self, email: str, components: Sequence[Line] | None = None) -> Taken:
        """Somebody who has said yes; the mail that asked."""
        body: dict[str, Any] = {"type": "email", "email": email}
        if components is not None:
            body["component_ids"] = [str(line.id) for line in components]
        asked = await self.ask(body)
        assert asked.status_code == 202, asked.text
        [mail] = await self.tell()
        said = await self.public.post(path_in(mail, "confirm"))
        assert said.status_code == 200, said.text
        await self.look()
        return mail

    async def crowd(self, count: int, *, kind: Kind = "webhook") -> list[str]:
        """So many confirmed subscribers at once, each at an address of its own."""
        deps, made = self.pages.served.deps, []
        rows = []
        for number in range(count):
            address = self.hooks.url(f"/{number}") if kind == "webhook" else f"reader-{number}@example.com"
            subscriber_id = new_id()
            sealed = deps.sealer.seal(
                msgspec.json.encode(Target(address=address, secret=HOOK_SECRET if kind == "webhook" else "")),
                context=subscriber_context(self.tenant_id, subscriber_id),
            )
            digest = target_digest(kind, address, pepper=PEPPER)
            rows.append((self.tenant_id, subscriber_id, self.page_id, kind, digest, sealed))
            made.append(address)
        async with self.database.app_transaction() as conn:
            await page_subscribers.hold_list(conn, tenant_id=self.tenant_id, page_id=self.page_id)
            await conn.executemany(CROWD, rows)
        await self.look()
        return made

    async def resolve(self, incident_id: UUID) -> None:
        await self.execute(RESOLVE, self.tenant_id, incident_id)

    async def execute(self, statement: str, *arguments: Any) -> None:
        async with self.database.app() as conn:
            await conn.execute(statement, *arguments)

    async def rows(self, statement: str, *arguments: Any) -> list[dict[str, Any]]:
        async with self.database.app() as conn:
            return [dict(row) for row in await conn.fetch(statement, *arguments)]

    async def states(self) -> dict[str, int]:
        """How many deliveries of news are in which state."""
        found = await self.rows("SELECT state, count(*) FROM page_deliveries WHERE notice_id IS NOT NULL GROUP BY 1")
        return {row["state"]: row["count"] for row in found}


def path_in(mail: Taken, what: str) -> str:
    """The path of the link of this kind, which both parts of the mail have."""
    found = re.search(rf"{HOME}(/status/[\w-]+/{what}/[\w-]+)", mail.part("plain"))
    assert found is not None, mail.part("plain")
    assert found[0] in mail.part("html")
    return found[1]


def token_of(path: str) -> str:
    return path.rpartition("/")[2]


@asynccontextmanager
async def a_subscriber_stage(database: Database, **page: Any) -> AsyncIterator[SubscriberStage]:
    """Serve, with the page `acme` of two components that nobody has subscribed to."""
    browser = Browser(vapid.public_key(SETTINGS))
    async with mail_server() as mails, a_receiver() as hooks, vendor_server(browser.judge, HOST) as push:
        settings = msgspec.structs.replace(
            SETTINGS,
            server=ServerSettings(public_url=HOME, read_timeout_s=5),
            delivery=push.settings(timeout_s=3),
            email=mails.settings(),
        )
        async with a_stage(database, settings) as pages, pages.served.client() as public:
            page_id = await pages.page(**page)
            api, shop = await pages.component(page_id, "API"), await pages.component(page_id, "Shop", position=1)
            yield SubscriberStage(pages, page_id, api, shop, public, mails, hooks, browser, settings)


def ago(minutes: int) -> timedelta:
    return timedelta(minutes=minutes)
