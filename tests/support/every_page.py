"""A control plane in which every page that there is has something to show, and the address of each."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import httpx

from control_plane.app import all_routes
from control_plane.dashboard.assets import asset
from control_plane.domain.alerting.acknowledge_link import Acknowledgeable, acknowledge_token
from control_plane.domain.alerting.unsubscribe_link import unsubscribe_token
from control_plane.domain.channels.verification import verification_digest
from control_plane.domain.pages.subscription_link import subscription_token
from control_plane.public_site.rendering import style_path
from control_plane.settings import Settings
from control_plane.store import verifications
from control_plane.store.pool import Database
from control_plane.web.routes import Door, Route
from tests.support.dashboard import Desk, a_desk
from tests.support.fuzz_world import all_of_the_operator, all_of_the_tenant
from tests.support.picture import PICTURE
from tests.support.seed import PEPPER, new_id
from tests.support.serving import OPERATOR_SECRET, settings_with

MAILS = {"host": "127.0.0.1", "port": 9, "sender": "farwatch@example.net"}
PARAMETER = re.compile(r"{(\w+)(?::[^}]*)?}")
NEWEST = "SELECT id, nonce FROM page_subscribers WHERE kind = 'email' ORDER BY created_at DESC, id DESC LIMIT 1"
VERIFICATION = "a link in a mail"
ADDRESS = "someone@example.net"
OPERATOR = "/operator/ui"
ENDLESS = {"follow_events", "follow_public_page"}
"""Streams: they have no end that a test could wait for."""
MOVED = {"lead_to_status_page"}
"""Addresses that only lead elsewhere."""


@dataclass(frozen=True, slots=True)
class EveryPage:
    """`known` are the path's parameters for the tenant's and the public's pages, `operators` those of the operator's.

    `over` has by operation what a path names where the same word means another thing elsewhere.
    """

    desk: Desk
    known: Mapping[str, str]
    operators: Mapping[str, str]
    over: Mapping[str, Mapping[str, str]]

    def address(self, route: Route) -> str:
        """Where this route lies, of something that is there."""
        known = {**(self.operators if route.path.startswith(OPERATOR) else self.known)}
        known |= self.over.get(route.operation, {})
        return PARAMETER.sub(lambda found: known.get(found[1], "1"), route.path)

    @asynccontextmanager
    async def visitor(self, **headers: str) -> AsyncIterator[httpx.AsyncClient]:
        """A browser that is signed in as a tenant's owner, and as the operator."""
        async with self.desk.signed_in() as http:
            http.headers.update(headers)
            reply = await http.post("/sign-in/operator", data={"secret": OPERATOR_SECRET})
            assert reply.status_code == 303, reply.text
            yield http


def shown_routes() -> list[Route]:
    """Every route that answers a link."""
    return [
        route
        for route in all_routes()
        if route.door is Door.PUBLIC and route.method == "GET" and route.operation not in ENDLESS | MOVED and route.head
    ]


@asynccontextmanager
async def every_page(database: Database, settings: Settings | None = None) -> AsyncIterator[EveryPage]:
    """Serve all of it until the block ends."""
    async with AsyncExitStack() as stack:
        desk = await stack.enter_async_context(a_desk(database, settings or settings_of()))
        known = {**await all_of_the_tenant(desk), "kind": "status"}
        known["window_id"] = known["maintenance_id"]
        over = await _by_links(desk, known)
        yield EveryPage(desk, known, await all_of_the_operator(desk), over)


def settings_of(**sections: Any) -> Settings:
    """Settings with e-mail, and without a limit to what a test may ask."""
    return settings_with(
        **{
            "server": {"public_url": "http://farwatch.test"},
            "security": {"failed_auth_per_minute": 100_000},
            "email": MAILS,
            "anonymous": {"enabled": True},
            **sections,
        }
    )


async def _by_links(desk: Desk, known: Mapping[str, str]) -> Mapping[str, Mapping[str, str]]:
    """What only a link leads to, each with a token that is good."""
    home = desk.served.home
    async with desk.served.tenant() as http:
        page = f"/api/v1/status-pages/{known['page_id']}"
        slug = (await _done(http.patch(page, json={"state": "published"})))["slug"]
        reader = {"type": "email", "email": "reader@example.net"}
        assert (await http.post(f"/api/public/v1/pages/{slug}/subscribe", json=reader)).status_code == 202
        logo = await _done(http.put(f"{page}/logo", content=PICTURE, headers={"Content-Type": "image/png"}))
        share = await _done(http.post(f"/api/v1/monitors/{known['monitor_id']}/shares", json={}))
        feed = await _done(http.post("/api/v1/feeds", json={"name": "Feed"}))
        body = {"email": "guest@example.net", "role": "viewer"}
        invited = await _done(http.post("/api/v1/invitations", json=body))
        mail = await _done(
            http.post("/api/v1/channels", json={"name": "M", "config": {"type": "email", "to": ADDRESS}})
        )
        passed = await _done(http.post("/api/v1/channels/delegate", json={}))
    asked = UUID(mail["id"])
    async with desk.database.app_transaction() as conn:
        await verifications.insert(
            conn, tenant_id=home.tenant_id, verification_id=new_id(), channel_id=asked, address=ADDRESS,
            digest=verification_digest(VERIFICATION), lasts=timedelta(days=1),
        )  # fmt: skip
        subscriber_id, nonce = await conn.fetchrow(NEWEST)
    token = partial(subscription_token, tenant_id=home.tenant_id, subscriber_id=subscriber_id, pepper=PEPPER)
    managed = {"token": token("manage")}
    told = Acknowledgeable(home.tenant_id, UUID(known["incident_id"]), UUID(known["channel_id"]))
    ended = unsubscribe_token(tenant_id=home.tenant_id, channel_id=asked, address=ADDRESS, pepper=PEPPER)
    return {
        "show_acknowledge_link": {"token": acknowledge_token(told, pepper=PEPPER)},
        "show_verification": {"token": VERIFICATION},
        "show_unsubscribe": {"token": ended},
        "show_page_question": {"token": token("confirm", nonce=nonce)},
        "show_page_choice": managed,
        "show_page_unsubscribe": managed,
        "get_public_subscription": managed,
        "show_delegation": {"code": str(passed["url"]).rpartition("/")[2]},
        "show_share": {"token": share["token"]},
        "get_shared_monitor": {"token": share["token"]},
        "read_feed": {"token": feed["token"]},
        "show_setup": {"token": home.setup_token},
        "show_invitation": {"token": str(invited["link"]).rpartition("/")[2]},
        "get_page_logo": {"digest": str(logo["logo_url"]).rpartition("/")[2]},
        "get_page_in_statuspage_shape": {"document": "summary.json"},
        "get_page_colours": {"name": "1d5fd1_-_-_-.css"},
        "get_static_file": dict(zip(("digest", "name"), asset("dashboard.css").split("/")[2:], strict=True)),
        "get_public_style": {"name": style_path().rpartition("/")[2]},
        "show_docs_chapter": {"chapter": "monitors"},
        "show_channel_form": {"kind": "webhook"},
        "await_telegram_link": {"link_id": known["link_id"]},
        "await_whatsapp_link": {"link_id": known["whatsapp_link_id"]},
        "show_nothing": {"rest": "no/such/page"},
    }


async def _done(asked: Awaitable[httpx.Response]) -> dict[str, Any]:
    reply = await asked
    assert reply.status_code in (200, 201), reply.text
    found: dict[str, Any] = reply.json()
    return found
