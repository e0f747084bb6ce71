"""Chats through the outbox: the recovery follows its alert, the first message shows it, and nothing is said twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest

from control_plane.notify import discord, slack
from control_plane.settings import Settings
from control_plane.store.deliveries import DeliveryView
from control_plane.tenant_api import channels
from tests.support import vendor_discord, vendor_google_chat, vendor_msteams, vendor_slack
from tests.support.door import an_api_key, serving
from tests.support.outbox import Outbox, working
from tests.support.vendor_discord import DiscordJudge
from tests.support.vendor_google_chat import GoogleChatJudge
from tests.support.vendor_slack import SlackJudge
from tests.support.vendors import Judge, Reply, Request, VendorServer, vendor_server

SLACK = {"type": "slack", "bot_token": vendor_slack.TOKEN, "channel": "#alerts"}
DISCORD = {"type": "discord", "webhook_url": vendor_discord.URL}
CHAT = {"type": "google_chat", "webhook_url": vendor_google_chat.URL}
HOSTS = (vendor_slack.API, vendor_slack.HOOKS, vendor_discord.HOST, vendor_google_chat.HOST)


class House:
    """One tenant's channel in a chat, whose vendor this is."""

    def __init__(self, outbox: Outbox, vendor: VendorServer, config: dict[str, Any]) -> None:
        self.outbox, self.vendor, self.config = outbox, vendor, config
        self.settings = Settings(delivery=vendor.settings(timeout_s=5))
        self.incident_id = self.channel_id = UUID(int=0)

    async def opened(self) -> None:
        """An incident and the channel that is told of it."""
        self.channel_id = await self.outbox.channel_of(self.config, name="Chat", settings=self.settings)
        self.incident_id = await self.outbox.incident()

    async def tell(self, *notices: str) -> list[DeliveryView]:
        """Owe these, and wait for their ends."""
        kind = self.config["type"]
        owed = []
        for notice in notices:
            owed += await self.outbox.owe_words(self.channel_id, [self.incident_id], notice, kind=kind)
        async with working(self.outbox.database, whole=self.settings):
            return [await self.outbox.ended(each) for each in owed]

    async def receipt(self) -> dict[str, Any] | None:
        found: dict[str, Any] | None = await self.outbox.value(
            "SELECT receipt FROM deliveries WHERE incident_id = $1 AND receipt IS NOT NULL", self.incident_id
        )
        return found


async def told(outbox: Outbox, judge: Judge, config: dict[str, Any], *notices: str) -> tuple[House, list[DeliveryView]]:
    async with vendor_server(judge, *HOSTS) as vendor:
        house = House(outbox, vendor, config)
        await house.opened()
        return house, await house.tell(*notices)


async def test_a_slack_bot_answers_in_the_thread_of_the_opening_and_shows_there_that_it_is_over(outbox: Outbox) -> None:
    judge = SlackJudge()
    house, ended = await told(outbox, judge, SLACK, "opened", "resolved")
    assert [each.state for each in ended] == ["delivered", "delivered"]
    opening, recovery = judge.posted.values()
    receipt = await house.receipt()
    assert receipt is not None
    assert (recovery["thread_ts"], recovery["channel"]) == (receipt["ts"], receipt["channel"])
    assert opening["text"].startswith("🟢")


async def test_discords_first_message_shows_that_it_is_over(outbox: Outbox) -> None:
    judge = DiscordJudge()
    _, ended = await told(outbox, judge, DISCORD, "opened", "resolved")
    assert [each.state for each in ended] == ["delivered", "delivered"]
    opening, recovery = judge.posted.values()
    assert opening["content"] == recovery["content"]


async def test_google_chats_recovery_is_in_the_thread_of_its_alert(outbox: Outbox) -> None:
    judge = GoogleChatJudge()
    house, _ = await told(outbox, judge, CHAT, "opened", "resolved")
    assert [text[0] for text in judge.threads[str(house.incident_id)]] == ["🔴", "🟢"]


