"""A delegation link: a page that connects one channel, and reads nothing."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec
import pytest

from control_plane.domain.channels.connect_form import FORMS, LINKED, NOT_OFFERED
from control_plane.notify import TRANSPORTS
from control_plane.services.alerting.link_codes import mint_code
from control_plane.store.pool import Database
from tests.support import seed
from tests.support.serving import SETTINGS, ControlPlane, control_plane, settings_with
from tests.support.vendor_whatsapp import a_text, hook, signature

DELEGATE = "/api/v1/channels/delegate"
HOOK = {"kind": "webhook", "url": "https://ops.example.com/farwatch"}
EXPIRE = "UPDATE channel_links SET expires_at = now() - interval '1 second'"
NO_ROOM = """UPDATE tenants SET overrides = '{"quotas": {"channels": 0}}'"""


@dataclass
class Desk:
    """A served control plane, its tenant, and somebody without an account."""

    plane: ControlPlane
    tenant: httpx.AsyncClient
    guest: httpx.AsyncClient
    database: Database

    async def link(self, **body: Any) -> tuple[str, dict[str, Any]]:
        reply = await self.tenant.post(DELEGATE, json=body)
        assert reply.status_code == 201, reply.text
        return "/c/" + reply.json()["url"].rpartition("/c/")[2], reply.json()

    async def channels(self) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = (await self.tenant.get("/api/v1/channels")).json()["items"]
        return items


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[Desk]:
    async with control_plane(database) as plane, plane.tenant() as tenant, plane.client() as guest:
        yield Desk(plane, tenant, guest, database)


async def test_a_link_connects_one_channel_and_is_over(desk: Desk) -> None:
    path, made = await desk.link(name="The agency's hook")
    assert (await desk.guest.get(path)).status_code == 200
    connected = await desk.guest.post(path, data=HOOK)
    assert connected.status_code == 200
    (channel,) = await desk.channels()
    assert (channel["name"], channel["kind"], channel["write_source"]) == ("The agency's hook", "webhook", "ui")
    (listed,) = (await desk.tenant.get(DELEGATE)).json()["items"]
    assert (listed["id"], listed["state"], listed["channel_id"]) == (made["id"], "consumed", channel["id"])
    assert "url" not in listed
    assert (await desk.guest.get(path)).status_code == 404
    assert (await desk.guest.post(path, data=HOOK)).status_code == 404
    audit = (await desk.tenant.get("/api/v1/audit", params={"actor_kind": "link"})).json()["items"]
    assert {entry["object_kind"] for entry in audit} == {"channel", "channel_link"}
    assert all(entry["actor"].startswith("delegation link of") for entry in audit)


async def test_of_many_who_send_the_form_at_once_one_connects(desk: Desk) -> None:
    path, _ = await desk.link()
    replies = await asyncio.gather(*(desk.guest.post(path, data=HOOK) for _ in range(5)))
    assert sorted(reply.status_code for reply in replies) == [200, 404, 404, 404, 404]
    assert len(await desk.channels()) == 1


async def test_links_that_are_over_or_never_were_look_the_same(desk: Desk) -> None:
    spent, _ = await desk.link()
    await desk.guest.post(spent, data=HOOK)
    revoked, made = await desk.link()
    assert (await desk.tenant.delete(f"{DELEGATE}/{made['id']}")).status_code == 204
    too_old, _ = await desk.link()
    async with desk.database.app() as conn:
        await conn.execute(EXPIRE)
    unknown = "/c/" + "x" * 32
    pages = [await desk.guest.get(path) for path in (spent, revoked, too_old, unknown, "/c/x", "/c/%C3%BC")]
    pages += [await desk.guest.post(path, data=HOOK) for path in (revoked, unknown)]
    assert {(each.status_code, each.text) for each in pages} == {(404, pages[0].text)}
    listed = (await desk.tenant.get(DELEGATE)).json()
    assert [each["state"] for each in listed["items"]] == ["expired", "expired", "consumed"]
    assert listed["total"] == 3


async def test_the_page_needs_no_script_and_lets_nothing_in(desk: Desk) -> None:
    path, _ = await desk.link()
    shown = await desk.guest.get(path)
    assert "default-src 'none'" in shown.headers["Content-Security-Policy"]
    assert shown.headers["Cache-Control"] == "no-store"
    assert shown.headers["Referrer-Policy"] == "no-referrer"
    assert "Set-Cookie" not in shown.headers
    assert not re.search(r"<script|\son\w+=|\sstyle=", shown.text)


async def test_the_page_tells_nothing_of_the_tenant_but_its_name(desk: Desk) -> None:
    await desk.tenant.post(
        "/api/v1/channels", json={"name": "Hidden hook", "config": {"type": "webhook", "url": HOOK["url"]}}
    )
    path, _ = await desk.link(name="<b>Mine</b>")
    shown = (await desk.guest.get(path)).text
    assert "Hidden" not in shown
    assert "&lt;b&gt;Mine&lt;/b&gt;" in shown
    assert str(desk.plane.home.tenant_id) not in shown


async def test_telegram_is_one_tap_and_one_code(desk: Desk) -> None:
    path, _ = await desk.link()
    shown = html.unescape((await desk.guest.get(path)).text)
    code = path.removeprefix("/c/")
    assert f"https://t.me/farwatch_bot?start={code}" in shown
    assert f"https://t.me/farwatch_bot?startgroup={code}" in shown
    assert "<svg" in shown


async def test_whatsapp_is_one_tap_and_takes_the_same_code(desk: Desk) -> None:
    path, _ = await desk.link(name="Theirs", kind="whatsapp_app")
    shown = (await desk.guest.get(path)).text
    code = path.removeprefix("/c/")
    assert re.search(rf"https://wa\.me/\d+\?text={code}", html.unescape(shown))
    assert "t.me" not in shown
    body = hook(messages=[a_text(code)])
    signed = {"Content-Type": "application/json", "X-Hub-Signature-256": signature(body, SETTINGS.whatsapp.app_secret)}
    assert (await desk.guest.post("/hooks/whatsapp", content=body, headers=signed)).status_code == 200
    assert [(each["name"], each["kind"]) for each in await desk.channels()] == [("Theirs", "whatsapp_app")]
    assert (await desk.guest.get(path)).status_code == 404


async def test_a_link_of_one_kind_offers_that_kind_alone(desk: Desk) -> None:
    path, _ = await desk.link(kind="ntfy")
    shown = (await desk.guest.get(path)).text
    assert re.findall(r'name="kind" value="(\w+)"', shown) == ["ntfy"]
    assert "t.me" not in shown
    refused = await desk.guest.post(path, data=HOOK)
    assert refused.status_code == 400
    assert (await desk.guest.post(path, data={"kind": "ntfy", "topic": "alerts"})).status_code == 200
    assert [channel["kind"] for channel in await desk.channels()] == ["ntfy"]


@pytest.mark.parametrize(
    ("form", "status", "said"),
    [
        ({"kind": "webhook", "url": "nonsense"}, 400, "URL"),
        ({"kind": "webhook", "url": "http://127.0.0.1/x"}, 400, "address"),
        ({"kind": "webhook", "url": "https://ops.example.com/***"}, 400, "not shown"),
        ({"kind": "webhook"}, 400, "url"),
        ({"kind": "ntfy", "topic": "no blanks"}, 400, "topic"),
        ({"kind": "telegram_app", "chat_id": "8"}, 400, "Choose"),
        ({"kind": "web_push", "endpoint": "https://a.example"}, 400, "Choose"),
        ({"kind": ""}, 400, "Choose"),
        ({}, 400, "Choose"),
    ],
)
async def test_what_a_form_says_wrong_is_told_and_uses_nothing_up(
    desk: Desk, form: dict[str, str], status: int, said: str
) -> None:
    path, _ = await desk.link()
    refused = await desk.guest.post(path, data=form)
    assert refused.status_code == status
    (problem,) = re.findall(r'role="alert">(.*?)</p>', refused.text)
    assert said.lower() in html.unescape(problem).lower()
    assert await desk.channels() == []
    assert (await desk.guest.post(path, data=HOOK)).status_code == 200


async def test_a_form_comes_back_as_it_was_but_for_its_secrets(desk: Desk) -> None:
    path, _ = await desk.link()
    form = {"kind": "ntfy", "topic": 'a "b" <c>', "access_token": "tk_hidden_secret"}
    refused = (await desk.guest.post(path, data=form)).text
    assert "tk_hidden_secret" not in refused
    assert 'value="a &#34;b&#34; &lt;c&gt;"' in refused
    assert 'aria-invalid="true"' in refused


async def test_the_operators_rules_and_the_plan_hold_and_the_plan_stays_private(desk: Desk) -> None:
    async with desk.plane.operator() as operator:
        rule = {"kind": "domain", "value": "denied.example", "reason": "Reported"}
        assert (await operator.post("/operator/deny-lists", json=rule)).status_code == 201
    path, _ = await desk.link()
    denied = await desk.guest.post(path, data={"kind": "webhook", "url": "https://denied.example/x"})
    assert denied.status_code == 400
    assert "t.me" in denied.text, "it is the page again"
    async with desk.database.app() as conn:
        await conn.execute(NO_ROOM)
    full = await desk.guest.post(path, data=HOOK)
    assert full.status_code == 422
    assert "plan" not in full.text.lower()
    assert await desk.channels() == []


async def test_unknown_codes_are_limited_like_failed_authentications(database: Database) -> None:
    settings = settings_with(security={"failed_auth_per_minute": 3})
    async with control_plane(database, settings) as plane, plane.client() as guest:
        statuses = [(await guest.get("/c/" + f"{number:032}")).status_code for number in range(5)]
        waiting = await guest.get("/c/" + "y" * 32)
    assert statuses == [404, 404, 404, 429, 429]
    assert int(waiting.headers["Retry-After"]) > 0


async def test_a_kind_that_nobody_can_connect_is_refused(desk: Desk) -> None:
    for kind in ("carrier_pigeon", "sms", "web_push", ""):
        refused = await desk.tenant.post(DELEGATE, json={"kind": kind})
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, "DELEGATE_KIND_INVALID"), kind
    assert (await desk.tenant.post(DELEGATE)).status_code == 201, "everything is optional"


async def test_a_link_whose_kind_is_not_there_any_more_says_so(desk: Desk) -> None:
    minted = await mint_code(
        desk.database,
        tenant_id=desk.plane.home.tenant_id,
        link_id=seed.new_id(),
        purpose="delegate",
        name=None,
        kind="carrier_pigeon",
        created_by="Ana",
        pepper=seed.PEPPER,
    )
    shown = await desk.guest.get(f"/c/{minted.code}")
    assert shown.status_code == 200
    assert "cannot connect what the link is for" in shown.text


async def test_apps_are_added_where_the_operator_has_set_them_up(database: Database) -> None:
    settings = settings_with(
        server={"public_url": "https://farwatch.example"}, slack={"client_id": "1.2", "client_secret": "s" * 32}
    )
    async with control_plane(database, settings) as plane, plane.tenant() as tenant, plane.client() as guest:
        path = urlsplit((await tenant.post(DELEGATE)).json()["url"]).path
        shown = await guest.get(path)
        assert f'href="{path}/slack"' in shown.text
        assert "/discord" not in re.findall(r'href="([^"]*)"', shown.text)[-1]
        away = await guest.get(f"{path}/slack")
        assert (away.status_code, urlsplit(away.headers["Location"]).netloc) == (303, "slack.com")
        assert (await guest.get(path)).status_code == 200, "setting out uses nothing up"
        assert (await guest.get(f"{path}/discord")).status_code == 404
        assert (await guest.get("/c/" + "x" * 32 + "/slack")).status_code == 404
        narrow = urlsplit((await tenant.post(DELEGATE, json={"kind": "ntfy"})).json()["url"]).path
        assert "Add to" not in (await guest.get(narrow)).text
        assert (await guest.get(f"{narrow}/slack")).status_code == 404


def test_every_kind_is_offered_or_there_is_a_reason_why_not() -> None:
    decided = [*FORMS, *LINKED, *NOT_OFFERED]
    assert len(decided) == len(set(decided))
    assert set(TRANSPORTS) <= set(decided)


@pytest.mark.parametrize("kind", [kind for kind in FORMS if kind in TRANSPORTS])
def test_a_form_asks_for_what_its_kind_needs(kind: str) -> None:
    fields = {each.name: each for each in msgspec.structs.fields(TRANSPORTS[kind].configuration)}
    asked = {field.name: field.required for field in FORMS[kind].fields}
    assert set(asked) <= set(fields)
    assert {name for name, each in fields.items() if each.required} <= {
        name for name, needed in asked.items() if needed
    }
