"""Channels in the dashboard: every form without a script, what it writes, and what it says when it does not."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from html import unescape
from typing import Any

import httpx
import pytest

from control_plane.store.pool import Database
from tests.support.dashboard import Desk, a_desk, post
from tests.support.receiver import Receiver, a_receiver, answer
from tests.support.serving import settings_with

TOKEN = "xoxb-this-one-must-stay-secret"


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[Desk]:
    settings = settings_with(delivery={"allow_cidrs": ("127.0.0.0/8",)})
    async with a_desk(database, settings) as made:
        yield made


@pytest.fixture
async def target() -> AsyncIterator[Receiver]:
    async with a_receiver() as made:
        yield made


async def channels(desk: Desk) -> list[dict[str, Any]]:
    async with desk.served.tenant() as api:
        items: list[dict[str, Any]] = (await api.get("/api/v1/channels")).json()["items"]
    return items


async def a_channel(desk: Desk, **config: Any) -> str:
    body = {"name": "Ops", "config": config or {"type": "slack", "bot_token": TOKEN, "channel": "C0123456789"}}
    async with desk.served.tenant() as api:
        reply = await api.post("/api/v1/channels", json=body)
    assert reply.status_code == 201, reply.text
    return f"/app/channels/{reply.json()['id']}"


def problem(page: str, name: str) -> str:
    found = re.search(rf'<p class="problem" id="{re.escape(name)}-problem">([^<]+)</p>', page)
    assert found is not None, f"nothing is said of {name}"
    return unescape(found[1])


def value(page: str, name: str) -> str:
    found = re.search(rf'<input id="{re.escape(name)}"[^>]* value="([^"]*)"', page)
    assert found is not None, f"there is no field {name}"
    return unescape(found[1])


async def test_without_a_channel_the_list_says_that_nobody_is_told(http: httpx.AsyncClient) -> None:
    page = (await http.get("/app/channels")).text
    assert "No channel yet: nobody is told" in page
    assert 'href="/app/channels/new"' in page
    assert '<a href="/app/channels" aria-current="page">Alerting</a>' in page


async def test_only_what_this_installation_offers_can_be_chosen(http: httpx.AsyncClient) -> None:
    page = (await http.get("/app/channels/new")).text
    assert '<a href="/app/settings/push">This browser</a>' in page
    for offered in ("Slack", "Webhook", "PagerDuty", "Connect Telegram", "Connect WhatsApp"):
        assert offered in page
    assert 'href="/app/channels/new/apprise"' not in page
    assert "its operator can" in page
    assert (await http.get("/app/channels/new/apprise")).status_code == 404
    assert (await http.get("/app/channels/new/nonsense")).status_code == 404


async def test_every_kind_that_is_offered_has_a_form_with_labelled_fields(http: httpx.AsyncClient) -> None:
    kinds = re.findall(r'href="/app/channels/new/(\w+)"', (await http.get("/app/channels/new")).text)
    assert len(kinds) >= 11
    for kind in kinds:
        page = (await http.get(f"/app/channels/new/{kind}")).text
        fields = re.findall(r'<(?:input|select|textarea) id="([\w-]+)"', page)
        assert [each for each in fields if f'<label for="{each}">' not in page] == []
        assert any(each.startswith("c-") for each in fields)


async def test_a_webhook_is_tested_first_and_then_added_without_typing_its_address_again(
    desk: Desk, http: httpx.AsyncClient, target: Receiver
) -> None:
    path = "/app/channels/new/webhook"
    typed = {"name": "Ops hook", "c-url": target.url(), "c-headers": "X-Team: shop"}
    tested = await post(http, path, page=path, do="test", **typed)
    assert tested.status_code == 200, tested.text
    assert "The test arrived after" in tested.text
    assert len(target.received) == 1
    assert target.received[0].headers["x-team"] == "shop"
    assert await channels(desk) == []
    kept = re.search(r'name="kept" value="([^"]+)"', tested.text)
    assert kept is not None
    assert target.url() not in tested.text
    saved = await post(http, path, page=path, do="save", name="Ops hook", kept=kept[1], **{"c-headers": "X-Team: shop"})
    assert saved.status_code == 200, saved.text
    assert "whsec_" in saved.text
    (made,) = await channels(desk)
    assert (made["name"], made["kind"], made["write_source"]) == ("Ops hook", "webhook", "ui")
    assert made["config"]["headers"] == {"X-Team": "***"}
    again = await post(http, f"/app/channels/{made['id']}/test", page="/app")
    assert "The test arrived after" in again.text
    assert "whsec_" not in (await http.get(f"/app/channels/{made['id']}")).text


async def test_what_was_typed_for_one_kind_opens_for_no_other(http: httpx.AsyncClient, target: Receiver) -> None:
    path = "/app/channels/new/webhook"
    tested = await post(http, path, page=path, do="test", **{"name": "Hook", "c-url": target.url()})
    kept = re.search(r'name="kept" value="([^"]+)"', tested.text)
    assert kept is not None
    other = await post(http, "/app/channels/new/alertmanager", page="/app", do="save", name="A", kept=kept[1])
    assert other.status_code == 400
    assert "Missing" in problem(other.text, "c-url")


async def test_a_test_that_does_not_arrive_says_so_and_keeps_what_was_typed(
    desk: Desk, http: httpx.AsyncClient, target: Receiver
) -> None:
    target.script.append(answer(500, b"no room"))
    path = "/app/channels/new/webhook"
    reply = await post(http, path, page=path, do="test", **{"name": "Mine", "c-url": target.url()})
    assert reply.status_code == 422
    assert "The test did not arrive" in reply.text
    assert value(reply.text, "name") == "Mine"
    assert "Kept as you typed it" in reply.text
    assert await channels(desk) == []


@pytest.mark.parametrize(
    ("kind", "typed", "field", "said"),
    [
        ("slack", {"name": ""}, "name", "1 to 100"),
        ("slack", {"c-webhook_url": "https://example.com/x"}, "c-webhook_url", "hooks.slack.com"),
        ("ntfy", {"c-topic": "two words"}, "c-topic", "64"),
        ("pagerduty", {"c-routing_key": "short"}, "c-routing_key", "32"),
        ("telegram", {"c-bot_token": "x", "c-chat_id": "@chat"}, "c-bot_token", "token"),
        ("webhook", {"c-url": "https://10.0.0.1/hook"}, "c-url", "10.0.0.1"),
        ("webhook", {"c-url": "https://a.example/", "c-headers": "Host: b.example"}, "c-headers", "reserved"),
        ("webhook", {"c-url": "https://a.example/", "c-secret": "***"}, "c-secret", "***"),
        ("google_chat", {}, "c-webhook_url", "Missing"),
    ],
    ids=["name", "slack", "ntfy", "pagerduty", "telegram", "private", "header", "mask", "missing"],
)
async def test_a_refused_form_names_the_field_and_keeps_the_rest(
    *, kind: str, typed: dict[str, str], field: str, said: str, desk: Desk, http: httpx.AsyncClient
) -> None:
    path = f"/app/channels/new/{kind}"
    reply = await post(http, path, page=path, do="save", **{"name": "Mine", "quiet_zone": "Asia/Tokyo", **typed})
    assert reply.status_code in (400, 422), reply.text
    assert said.lower() in problem(reply.text, field).lower()
    assert value(reply.text, "name") == typed.get("name", "Mine")
    assert value(reply.text, "quiet_zone") == "Asia/Tokyo"
    assert await channels(desk) == []


async def test_quiet_hours_are_kept_and_a_bad_one_is_named(desk: Desk, http: httpx.AsyncClient) -> None:
    path = "/app/channels/new/ntfy"
    typed = {
        "name": "Phone",
        "c-topic": "ops-topic",
        "c-server_url": "https://ntfy.sh",
        "quiet_start": "22:00",
        "quiet_end": "07:00",
        "quiet_days": ["mon", "tue"],
        "quiet_except": ["critical"],
    }
    bad = await post(http, path, page=path, do="save", quiet_zone="Mars/Olympus", **typed)
    assert bad.status_code == 400
    assert problem(bad.text, "quiet_zone")
    assert '<input type="checkbox" name="quiet_days" value="tue" checked>' in bad.text
    good = await post(http, path, page=path, do="save", quiet_zone="Europe/Berlin", **typed)
    assert good.status_code == 303, good.text
    (made,) = await channels(desk)
    assert made["quiet_hours"]["days"] == ["mon", "tue"]
    assert "22:00 to 07:00, Europe/Berlin, Mon Tue; critical never wait" in (await http.get("/app/channels")).text


async def test_an_edit_keeps_secrets_that_are_left_empty(desk: Desk, http: httpx.AsyncClient) -> None:
    path = await a_channel(desk)
    page = (await http.get(f"{path}/edit")).text
    assert TOKEN not in page
    assert value(page, "c-channel") == "C0123456789"
    assert value(page, "c-bot_token") == ""
    reply = await post(
        http, f"{path}/edit", page=path, name="Renamed", **{"c-bot_token": "", "c-channel": "C0987654321"}
    )
    assert reply.status_code == 303, reply.text
    (made,) = await channels(desk)
    assert (made["name"], made["config"]["channel"], made["config"]["bot_token"]) == ("Renamed", "C0987654321", "***")


async def test_headers_are_changed_added_and_removed_while_the_others_stay(
    desk: Desk, http: httpx.AsyncClient, target: Receiver
) -> None:
    path = await a_channel(desk, type="webhook", url=target.url(), headers={"X-A": "1", "X-B": "2"})
    page = (await http.get(f"{path}/edit")).text
    assert "X-A: ***\nX-B: ***" in page
    await post(http, f"{path}/edit", page=path, name="Ops", **{"c-headers": "X-A: ***\r\nX-C: 3"})
    await post(http, f"{path}/test", page=path)
    sent = target.received[-1].headers
    assert (sent.get("x-a"), sent.get("x-b"), sent.get("x-c")) == ("1", None, "3")


async def test_a_refused_edit_names_the_field_and_changes_nothing(desk: Desk, http: httpx.AsyncClient) -> None:
    path = await a_channel(desk)
    before = await channels(desk)
    reply = await post(http, f"{path}/edit", page=path, name="Other", **{"c-channel": ""})
    assert reply.status_code == 400
    assert problem(reply.text, "c-channel")
    assert value(reply.text, "name") == "Other"
    assert await channels(desk) == before


async def test_a_channel_is_disabled_enabled_and_deleted_after_asking(desk: Desk, http: httpx.AsyncClient) -> None:
    path = await a_channel(desk)
    assert (await post(http, f"{path}/disable", page=path)).status_code == 303
    assert "Disabled" in (await http.get("/app/channels")).text
    assert (await post(http, f"{path}/enable", page=path)).status_code == 303
    asked = await post(http, f"{path}/delete", page=path)
    assert "Delete Ops?" in asked.text
    assert len(await channels(desk)) == 1
    assert (await post(http, f"{path}/delete", page=path, sure="yes")).status_code == 303
    assert await channels(desk) == []
    assert (await http.get(path)).status_code == 404


async def test_a_new_signing_secret_is_shown_once(desk: Desk, http: httpx.AsyncClient, target: Receiver) -> None:
    path = await a_channel(desk, type="webhook", url=target.url())
    rotated = await post(http, f"{path}/rotate", page=path)
    secret = re.search(r"whsec_[A-Za-z0-9+/=]+", unescape(rotated.text))
    assert secret is not None
    assert "signs as well, until" in rotated.text
    await post(http, f"{path}/test", page=path)
    target.received[-1].verify(secret[0])
    assert secret[0] not in (await http.get(path)).text
    other = await a_channel_named(desk, "Chat")
    assert (await post(http, f"{other}/rotate", page=other)).status_code == 422


async def a_channel_named(desk: Desk, name: str) -> str:
    body = {"name": name, "config": {"type": "slack", "bot_token": TOKEN, "channel": "C0123456789"}}
    async with desk.served.tenant() as api:
        reply = await api.post("/api/v1/channels", json=body)
    return f"/app/channels/{reply.json()['id']}"


async def test_texts_of_messages_are_shown_before_they_are_saved(desk: Desk, http: httpx.AsyncClient) -> None:
    path = await a_channel(desk)
    shown = await post(http, f"{path}/messages", page=path, do="preview", title="<b>{monitor.name}</b> broke")
    assert "<strong>&lt;b&gt;Checkout&lt;/b&gt; broke</strong>" in shown.text
    assert (await channels(desk))[0]["templates"] is None
    bad = await post(http, f"{path}/messages", page=path, do="save", title="{monitor.nmae}", text="Kept")
    assert bad.status_code == 400
    assert "monitor.name" in problem(bad.text, "title")
    assert ">Kept</textarea>" in bad.text
    saved = await post(http, f"{path}/messages", page=path, do="save", title="{monitor.name} broke")
    assert saved.status_code == 303
    assert (await channels(desk))[0]["templates"] == {"title": "{monitor.name} broke"}


@pytest.mark.parametrize(
    ("chat", "leads"),
    [("telegram", "https://t.me/farwatch_bot?start="), ("whatsapp", "https://wa.me/15550783881?text=")],
)
async def test_a_chat_is_linked_by_a_code_on_one_page_while_another_waits(
    chat: str, leads: str, http: httpx.AsyncClient
) -> None:
    made = await post(http, f"/app/channels/links/{chat}", page="/app/channels/new")
    assert made.status_code == 200, made.text
    assert leads in made.text
    assert "<svg" in made.text
    waits = re.search(r'data-wait="(/app/channels/links/[^"]+)"', made.text)
    assert waits is not None
    page = await http.get(waits[1])
    assert 'data-link-state="pending"' in page.text
    assert leads not in page.text


async def test_somebody_else_gets_a_link_that_is_shown_once_and_revoked(desk: Desk, http: httpx.AsyncClient) -> None:
    path = "/app/channels"
    bad = await post(http, f"{path}/delegations", page=path, name="x" * 200, kind="")
    assert bad.status_code == 400
    assert value(bad.text, "name") == "x" * 200
    made = await post(http, f"{path}/delegations", page=path, name="Agency", kind="slack")
    assert f"{desk.url}/c/" in made.text
    listed = (await http.get(path)).text
    assert "/c/" not in listed
    revoke = re.search(r'action="(/app/channels/delegations/[^"]+/revoke)"', listed)
    assert revoke is not None
    assert (await post(http, revoke[1], page=path)).status_code == 303
    assert "/revoke" not in (await http.get(path)).text


async def test_an_address_that_has_not_said_yes_can_be_asked_again(database: Database) -> None:
    settings = settings_with(
        email={"host": "127.0.0.1", "sender": "farwatch@example.com"}, server={"public_url": "http://localhost"}
    )
    async with a_desk(database, settings) as desk, desk.signed_in() as http:
        path = "/app/channels/new/email"
        bad = await post(http, path, page=path, do="save", **{"name": "Ana", "c-to": "nobody"})
        assert bad.status_code == 400
        assert value(bad.text, "c-to") == "nobody"
        made = await post(http, path, page=path, do="save", **{"name": "Ana", "c-to": "ana@example.com"})
        assert made.status_code == 303, made.text
        page = (await http.get(made.headers["Location"])).text
        assert "Not confirmed" in page
        here = made.headers["Location"].partition("?")[0]
        assert (await post(http, f"{here}/resend", page=here)).status_code == 303
        for _ in range(2):
            over = await post(http, f"{here}/resend", page=here)
        assert over.status_code == 422
        assert "which is the limit" in over.text


async def test_who_may_only_read_sees_no_form(desk: Desk) -> None:
    path = await a_channel(desk)
    async with desk.served.tenant() as api:
        body = {"label": "Reader", "scopes": ["channels:read", "monitors:read"]}
        key = (await api.post("/api/v1/keys", json=body)).json()["key"]
    async with desk.signed_in(key) as reader:
        page = (await reader.get(path)).text
        assert f'action="{path}' not in page
        assert "What was sent" not in page
        assert (await reader.get("/app/channels/new")).status_code == 403
        assert (await post(reader, f"{path}/disable", page=path)).status_code == 403
    assert (await channels(desk))[0]["enabled"] is True


async def test_what_is_given_up_is_sent_again_from_the_log(
    desk: Desk, http: httpx.AsyncClient, target: Receiver
) -> None:
    path = await a_channel(desk, type="webhook", url=target.url())
    target.script.append(answer(400, b"what is this"))
    failed = await post(http, f"{path}/test", page=path)
    assert failed.status_code == 422
    assert "The test did not arrive" in failed.text
    page = (await http.get(path)).text
    assert "Given up" in page
    assert "HTTP 400" in page
    replay = re.search(r'action="(/app/deliveries/[^"]+/replay)"', page)
    assert replay is not None
    again = await post(http, replay[1], page=path)
    assert again.headers["Location"] == f"{path}?said=replayed"
    assert "It is on its way again" in (await http.get(again.headers["Location"])).text
    assert (await post(http, replay[1], page=path)).status_code == 409
