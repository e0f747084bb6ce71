"""A tenant at the door of an installation that sends e-mail, and the mail server that takes it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx

from control_plane.public_site import consent
from control_plane.services.alerting.send_system_mails import send_system_mails
from control_plane.settings import SecuritySettings, ServerSettings, Settings
from control_plane.store.pool import Database
from control_plane.tenant_api import apply, channels, deliveries
from tests.support import seed
from tests.support.door import an_api_key, serving
from tests.support.outbox import SEALER, SETTINGS, Outbox
from tests.support.plain_http import NO_TLS
from tests.support.smtp_servers import MailServer, Taken, mail_server

SCOPES = ("channels:read", "channels:write", "deliveries:read", "deliveries:write", "config:read", "config:write")
HOME = "https://farwatch.example"
ADDRESS = "oncall@example.com"
LATER = "UPDATE system_mails SET due_at = clock_timestamp() WHERE state = 'pending'"
A_DAY_LATER = """
UPDATE channel_verifications
SET created_at = created_at - interval '25 hours', expires_at = expires_at - interval '25 hours'
"""
SEEN_A_DAY_LATER = "UPDATE channels SET verification_sent_at = verification_sent_at - interval '25 hours'"


@dataclass(frozen=True)
class EmailStage:
    """`mine` asks as the tenant, `public` as anybody who follows a link."""

    outbox: Outbox
    mine: httpx.AsyncClient
    theirs: httpx.AsyncClient
    public: httpx.AsyncClient
    server: MailServer

    @property
    def settings(self) -> Settings:
        return settings_of(self.server)

    async def create(self, to: str = ADDRESS, *, name: str = "On call") -> dict[str, Any]:
        response = await self.mine.post("/api/v1/channels", json={"name": name, "config": {"type": "email", "to": to}})
        assert response.status_code == 201, response.text
        created: dict[str, Any] = response.json()
        return created

    async def verified(self, to: str = ADDRESS, *, name: str = "On call") -> dict[str, Any]:
        made = await self.create(to, name=name)
        if made["verification"]["state"] != "verified":
            assert (await self.public.post(await self.link())).status_code == 200
        return await self.read(made)

    async def read(self, channel: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = (await self.mine.get(f"/api/v1/channels/{channel['id']}")).json()
        return found

    async def resend(self, channel: dict[str, Any]) -> httpx.Response:
        return await self.mine.post(f"/api/v1/channels/{channel['id']}/resend-verification")

    async def send(self) -> list[Taken]:
        """Let the worker run once; the mails that the server took meanwhile."""
        before = len(self.server.taken)
        await send_system_mails(self.outbox.database, settings=self.settings, sealer=SEALER, jitter=lambda: 0.0)
        return self.server.taken[before:]

    async def link(self) -> str:
        """The path of the link in the one mail that is owed."""
        [mail] = await self.send()
        return path_in(mail)

    async def a_day_passes(self) -> None:
        """For links alone."""
        await self.outbox.execute(A_DAY_LATER)
        await self.outbox.execute(SEEN_A_DAY_LATER)


def settings_of(server: MailServer) -> Settings:
    return Settings(
        delivery=SETTINGS,
        email=server.settings(),
        server=ServerSettings(public_url=HOME),
        security=SecuritySettings(pepper=seed.PEPPER.decode()),
    )


def path_in(mail: Taken, what: str = "verify", *, home: str = HOME) -> str:
    found = re.search(rf"{home}/{what}/[\w-]+", mail.part("plain"))
    assert found is not None, mail.part("plain")
    assert found[0] in mail.part("html")
    return urlsplit(found[0]).path


@asynccontextmanager
async def an_email_stage(database: Database) -> AsyncIterator[EmailStage]:
    outbox, stranger = await Outbox.make(database), await Outbox.make(database, "Stranger")
    async with database.app_transaction() as conn:
        mine = await an_api_key(conn, outbox.tenant_id, *SCOPES)
        theirs = await an_api_key(conn, stranger.tenant_id, *SCOPES)
    routes = (*channels.ROUTES, *deliveries.ROUTES, *apply.ROUTES, *consent.ROUTES)
    async with (
        mail_server() as server,
        serving(database, routes, delivery=SETTINGS, email=server.settings(), public_url=HOME) as served,
        served.client(mine) as client,
        served.client(theirs) as other,
        httpx.AsyncClient(base_url=served.url, verify=NO_TLS, timeout=20) as public,
    ):
        yield EmailStage(outbox, client, other, public, server)
