"""A chat is linked with a code, stopped and followed by what Telegram tells the hook."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import msgspec
import pytest

from control_plane.domain.channels.telegram_rules import webhook_secret
from control_plane.notify import installation_bot
from control_plane.services.alerting.register_telegram_webhook import TelegramWebhook
from control_plane.settings import Settings, TelegramSettings
from control_plane.store.pool import Database
from tests.support.seed import PEPPER
from tests.support.serving import BOT_TOKEN, SETTINGS, ControlPlane, control_plane
from tests.support.vendor_telegram import HOST, Chat, TelegramJudge, refusal
from tests.support.vendors import VendorServer, vendor_server

SECRET = webhook_secret(pepper=PEPPER, bot_token=BOT_TOKEN)
HEADER = "X-Telegram-Bot-Api-Secret-Token"
ANA = {"id": 7, "type": "private", "first_name": "Ana"}
OPS = {"id": -1001234567890, "type": "supergroup", "title": "Ops"}
LINK = "/api/v1/channels/telegram-link"


@dataclass
class Line:
    """A served control plane, and what its bot is told."""

    plane: ControlPlane
    judge: TelegramJudge
    server: VendorServer
    tenant: httpx.AsyncClient
    outside: httpx.AsyncClient
    told: int = field(default=0)

    async def code(self, **body: Any) -> dict[str, Any]:
        reply = await self.tenant.post(LINK, json=body)
        assert reply.status_code == 201, reply.text
        made: dict[str, Any] = reply.json()
        return made

    async def hear(self, **update: Any) -> dict[str, Any]:
        self.told += 1
        reply = await self.outside.post(
            "/hooks/telegram", json={"update_id": self.told, **update}, headers={HEADER: SECRET}
        )
        assert reply.status_code == 200, reply.text
        return dict(reply.json()) if reply.content else {}

    async def say(self, text: str, chat: dict[str, Any] = ANA) -> str:
        return str((await self.hear(message={"message_id": 1, "chat": chat, "text": text})).get("text", ""))

    async def channels(self) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = (await self.tenant.get("/api/v1/channels")).json()["items"]
        return items


@pytest.fixture
async def line(database: Database) -> AsyncIterator[Line]:
    judge = TelegramJudge(token=BOT_TOKEN)
    judge.with_chat(Chat(7))
    judge.with_chat(Chat(OPS["id"], "supergroup", "Ops"))  # type: ignore[arg-type]
    async with vendor_server(judge, HOST) as server:
        settings = msgspec.structs.replace(SETTINGS, delivery=server.settings())
        async with (
            control_plane(database, settings) as plane,
            plane.tenant() as tenant,
            plane.client() as outside,
        ):
            yield Line(plane, judge, server, tenant, outside)


async def test_a_code_connects_the_chat_that_brings_it(line: Line) -> None:
    made = await line.code(name="On call")
    assert made["deep_link"] == f"https://t.me/farwatch_bot?start={made['code']}"
    assert made["group_deep_link"] == f"https://t.me/farwatch_bot?startgroup={made['code']}"
    assert (await line.tenant.get(f"{LINK}/{made['id']}")).json()["state"] == "pending"
    assert "Connected" in await line.say(f"/start {made['code']}")
    (channel,) = await line.channels()
    assert (channel["name"], channel["kind"], channel["enabled"]) == ("On call", "telegram_app", True)
    assert channel["config"] == {"type": "telegram_app", "chat_id": "7", "chat_title": "Ana"}
    after = (await line.tenant.get(f"{LINK}/{made['id']}")).json()
    assert (after["state"], after["channel_id"]) == ("consumed", channel["id"])
    tested = await line.tenant.post(f"/api/v1/channels/{channel['id']}/test")
    assert tested.status_code == 200, tested.text
    assert [sent["chat_id"] for sent in line.judge.sent] == [7]


async def test_a_group_is_connected_by_its_deep_link_or_by_hand(line: Line) -> None:
    await line.say(f"/start@farwatch_bot {(await line.code())['code']}", OPS)
    await line.say(f"/link@farwatch_bot {(await line.code())['code']}", OPS)
    assert [channel["name"] for channel in await line.channels()] == ["Telegram: Ops", "Telegram: Ops (2)"]


async def test_a_code_counts_once_and_its_chat_is_told_again_what_it_knows(line: Line) -> None:
    code = (await line.code())["code"]
    await line.say(f"/start {code}")
    assert await line.say(f"/start {code}") == "This chat is connected."
    assert "used before, or is too old" in await line.say(f"/start {code}", OPS)
    assert "used before, or is too old" in await line.say("/start " + "x" * 32)
    assert len(await line.channels()) == 1


async def test_updates_that_come_twice_at_once_make_one_channel(line: Line) -> None:
    code = (await line.code())["code"]
    said = await asyncio.gather(*(line.say(f"/start {code}") for _ in range(5)))
    assert sorted({text.split(":")[0].split(".")[0] for text in said}) == ["Connected", "This chat is connected"]
    assert len(await line.channels()) == 1


async def test_a_linked_chat_cannot_be_named_or_changed_by_a_request(line: Line) -> None:
    config = {"type": "telegram_app", "chat_id": "8", "chat_title": "Somebody"}
    for path, over in (("/api/v1/channels", {"name": "A"}), ("/api/v1/channels/test", {})):
        refused = await line.tenant.post(path, json={"config": config, **over})
        assert refused.json()["error"]["code"] == "CHANNEL_KIND_MANAGED"
    await line.say(f"/start {(await line.code())['code']}")
    (channel,) = await line.channels()
    changed = await line.tenant.patch(f"/api/v1/channels/{channel['id']}", json={"config": {"chat_id": "8"}})
    assert (changed.status_code, changed.json()["error"]["code"]) == (422, "CHANNEL_KIND_MANAGED")


@pytest.mark.parametrize("way", ["stop", "kicked"])
async def test_a_chat_that_wants_no_more_disables_every_channel_of_it_with_the_reason(line: Line, way: str) -> None:
    for chat in (ANA, OPS, OPS):
        await line.say(f"/link {(await line.code())['code']}", chat)
    if way == "stop":
        assert "Nothing more comes here" in await line.say("/stop", OPS)
    else:
        assert await line.hear(my_chat_member={"chat": OPS, "new_chat_member": {"status": way}}) == {}
    mine, *others = await line.channels()
    assert mine["enabled"]
    assert [channel["enabled"] for channel in others] == [False, False]
    said = {"stop": "Somebody in the chat sent /stop", "kicked": "The bot was removed from this chat, or blocked"}
    assert {channel["disabled_reason"] for channel in others} == {said[way]}
    audit = (await line.tenant.get("/api/v1/audit")).json()["items"]
    assert ("link", "Telegram chat Ops", "updated") in {(e["actor_kind"], e["actor"], e["action"]) for e in audit}
    enabled = await line.tenant.patch(f"/api/v1/channels/{others[0]['id']}", json={"enabled": True})
    assert enabled.json()["disabled_reason"] is None


async def test_a_group_that_moved_is_followed(line: Line) -> None:
    await line.say(f"/link {(await line.code())['code']}", {**OPS, "id": -42})
    await line.hear(my_chat_member={"chat": {"id": -42, "type": "group"}, "new_chat_member": {"status": "left"}})
    await line.hear(message={"chat": {"id": -42, "type": "group"}, "migrate_to_chat_id": OPS["id"]})
    (channel,) = await line.channels()
    assert channel["config"]["chat_id"] == str(OPS["id"])
    assert (channel["enabled"], channel["disabled_reason"]) == (True, None), "leaving was a step of the move"


async def test_the_bot_leaves_a_group_with_its_last_channel(line: Line) -> None:
    for _ in range(2):
        await line.say(f"/link {(await line.code())['code']}", OPS)
    await line.say(f"/start {(await line.code())['code']}")
    first, second, private = await line.channels()
    group = line.judge.chats[str(OPS["id"])]
    for channel, left in ((private, False), (first, False), (second, True)):
        assert (await line.tenant.delete(f"/api/v1/channels/{channel['id']}")).status_code == 204
        assert group.left is left


async def test_a_channel_is_deleted_though_telegram_refuses_to_let_the_bot_go(line: Line) -> None:
    await line.say(f"/link {(await line.code())['code']}", OPS)
    (channel,) = await line.channels()
    line.judge.later.append(refusal(500, "Internal Server Error"))
    assert (await line.tenant.delete(f"/api/v1/channels/{channel['id']}")).status_code == 204


@pytest.mark.parametrize("secret", [None, "", SECRET[:-1], SECRET + "0", "ü" * 64, SECRET.upper()])
async def test_to_anybody_but_telegram_there_is_nothing(line: Line, secret: str | None) -> None:
    headers = {} if secret is None else {HEADER: secret.encode()}
    reply = await line.outside.post("/hooks/telegram", content=b"{" * 100_000, headers=headers)  # type: ignore[arg-type]
    nowhere = await line.outside.post("/hooks/nothing")
    assert (reply.status_code, reply.json()["error"]["message"]) == (404, nowhere.json()["error"]["message"])


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"{}", b"\xff\xfe", b"[" * 90_000, b'{"message":{"chat":{"id":"x"}}}', b"x" * 900_000]
)
async def test_an_update_that_nobody_understands_is_taken_and_ignored(line: Line, body: bytes) -> None:
    reply = await line.outside.post("/hooks/telegram", content=body, headers={HEADER: SECRET})
    assert (reply.status_code, reply.content) == (200, b"")


async def test_a_chat_that_tries_codes_is_not_listened_to_for_a_while(line: Line) -> None:
    code = (await line.code())["code"]
    said = [await line.say("/start " + f"{number:032}", OPS) for number in range(15)]
    assert "too old" in said[0]
    assert said[-1] == ""
    assert await line.say(f"/start {code}", OPS) == ""
    assert "Nothing is connected" in await line.say("/stop", OPS), "that is heard at all times"
    assert "Connected" in await line.say(f"/start {code}"), "another chat is"


async def test_a_code_of_another_purpose_or_kind_connects_no_chat(line: Line) -> None:
    reply = await line.tenant.post("/api/v1/channels/delegate", json={"kind": "webhook"})
    other = reply.json()["url"].rpartition("/")[2]
    assert "too old" in await line.say(f"/start {other}")
    reply = await line.tenant.post("/api/v1/channels/delegate", json={"kind": "telegram_app", "name": "Theirs"})
    assert "Connected" in await line.say(f"/start {reply.json()['url'].rpartition('/')[2]}")
    assert [channel["name"] for channel in await line.channels()] == ["Theirs"]


async def test_without_a_bot_there_are_no_links(database: Database) -> None:
    settings = msgspec.structs.replace(SETTINGS, telegram=TelegramSettings())
    async with control_plane(database, settings) as plane, plane.tenant() as tenant:
        for reply in (await tenant.post(LINK), await tenant.get(f"{LINK}/0197a2f0-0000-7000-8000-000000000000")):
            assert (reply.status_code, reply.json()["error"]["code"]) == (404, "TELEGRAM_LINK_NOT_FOUND")
        empty = webhook_secret(pepper=PEPPER, bot_token="")
        assert (await tenant.post("/hooks/telegram", json={}, headers={HEADER: empty})).status_code == 404
        delegated = await tenant.post("/api/v1/channels/delegate", json={"kind": "telegram_app"})
        assert (delegated.status_code, delegated.json()["error"]["code"]) == (400, "DELEGATE_KIND_INVALID")


def at_home(server: VendorServer, url: str = "https://farwatch.example") -> Settings:
    server_settings = msgspec.structs.replace(SETTINGS.server, public_url=url)
    return msgspec.structs.replace(SETTINGS, server=server_settings, delivery=server.settings())


async def test_telegram_is_told_where_the_bot_listens_and_again_after_a_failure() -> None:
    judge = TelegramJudge(token=BOT_TOKEN)
    async with vendor_server(judge, HOST) as server:
        settings, webhook = at_home(server), TelegramWebhook()
        bot = installation_bot(settings)
        judge.later.append(refusal(502, "Bad Gateway"))
        assert not await webhook.register(bot, settings, now=1000.0)
        assert not await webhook.register(bot, settings, now=1029.0)
        assert await webhook.register(bot, settings, now=1031.0)
        assert judge.webhook is not None
        assert judge.webhook["url"] == "https://farwatch.example/hooks/telegram"
        assert judge.webhook["secret_token"] == SECRET
        assert not await webhook.register(bot, settings, now=2000.0)
        assert await webhook.register(bot, settings, now=1031.0 + 6 * 3600), "what somebody else set is set right again"


async def test_without_an_https_address_telegram_is_told_nothing() -> None:
    judge = TelegramJudge(token=BOT_TOKEN)
    async with vendor_server(judge, HOST) as server:
        settings, webhook = at_home(server, "http://localhost:8100"), TelegramWebhook()
        assert not await webhook.register(installation_bot(settings), settings, now=1.0)
        assert not await webhook.register(None, Settings(), now=1.0)
        assert server.requests == []