@pytest.mark.parametrize("edit", ["refused", "broken", "hanging"])
@pytest.mark.parametrize("config", [SLACK, DISCORD], ids=["slack", "discord"])
async def test_an_edit_that_fails_neither_loses_the_recovery_nor_repeats_it(
    outbox: Outbox, config: dict[str, Any], edit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slack, "EDIT_PATIENCE_S", 0.3)
    monkeypatch.setattr(discord, "EDIT_PATIENCE_S", 0.3)
    chat: SlackJudge | DiscordJudge = SlackJudge() if config is SLACK else DiscordJudge()
    edits = 0

    async def judge(request: Request) -> Reply:
        nonlocal edits
        if request.method == "PATCH" or request.path.endswith("chat.update"):
            edits += 1
            await asyncio.sleep(2 if edit == "hanging" else 0)
            return Reply(500, b"broken") if edit == "broken" else Reply(404, b'{"ok":false,"code":10008}')
        return chat(request)

    _, ended = await told(outbox, judge, config, "opened", "resolved")
    assert [(each.state, each.attempts) for each in ended] == [("delivered", 1), ("delivered", 1)]
    assert (len(chat.posted), edits) == (2, 1)


async def test_a_token_that_was_revoked_disables_the_channel_with_the_reason(outbox: Outbox) -> None:
    judge = SlackJudge(later=[Reply(200, b'{"ok":false,"error":"token_revoked"}')])
    house, ended = await told(outbox, judge, SLACK, "opened", "resolved")
    assert [each.state for each in ended] == ["dead", "cancelled"]
    row = await outbox.value("SELECT disabled_reason FROM channels WHERE id = $1", house.channel_id)
    assert row == "Slack answered 200: token_revoked"


async def test_a_channel_that_was_mended_while_its_old_token_was_refused_stays_on(outbox: Outbox) -> None:
    chat = SlackJudge()

    async def judge(request: Request) -> Reply:
        if chat.posted:
            return chat(request)
        chat.posted["before"] = {}
        await outbox.execute("UPDATE channels SET revision = revision + 1")
        return Reply(200, b'{"ok":false,"error":"token_revoked"}')

    house, ended = await told(outbox, judge, SLACK, "opened")
    assert [each.state for each in ended] == ["dead"]
    row = await outbox.value("SELECT (enabled, disabled_reason)::text FROM channels WHERE id = $1", house.channel_id)
    assert row == "(t,)"


@pytest.fixture
async def http(outbox: Outbox) -> AsyncIterator[httpx.AsyncClient]:
    async with outbox.database.app_transaction() as conn:
        key = await an_api_key(conn, outbox.tenant_id, "channels:read", "channels:write")
    async with serving(outbox.database, channels.ROUTES) as door, door.client(key) as client:
        yield client


@pytest.mark.parametrize(
    "config",
    [
        {"type": "slack", "webhook_url": vendor_slack.HOOK},
        SLACK,
        {**DISCORD, "thread_id": vendor_discord.THREAD},
        {"type": "msteams", "webhook_url": vendor_msteams.URL},
        CHAT,
    ],
    ids=["slack-webhook", "slack-bot", "discord", "msteams", "google_chat"],
)
async def test_a_chat_is_made_and_read_back_without_its_secret(http: httpx.AsyncClient, config: dict[str, str]) -> None:
    made = await http.post("/api/v1/channels", json={"name": "Chat", "config": config})
    assert made.status_code == 201, made.text
    secret = "bot_token" if "bot_token" in config else "webhook_url"
    assert made.json()["config"] == {**config, secret: "***"}
    again = await http.get(made.headers["Location"])
    assert again.json()["config"] == {**config, secret: "***"}


async def test_slack_goes_from_a_webhook_to_a_bot_and_back_by_giving_the_other_secret(http: httpx.AsyncClient) -> None:
    hook = {"webhook_url": vendor_slack.HOOK}
    made = await http.post("/api/v1/channels", json={"name": "Chat", "config": {"type": "slack", **hook}})
    path = made.headers["Location"]
    both = await http.patch(path, json={"config": {"bot_token": vendor_slack.TOKEN, "channel": "#alerts"}})
    assert both.json()["error"]["field"] == "/config/webhook_url"
    bot = {"webhook_url": None, "bot_token": vendor_slack.TOKEN, "channel": "#alerts"}
    changed = await http.patch(path, json={"config": bot})
    assert changed.json()["config"] == {"type": "slack", "bot_token": "***", "channel": "#alerts"}
    kept = await http.patch(path, json={"config": {"channel": "C0123456789"}})
    assert (kept.status_code, kept.json()["config"]["channel"]) == (200, "C0123456789")
    back = await http.patch(path, json={"config": {**hook, "bot_token": None, "channel": None}})
    assert back.json()["config"] == {"type": "slack", "webhook_url": "***"}
