"""Google Chat against a server that enforces what Google documents."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import msgspec
import pytest

from control_plane.errors import BadRequest
from control_plane.notify.google_chat import GoogleChat, GoogleChatTransport
from control_plane.notify.transport import Message, Sent
from control_plane.notify.transport_error import TransportError
from tests.support.messages import INCIDENT, a_body, a_message, tools
from tests.support.vendor_google_chat import HOST, TOKEN, URL, GoogleChatJudge, error
from tests.support.vendors import Reply, VendorServer, vendor_server

CONFIG = GoogleChat(webhook_url=URL)


@pytest.fixture
def judge() -> GoogleChatJudge:
    return GoogleChatJudge()


@pytest.fixture
async def server(judge: GoogleChatJudge) -> AsyncIterator[VendorServer]:
    async with vendor_server(judge, HOST) as running:
        yield running


async def send(server: VendorServer, message: Message) -> Sent:
    return await GoogleChatTransport(tools(server.http())).send(CONFIG, message)


async def failure(server: VendorServer, message: Message) -> TransportError:
    with pytest.raises(TransportError) as failed:
        await send(server, message)
    return failed.value


async def test_an_opening_has_a_title_to_be_notified_of_and_a_card(
    server: VendorServer, judge: GoogleChatJudge
) -> None:
    message = a_message()
    await send(server, message)
    (document,) = judge.posted
    paragraph, *facts, buttons = document["cardsV2"][0]["card"]["sections"][0]["widgets"]
    assert document["text"] == f"🔴 {message.words.title}"
    assert paragraph["textParagraph"]["text"] == message.words.summary
    assert [fact["decoratedText"]["topLabel"] for fact in facts] == [fact.label for fact in message.words.facts]
    assert buttons["buttonList"]["buttons"][0]["onClick"]["openLink"]["url"] == message.words.url


async def test_the_recovery_follows_its_alert_in_one_thread(server: VendorServer, judge: GoogleChatJudge) -> None:
    await send(server, a_message())
    other = "0197a2f0-0000-7000-8000-000000000002"
    resolved = a_message(a_body("incident.resolved"), notice="resolved")
    await send(server, msgspec.structs.replace(resolved, message_id=msgspec.convert(other, type=type(INCIDENT))))
    ((opening, recovery),) = (judge.threads[str(INCIDENT)],)
    assert (opening[0], recovery[0]) == ("🔴", "🟢")


async def test_a_message_that_had_to_be_sent_twice_is_posted_once(server: VendorServer, judge: GoogleChatJudge) -> None:
    for _ in range(2):
        await send(server, a_message())
    assert (len(server.requests), len(judge.posted)) == (2, 1)


async def test_what_is_no_incidents_begins_no_thread(server: VendorServer, judge: GoogleChatJudge) -> None:
    await send(server, a_message(others=[a_body(name=f"API {n}") for n in range(2000)]))
    assert "thread" not in judge.posted[0]
    assert "messageReplyOption" not in server.requests[0].query


@pytest.mark.parametrize(
    ("answer", "ended"),
    [
        (error(404, "NOT_FOUND"), (True, True)),
        (error(400, "INVALID_ARGUMENT"), (True, False)),
        (error(403, "PERMISSION_DENIED"), (False, False)),
        (error(401, "UNAUTHENTICATED"), (False, False)),
        (error(503, "UNAVAILABLE"), (False, False)),
        (Reply(404, b"<html>"), (False, False)),
        (Reply(500, b'{"error":[]}'), (False, False)),
        (Reply(307, b""), (True, False)),
    ],
    ids=range(8),
)
async def test_what_can_help_is_told_by_the_status(
    server: VendorServer, judge: GoogleChatJudge, answer: Reply, ended: tuple[bool, bool]
) -> None:
    judge.later.append(answer)
    failed = await failure(server, a_message())
    assert ((failed.permanent, failed.gone), failed.http_status) == (ended, answer.status)


async def test_too_many_messages_are_told_later(server: VendorServer, judge: GoogleChatJudge) -> None:
    judge.later.append(Reply(429, error(429, "RESOURCE_EXHAUSTED").body, {"Retry-After": "20"}))
    failed = await failure(server, a_message())
    assert (failed.permanent, failed.retry_after) == (False, timedelta(seconds=20))
    assert failed.message == "Google Chat answered 429: RESOURCE_EXHAUSTED"


async def test_a_name_can_neither_mention_anybody_nor_hide_a_link(server: VendorServer, judge: GoogleChatJudge) -> None:
    name = "<users/all> <https://evil.example|Log in> & <b>x</b>"
    await send(server, a_message(a_body(name=name, reason=name)))
    (document,) = judge.posted
    assert "<users" not in document["text"]
    assert "<https" not in document["text"]
    paragraph = document["cardsV2"][0]["card"]["sections"][0]["widgets"][0]["textParagraph"]["text"]
    assert paragraph.startswith("&lt;users/all&gt; &lt;https://evil.example|Log in&gt; &amp; &lt;b&gt;")


async def test_an_answer_shows_nothing_of_the_url(server: VendorServer, judge: GoogleChatJudge) -> None:
    judge.later.append(Reply(500, f"bad {URL} {TOKEN}".encode()))
    assert (await failure(server, a_message())).response == "bad *** ***"


def test_the_url_is_masked_and_sealed_without_what_is_not_its_own() -> None:
    transport = GoogleChatTransport(tools())
    config = transport.prepared(GoogleChat(webhook_url=f"{URL}&threadKey=mine"), entropy=b"")
    parts = transport.parts(config)
    assert (parts.shown, parts.host) == ({"type": "google_chat", "webhook_url": "***"}, HOST)
    assert transport.whole(shown=parts.shown, secrets=parts.secrets) == config == CONFIG


def test_a_url_without_its_token_is_refused() -> None:
    with pytest.raises(BadRequest) as refused:
        GoogleChatTransport(tools()).prepared(GoogleChat(webhook_url=URL.partition("&")[0]), entropy=b"")
    assert refused.value.field == "/config/webhook_url"
