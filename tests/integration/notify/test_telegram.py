"""Telegram against a server that enforces what the Bot API documents."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from control_plane.domain.alerting.message_words import Fact, Words
from control_plane.errors import BadRequest
from control_plane.notify.telegram import Telegram, TelegramTransport
from control_plane.notify.telegram_app import TelegramApp, TelegramAppTransport
from control_plane.notify.telegram_message import payload
from control_plane.notify.transport import Message, Sent
from control_plane.notify.transport_error import TransportError
from control_plane.settings import Settings, TelegramSettings
from tests.support.messages import a_body, a_message, tools
from tests.support.vendor_telegram import HOST, TOKEN, Chat, TelegramJudge, message_error, plain, refusal, too_many
from tests.support.vendors import Reply, VendorServer, vendor_server

GROUP = -1001234567890
CONFIG = Telegram(bot_token=TOKEN, chat_id=str(GROUP))


@dataclass
class Line:
    """A tenant's bot and the group that it writes to."""

    judge: TelegramJudge
    server: VendorServer
    chat: Chat

    async def send(self, message: Message, config: Telegram = CONFIG) -> Sent:
        return await TelegramTransport(tools(self.server.http())).send(config, message)

    async def refused(self, message: Message | None = None, config: Telegram = CONFIG) -> TransportError:
        with pytest.raises(TransportError) as refused:
            await self.send(message or a_message(), config)
        assert TOKEN not in repr((refused.value.message, refused.value.response))
        return refused.value


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    judge = TelegramJudge()
    chat = judge.with_chat(Chat(GROUP, "supergroup", "Ops", topics={5}), name="@ops_room")
    async with vendor_server(judge, HOST) as server:
        yield Line(judge, server, chat)


async def test_a_message_says_what_happened_and_leads_to_the_incident(line: Line) -> None:
    sent = await line.send(a_message())
    (told,) = line.judge.sent
    text = plain(told["text"])
    assert text.startswith("🔴 Checkout API is down from 2 of 3 regions\n\n")
    assert "Down from: eu-west, us-east" in text
    assert told["link_preview_options"] == {"is_disabled": True}
    assert told["reply_markup"]["inline_keyboard"][0][0]["url"].startswith("https://farwatch.example/app/incidents/")
    assert sent.receipt == {"message_id": 100}
    assert sent.amended is None


async def test_what_follows_answers_the_first_message_of_the_incident(line: Line) -> None:
    first = await line.send(a_message())
    recovered = a_message(a_body("incident.resolved"), notice="resolved", receipt=first.receipt)
    await line.send(recovered)
    assert line.judge.sent[1]["reply_parameters"] == {"message_id": 100, "allow_sending_without_reply": True}
    assert plain(line.judge.sent[1]["text"]).startswith("🟢 Checkout API is up again")


async def test_markup_in_names_and_reasons_stays_text(line: Line) -> None:
    await line.send(a_message(a_body(name="<b>API</b> & <script>", reason='<a href="x">&amp;</a>')))
    text = plain(line.judge.sent[0]["text"])
    assert "<b>API</b> & <script> is down" in text
    assert '<a href="x">&amp;</a>' in text


@pytest.mark.parametrize(
    "words",
    [
        Words(title="T" * 9000, text="x" * 9000, tone="alarm"),
        Words(title="🔴" * 3000, text="🟢" * 3000, tone="alarm", url="http://localhost/" + "u" * 1500),
        Words(title="<" * 600, text="&" * 5000, tone="note"),
        Words(
            title="T",
            text="-",
            summary="s" * 3500,
            facts=tuple(Fact(f"F{number}", "v" * 90) for number in range(60)),
            tone="note",
        ),
    ],
    ids=["long", "astral", "escaped", "facts"],
)
def test_any_words_fit_into_a_message(words: Words) -> None:
    message = Message(
        message_id=a_message().message_id, attempt=1, body=b"{}", sent_at=a_message().sent_at, words=words
    )
    assert message_error(payload(message, chat_id="7")) is None


async def test_a_link_that_no_button_takes_is_a_line_of_text(line: Line) -> None:
    await line.send(a_message(a_body(url="http://localhost:8100/app/incidents/7")))
    assert "reply_markup" not in line.judge.sent[0]
    assert "Open: http://localhost:8100/app/incidents/7" in line.judge.sent[0]["text"]


async def test_a_message_whose_buttons_are_refused_goes_without(line: Line) -> None:
    line.judge.later.append(refusal(400, "Bad Request: BUTTON_URL_INVALID"))
    await line.send(a_message())
    assert "reply_markup" not in line.judge.sent[0]
    assert "Open: https://farwatch.example/" in line.judge.sent[0]["text"]


async def test_a_topic_is_written_to_and_one_that_was_deleted_left_out(line: Line) -> None:
    for thread in (5, 6):
        await line.send(a_message(), Telegram(bot_token=TOKEN, chat_id="@ops_room", message_thread_id=thread))
    assert [told.get("message_thread_id") for told in line.judge.sent] == [5, None]


