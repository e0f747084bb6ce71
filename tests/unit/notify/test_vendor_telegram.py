"""The Telegram of the tests refuses what Telegram documents as refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.vendor_telegram import HOST, TOKEN, Chat, TelegramJudge, too_many
from tests.support.vendors import Reply, Request

JSON = {"content-type": "application/json"}
MESSAGE: dict[str, Any] = {"chat_id": 7, "text": "<b>Down</b> &lt;api&gt;", "parse_mode": "HTML"}


def judge() -> TelegramJudge:
    made = TelegramJudge()
    made.with_chat(Chat(7))
    made.with_chat(Chat(-100, "supergroup", "Ops", topics={5}), name="@ops")
    made.with_chat(Chat(8, closed="bot was blocked by the user"))
    made.with_chat(Chat(-9, "group", moved=-100))
    return made


def asked(vendor: TelegramJudge, method: str, given: Any, *, token: str = TOKEN, verb: str = "POST") -> Reply:
    return vendor(Request(verb, HOST, f"/bot{token}/{method}", {}, JSON, json.dumps(given).encode()))


def said(reply: Reply) -> tuple[int, str]:
    return reply.status, json.loads(reply.body)["description"]


def test_a_message_is_taken_and_numbered() -> None:
    reply = asked(judge(), "sendMessage", MESSAGE)
    assert reply.status == 200
    result = json.loads(reply.body)["result"]
    assert (result["message_id"], result["text"]) == (100, "Down <api>")


@pytest.mark.parametrize(
    ("over", "status", "description"),
    [
        ({"chat_id": 1}, 400, "chat not found"),
        ({"chat_id": 8}, 403, "blocked"),
        ({"chat_id": -9}, 400, "upgraded"),
        ({"text": ""}, 400, "text is empty"),
        ({"text": "<b></b>"}, 400, "text is empty"),
        ({"text": "x" * 4097}, 400, "too long"),
        ({"text": "\U0001f534" * 2049}, 400, "too long"),
        ({"text": "a < b"}, 400, "can't parse entities"),
        ({"text": "a & b"}, 400, "can't parse entities"),
        ({"text": "<b>open"}, 400, "can't parse entities"),
        ({"text": "<div>x</div>"}, 400, "can't parse entities"),
        ({"text": "&nbsp;"}, 400, "can't parse entities"),
        ({"parse_mode": "Markdown"}, 400, "parse_mode"),
        ({"disable_web_page_preview": True}, 400, "unknown parameters"),
        ({"message_thread_id": 5}, 400, "thread not found"),
        ({"reply_parameters": {"message_id": 3}}, 400, "replied not found"),
        (
            {"reply_markup": {"inline_keyboard": [[{"text": "Open", "url": "http://localhost/"}]]}},
            400,
            "Wrong HTTP URL",
        ),
        ({"reply_markup": {"inline_keyboard": [[{"text": "Open"}]]}}, 400, "unallowed"),
    ],
)
def test_what_telegram_refuses_is_refused(over: dict[str, Any], status: int, description: str) -> None:
    vendor = judge()
    got = said(asked(vendor, "sendMessage", MESSAGE | over))
    assert got[0] == status
    assert description in got[1]
    assert vendor.sent == []


def test_4096_characters_after_parsing_are_taken() -> None:
    assert asked(judge(), "sendMessage", MESSAGE | {"text": "<b>" + "&lt;" * 4096 + "</b>"}).status == 200


def test_a_topic_and_an_answer_are_taken() -> None:
    over = {
        "chat_id": "@ops",
        "message_thread_id": 5,
        "reply_parameters": {"message_id": 3, "allow_sending_without_reply": True},
        "reply_markup": {"inline_keyboard": [[{"text": "Open", "url": "https://farwatch.example/app"}]]},
    }
    assert asked(judge(), "sendMessage", MESSAGE | over).status == 200


def test_only_the_bots_token_opens_it() -> None:
    vendor = judge()
    assert said(asked(vendor, "sendMessage", MESSAGE, token=TOKEN + "x")) == (401, "Unauthorized")
    assert said(asked(vendor, "sendMessage", MESSAGE, token="nonsense")) == (404, "Not Found")
    assert asked(vendor, "sendLouder", MESSAGE).status == 404
    assert asked(vendor, "sendMessage", MESSAGE, verb="PUT").status == 400


def test_a_migrated_group_tells_where_it_went() -> None:
    reply = asked(judge(), "sendMessage", MESSAGE | {"chat_id": -9})
    assert json.loads(reply.body)["parameters"] == {"migrate_to_chat_id": -100}
    assert json.loads(too_many(17).body)["parameters"] == {"retry_after": 17}


def test_a_group_is_left_once_and_a_person_never() -> None:
    vendor = judge()
    assert asked(vendor, "leaveChat", {"chat_id": -100}).status == 200
    assert asked(vendor, "leaveChat", {"chat_id": -100}).status == 403
    assert asked(vendor, "leaveChat", {"chat_id": 7}).status == 400
    assert asked(vendor, "leaveChat", {"chat_id": 1}).status == 400


@pytest.mark.parametrize(
    "over",
    [
        {"url": "http://a.example/hooks/telegram"},
        {"url": "https://a.example:8100/hooks/telegram"},
        {"secret_token": "no blanks"},
        {"secret_token": ""},
        {"allowed_updates": ["gossip"]},
    ],
)
def test_a_webhook_that_telegram_cannot_call_is_refused(over: dict[str, Any]) -> None:
    good = {"url": "https://a.example/hooks/telegram", "secret_token": "a" * 64, "allowed_updates": ["message"]}
    vendor = judge()
    assert asked(vendor, "setWebhook", good | over).status == 400
    assert vendor.webhook is None
    assert asked(vendor, "setWebhook", good).status == 200
    assert vendor.webhook == good
