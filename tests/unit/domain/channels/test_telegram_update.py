"""What an update of Telegram's says to the installation's bot."""

from __future__ import annotations

import json
from typing import Any

import pytest

from control_plane.domain.channels.telegram_update import (
    Chat,
    Closed,
    Connect,
    Greet,
    Heard,
    Moved,
    Stop,
    read_update,
)

ANA = {"id": 7, "type": "private", "first_name": "Ana", "last_name": "Lima", "username": "ana"}
OPS = {"id": -1001234567890, "type": "supergroup", "title": "Ops"}
PERSON = Chat("7", "Ana Lima", private=True)
GROUP = Chat("-1001234567890", "Ops", private=False)
CODE = "a" * 32


def read(update: dict[str, Any]) -> Heard | None:
    return read_update(json.dumps({"update_id": 1, **update}).encode(), bot_name="Farwatch_bot")


def said(text: str, chat: dict[str, Any] = ANA, **over: Any) -> dict[str, Any]:
    return {"message": {"message_id": 3, "date": 1, "from": {"id": 7}, "chat": chat, "text": text, **over}}


@pytest.mark.parametrize(
    ("update", "heard"),
    [
        (said(f"/start {CODE}"), Connect(PERSON, CODE)),
        (said(f"/link {CODE}"), Connect(PERSON, CODE)),
        (said(f"  /start   {CODE}  and more"), Connect(PERSON, CODE)),
        (said(f"/start@farwatch_bot {CODE}", OPS), Connect(GROUP, CODE)),
        (said(f"/link@FARWATCH_BOT {CODE}", OPS), Connect(GROUP, CODE)),
        (said(f"/link@other_bot {CODE}", OPS), None),
        (said("/start"), Greet(PERSON)),
        (said("/start", OPS), None),
        (said("/link", OPS), Greet(GROUP)),
        (said("/stop"), Stop(PERSON)),
        (said("/stop@farwatch_bot", OPS), Stop(GROUP)),
        (said("/stopping"), None),
        (said("please /stop"), None),
        (said("hello"), None),
        (said("", OPS, migrate_to_chat_id=-100), Moved(GROUP, "-100")),
        ({"channel_post": {"chat": {**OPS, "type": "channel"}, "text": f"/link {CODE}"}}, Connect(GROUP, CODE)),
        ({"my_chat_member": {"chat": ANA, "new_chat_member": {"status": "member"}}}, None),
        ({"edited_message": {"chat": ANA, "text": "/stop"}}, None),
        ({"callback_query": {"id": "1"}}, None),
        ({"message": {"text": "/stop"}}, None),
        ({"message": "/stop"}, None),
        ({}, None),
    ],
)
def test_an_update_says(update: dict[str, Any], heard: Heard | None) -> None:
    assert read(update) == heard


@pytest.mark.parametrize("status", ["kicked", "left"])
def test_a_bot_that_is_put_out_hears_it(status: str) -> None:
    heard = read({"my_chat_member": {"chat": OPS, "new_chat_member": {"status": status, "user": {"id": 1}}}})
    assert isinstance(heard, Closed)
    assert heard.chat == GROUP
    assert "removed" in heard.reason


def test_a_topic_counts_where_the_group_has_topics() -> None:
    in_topic = read(said(f"/link {CODE}", OPS, message_thread_id=5, is_topic_message=True))
    in_answer = read(said(f"/link {CODE}", OPS, message_thread_id=5))
    assert isinstance(in_topic, Connect)
    assert isinstance(in_answer, Connect)
    assert (in_topic.chat.thread, in_answer.chat.thread) == (5, None)


def test_a_title_is_one_printable_line() -> None:
    heard = read(said("/stop", {**OPS, "title": "On\n\u202ecall\x00 " + "x" * 500}))
    assert isinstance(heard, Stop)
    assert heard.chat.title.startswith("On call x")
    assert len(heard.chat.title) == 128


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b"{", b'"x"', b"\xff", b"[" * 100_000, b'{"message":{"chat":{"id":1e400}}}']
)
def test_a_broken_body_says_nothing(body: bytes) -> None:
    assert read_update(body, bot_name="farwatch_bot") is None