async def test_a_group_that_became_a_supergroup_gets_the_message_at_once(line: Line) -> None:
    line.judge.with_chat(Chat(-42, "group", moved=GROUP))
    sent = await line.send(a_message(), Telegram(bot_token=TOKEN, chat_id="-42"))
    assert sent.amended == {"chat_id": str(GROUP)}
    assert [told["chat_id"] for told in line.judge.sent] == [GROUP]


async def test_telegram_says_how_long_to_wait(line: Line) -> None:
    line.judge.later.append(too_many(17))
    refused = await line.refused()
    assert (refused.permanent, refused.retry_after) == (False, timedelta(seconds=17))


@pytest.mark.parametrize(
    "closed", ["bot was blocked by the user", "bot was kicked from the supergroup chat", "user is deactivated"]
)
async def test_a_chat_that_closed_to_the_bot_is_gone(line: Line, closed: str) -> None:
    line.chat.closed = closed
    refused = await line.refused()
    assert (refused.gone, refused.permanent, refused.http_status) == (True, True, 403)
    assert closed in refused.message


async def test_a_chat_that_does_not_exist_is_given_up(line: Line) -> None:
    refused = await line.refused(config=Telegram(bot_token=TOKEN, chat_id="1"))
    assert (refused.permanent, refused.gone) == (True, False)
    assert "chat not found" in refused.message


async def test_an_unknown_token_is_given_up_with_a_clear_word(line: Line) -> None:
    refused = await line.refused(config=Telegram(bot_token=TOKEN + "0", chat_id=str(GROUP)))
    assert (refused.permanent, refused.gone) == (True, False)
    assert "does not know this bot token" in refused.message


@pytest.mark.parametrize(
    "answer",
    [Reply(502, b"<html>Bad Gateway</html>"), Reply(200, b"<html>"), refusal(500, "Internal Server Error")],
    ids=["gateway", "no JSON", "500"],
)
async def test_trouble_of_telegrams_own_is_tried_again(line: Line, answer: Reply) -> None:
    line.judge.later.append(answer)
    assert not (await line.refused()).permanent


async def test_no_answer_repeats_the_token(line: Line) -> None:
    echo = refusal(400, f"Bad Request: https://{HOST}/bot{TOKEN}/sendMessage and {TOKEN.partition(':')[2]} %3A {TOKEN}")
    line.judge.later.append(echo)
    refused = await line.refused()
    assert TOKEN.partition(":")[2] not in refused.message + (refused.response or "")


@pytest.mark.parametrize(
    ("over", "field"),
    [
        ({"bot_token": "nonsense"}, "/config/bot_token"),
        ({"bot_token": f"{TOKEN}/../x"}, "/config/bot_token"),
        ({"chat_id": ""}, "/config/chat_id"),
        ({"chat_id": "ops"}, "/config/chat_id"),
        ({"chat_id": "12 3"}, "/config/chat_id"),
        ({"chat_id": "-"}, "/config/chat_id"),
        ({"message_thread_id": 0}, "/config/message_thread_id"),
    ],
)
def test_a_configuration_that_telegram_would_refuse_is_refused_by_field(over: dict[str, Any], field: str) -> None:
    given: dict[str, Any] = {"bot_token": TOKEN, "chat_id": "7", **over}
    with pytest.raises(BadRequest) as refused:
        TelegramTransport(tools()).prepared(Telegram(**given), entropy=b"")
    assert refused.value.field == field


def test_the_token_alone_is_secret() -> None:
    transport = TelegramTransport(tools())
    config = transport.prepared(Telegram(bot_token=TOKEN, chat_id=-42, message_thread_id=5), entropy=b"")
    parts = transport.parts(config)
    assert TOKEN not in json.dumps(parts.shown)
    assert parts.shown["chat_id"] == "-42"
    assert transport.whole(shown=parts.shown, secrets=parts.secrets) == config


def settings(token: str = TOKEN) -> Settings:
    return Settings(telegram=TelegramSettings(bot_token=token, bot_name="farwatch_bot"))


async def test_a_linked_chat_is_written_to_by_the_installations_bot(line: Line) -> None:
    transport = TelegramAppTransport(tools(line.server.http(), settings=settings()))
    sent = await transport.send(TelegramApp(chat_id=str(GROUP), chat_title="Ops"), a_message())
    assert sent.receipt == {"message_id": 100}
    assert TelegramAppTransport.is_set_up(settings())
    assert not TelegramAppTransport.is_set_up(Settings())


async def test_what_is_the_operators_to_mend_is_tried_again(line: Line) -> None:
    transport = TelegramAppTransport(tools(line.server.http(), settings=settings(TOKEN + "0")))
    with pytest.raises(TransportError, match="operator") as refused:
        await transport.send(TelegramApp(chat_id=str(GROUP)), a_message())
    assert not refused.value.permanent
