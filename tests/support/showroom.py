"""A control plane in which every page has something to show: monitors in every state, incidents, channels, pages.

`known` names, by path parameter, something that is there; `addresses` are further addresses of one operation, for
pages that look different by kind, state or language.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import httpx

from control_plane.dashboard.alerting.channel_fields import KINDS as CHANNEL_KINDS
from control_plane.domain.alerting.acknowledge_link import Acknowledgeable, acknowledge_token
from control_plane.domain.alerting.unsubscribe_link import unsubscribe_token
from control_plane.domain.channels.verification import verification_digest
from control_plane.domain.checks.kinds import SPECS
from control_plane.domain.pages.subscription_link import subscription_token
from control_plane.public_site.language import LANGUAGES
from control_plane.services.pages.hash_page_password import hash_page_password
from control_plane.settings import Settings
from control_plane.store import verifications
from shared.ids import TenantId
from tests.support.dashboard import Desk
from tests.support.picture import PICTURE
from tests.support.public_pages import Stage
from tests.support.seed import PEPPER, new_id
from tests.support.serving import settings_with

SLACK = {"type": "slack", "bot_token": "xoxb-1234567890-abcdefghij", "channel": "C0123456789"}
ADDRESS = "oncall@example.com"
VERIFICATION = "verification-token-of-the-show-room-000000"
LONG = "A monitor with a name that is longer than any box, and_one_word_that_nothing_breaks_for_sixty"

SETTINGS: Settings = settings_with(
    server={"public_url": "http://farwatch.example"},
    email={"host": "mail.example.com", "sender": "Farwatch <alerts@farwatch.example>"},
    delivery={"apprise": True},
    anonymous={"enabled": True},
    slack={"client_id": "1234567890.1234567890", "client_secret": "the secret of our app"},
)
"""Every kind of channel is offered."""


@dataclass(frozen=True, slots=True)
class Showroom:
    desk: Desk
    known: Mapping[str, str]
    addresses: Mapping[str, tuple[str, ...]]
    """By operation. Those with an error to show are in MISTAKES of every_page.py."""


async def furnish(desk: Desk) -> Showroom:
    """Furnish the empty control plane behind the desk."""
    monitors = await _monitors(desk)
    async with desk.served.tenant() as http:
        channel = await _made(http, "/api/v1/channels", name="Operations", config=SLACK)
        mails = await _made(http, "/api/v1/channels", name="On call", config={"type": "email", "to": ADDRESS})
        known = {"monitor_id": monitors["unknown"], "channel_id": channel["id"]}
        known |= await _alerting(desk, http, monitors, channel["id"])
        known |= await _settings(http)
        incident = await _incident(http)
        share = await _made(http, f"/api/v1/monitors/{monitors['down']}/shares")
        links = await _links(desk, http, incident, UUID(mails["id"]))
    slugs = await _status_pages(desk)
    known |= {"incident_id": incident, "chapter": "monitors", "slug": "in-en", "kind": "status"}
    known |= {"page_id": await _logo(desk), "month": datetime.now(UTC).strftime("%Y-%m")}
    addresses = _addresses(monitors, share["token"], links, slugs)
    return Showroom(desk, known, {**addresses, **await _public_incidents(desk), **await _reader(desk)})


async def _monitors(desk: Desk) -> dict[str, str]:
    down = await desk.monitor("Web shop", group="Shop", tags=["prod"], notes="Runbook: restart the pods first.")
    partly = await desk.monitor("Payments", group="Shop", tags=["prod"], depends_on=[str(down)])
    slow = await desk.monitor("Search", group="Shop", tags=["prod", "search"])
    up = await desk.monitor("Marketing site", sla={"target": 99.9, "period_days": 30})
    for monitor_id in (down, partly, slow, up):
        for seconds_ago in (900, 600, 300, 20):
            await desk.all_up(monitor_id, seconds_ago=seconds_ago)
    await desk.down(down, "eu", "us")
    await desk.down(partly, "eu")
    for seconds_ago in (4, 2):
        for region in desk.regions:
            await desk.report(slow, region, "degraded", seconds_ago=seconds_ago)
    unknown = await desk.monitor(LONG)
    paused = await desk.monitor("Old intranet")
    nightly = {"type": "heartbeat", "cron": "0 3 * * *", "timezone": "Europe/Berlin", "grace": 600}
    heartbeat = await desk.monitor("Nightly backup", check=nightly, regions=[])
    both = {"type": "composite", "at_least": 1, "of": {"monitors": [str(down), str(up)]}}
    composite = await desk.monitor("Shop as a whole", check=both, regions=[])
    async with desk.served.tenant() as http:
        await http.post(f"/api/v1/monitors/{paused}/pause")
        url = (await http.get(f"/api/v1/monitors/{heartbeat}")).json()["heartbeat"]["ping_url"]
        assert (await http.post(urlsplit(url).path, content=b"done in 312 s")).status_code == 200
    found = {"down": down, "partly": partly, "slow": slow, "up": up, "unknown": unknown, "paused": paused}
    return {name: str(each) for name, each in {**found, "heartbeat": heartbeat, "composite": composite}.items()}


async def _alerting(desk: Desk, http: httpx.AsyncClient, monitors: Mapping[str, str], channel: str) -> dict[str, str]:
    match = {"severities": ["critical"], "tags": ["prod"]}
    route = await _made(http, "/api/v1/routes", name="Production", channel_ids=[channel], match=match)
    night = {"starts_at": "2100-01-01T00:00:00Z", "ends_at": "2100-01-02T00:00:00Z"}
    silence = await _made(http, "/api/v1/silences", name="New data centre", **night)
    weekly = {"title": "Sunday upkeep", "all": True, "cron": "0 2 * * SUN", "duration": 7200, "public": True}
    window = await _made(http, "/api/v1/maintenance", **weekly)
    link = await _made(http, "/api/v1/channels/telegram-link")
    other = await _made(http, "/api/v1/channels/whatsapp-link")
    found = {"route_id": route["id"], "window_id": window["id"], "link_id": link["id"]}
    return {**found, "whatsapp_link_id": other["id"], "silence_id": silence["id"]}


async def _settings(http: httpx.AsyncClient) -> dict[str, str]:
    await _made(http, "/api/v1/keys", label="deploy pipeline", scopes=["monitors:read"])
    await _made(http, "/api/v1/domains", domain="example.com")
    await _made(http, "/api/v1/regions", id="office", name="Office")
    await _made(http, "/api/v1/regions/office/agents", name="office-1")
    invitation = await _made(http, "/api/v1/invitations", email="ana@example.com")
    return {"region": "office", "invitation": urlsplit(invitation["link"]).path}


async def _incident(http: httpx.AsyncClient) -> str:
    found: str = (await http.get("/api/v1/incidents")).json()["items"][0]["id"]
    await http.patch(f"/api/v1/incidents/{found}", json={"public_title": "Orders fail"})
    for text in ("We are looking into it.", "A disk is full; we make room."):
        reply = await http.post(f"/api/v1/incidents/{found}/notes", json={"text": text})
        assert reply.status_code == 201, reply.text
    return found


async def _links(desk: Desk, http: httpx.AsyncClient, incident: str, mails: UUID) -> dict[str, str]:
    """What is reached by a capability in the URL."""
    tenant_id = desk.served.home.tenant_id
    delegation = await _made(http, "/api/v1/channels/delegate", name="Agency")
    async with desk.database.tenant_transaction(tenant_id) as conn:
        await verifications.insert(
            conn,
            tenant_id=TenantId(tenant_id),
            verification_id=new_id(),
            channel_id=mails,
            address=ADDRESS,
            digest=verification_digest(VERIFICATION),
            lasts=timedelta(hours=1),
        )
    mine = Acknowledgeable(tenant_id, UUID(incident), mails)
    no_more = unsubscribe_token(tenant_id=tenant_id, channel_id=mails, address=ADDRESS, pepper=PEPPER)
    return {
        "acknowledge": f"/ack/{acknowledge_token(mine, pepper=PEPPER)}",
        "verify": f"/verify/{VERIFICATION}",
        "unsubscribe": f"/unsubscribe/{no_more}",
        "delegation": urlsplit(delegation["url"]).path,
        "setup": f"/setup/{desk.served.home.setup_token}",
    }


async def _status_pages(desk: Desk) -> tuple[str, ...]:
    """A busy page in every language, and one each that is quiet, empty and locked."""
    stage = Stage(desk.served, desk.database, desk.regions["eu"])
    for language in LANGUAGES:
        page = await stage.page(
            f"in-{language}", title="Acme", language=language, header_text="Hello", footer_text="Call 0800 1234"
        )
        shop = await stage.component(page, "Web shop", "down", group="Shop", description="Orders and payment")
        for place, verdict in enumerate(("degraded", "up", "unknown", "up", "up", "up", "up", "up"), start=1):
            await stage.component(page, f"System {place}", verdict, group="Shop" if place < 4 else None, position=place)
        incident = await stage.incident(shop, "Orders fail", text="Nothing can be ordered.")
        await stage.update(incident, "We are looking into it.")
        await stage.incident(shop, "Slow pages", ago=timedelta(days=3), lasted=timedelta(hours=2), severity="minor")
        await stage.window(shop, "New disks", text="Half an hour without search.")
    await stage.component(await stage.page("quiet", title="Acme"), "Web shop")
    await stage.page("empty", title="Nothing yet")
    await stage.page("locked", title="Inner circle", password_digest=await hash_page_password("open sesame"))
    return (*(f"/status/in-{language}" for language in LANGUAGES), "/status/quiet", "/status/empty")


async def _logo(desk: Desk) -> str:
    """The page in English, with a logo."""
    async with desk.served.tenant() as http:
        pages = (await http.get("/api/v1/status-pages")).json()["items"]
        found: str = next(page["id"] for page in pages if page["slug"] == "in-en")
        there = f"/api/v1/status-pages/{found}/logo"
        reply = await http.put(there, content=PICTURE, headers={"Content-Type": "image/png"})
        assert reply.is_success, reply.text
    return found


async def _reader(desk: Desk) -> dict[str, tuple[str, ...]]:
    """Somebody who wants to be told by the page in English, and what the links in their mails lead to."""
    async with desk.served.client() as http:
        body = {"type": "email", "email": "reader@example.net"}
        reply = await http.post("/api/public/v1/pages/in-en/subscribe", json=body)
        assert reply.status_code == 202, reply.text
    tenant_id = desk.served.home.tenant_id
    async with desk.database.tenant_transaction(tenant_id) as conn:
        reader = await conn.fetchrow("SELECT id, nonce FROM page_subscribers")
    assert reader is not None
    token = partial(subscription_token, tenant_id=tenant_id, subscriber_id=reader["id"], pepper=PEPPER)
    return {
        "show_page_question": (f"/status/in-en/confirm/{token('confirm', nonce=reader['nonce'])}",),
        "show_page_choice": (f"/status/in-en/subscription/{token('manage')}",),
        "show_page_unsubscribe": (f"/status/in-en/unsubscribe/{token('manage')}",),
    }


async def _public_incidents(desk: Desk) -> dict[str, tuple[str, ...]]:
    found = []
    async with desk.served.client() as http:
        for language in LANGUAGES:
            listed = (await http.get(f"/api/public/v1/pages/in-{language}/incidents")).json()["items"]
            found += [f"/status/in-{language}/incidents/{each['id']}" for each in listed[:1]]
    return {"show_status_incident": tuple(found)}


def _addresses(
    monitors: Mapping[str, str], share: str, links: Mapping[str, str], pages: tuple[str, ...]
) -> dict[str, tuple[str, ...]]:
    return {
        "show_overview": ("/app", "/app?sort=name", "/app?state=down", "/app?q=nothing+is+called+this"),
        "show_monitor_form": ("/app/monitors/new", *(f"/app/monitors/new?kind={kind}" for kind in SPECS)),
        "show_monitor": tuple(f"/app/monitors/{each}" for each in monitors.values()),
        "show_first_check": tuple(f"/app/monitors/{monitors[each]}/first" for each in ("up", "unknown")),
        "show_channel_form": tuple(f"/app/channels/new/{kind}" for kind in CHANNEL_KINDS),
        "show_badge": (f"/app/monitors/{monitors['up']}/share/badge/status",),
        "show_routes": ("/app/routes?ask=1&monitor=Web+shop",),
        "show_share": (f"/m/{share}",),
        "show_acknowledge_link": (links["acknowledge"],),
        "show_verification": (links["verify"],),
        "show_unsubscribe": (links["unsubscribe"],),
        "show_delegation": (links["delegation"],),
        "show_setup": (links["setup"],),
        "show_status_page": (*pages, f"{pages[0]}?search=nothing+is+called+this", "/status/locked"),
        "show_status_history": tuple(f"{page}/history" for page in pages),
        "show_docs_chapter": ("/docs/keys", "/docs/operator-plans"),
    }


async def _made(http: httpx.AsyncClient, path: str, **body: Any) -> dict[str, Any]:
    reply = await http.post(path, json=body)
    assert reply.status_code == 201, f"{path}: {reply.text}"
    made: dict[str, Any] = reply.json()
    return made
