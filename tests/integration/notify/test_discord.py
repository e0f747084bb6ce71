"""Discord against a server that enforces what Discord documents."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from control_plane.errors import BadRequest
from control_plane.notify import discord
from control_plane.notify.discord import Discord, DiscordTransport
from control_plane.notify.transport import Message, Sent
from control_plane.notify.transport_error import TransportError
from tests.support.messages import a_body, a_message, tools
from tests.support.vendor_discord import HOST, PATH, THREAD, URL, DiscordJudge, limited
from tests.support.vendors import Reply, Request, VendorServer, vendor_server

CONFIG = Discord(webhook_url=URL)


@pytest.fixture
def judge() -> DiscordJudge:
    return DiscordJudge()


@pytest.fixture
async def server(judge: DiscordJudge) -> AsyncIterator[VendorServer]:
    async with vendor_server(judge, HOST) as running:
        yield running


async def send(server: VendorServer, message: Message, config: Discord = CONFIG) -> Sent:
    return await DiscordTransport(tools(server.http())).send(config, message)


async def failure(server: VendorServer, message: Message, config: Discord = CONFIG) -> TransportError:
    with pytest.raises(TransportError) as failed:
        await send(server, message, config)
    return failed.value


def resolution(**over: Any) -> Message:
    return a_message(a_body("incident.resolved"), notice="resolved", **over)


async def test_an_opening_says_what_where_and_since_when(server: VendorServer, judge: DiscordJudge) -> None:
    message = a_message()
    sent = await send(server, message)
    (document,) = judge.posted.values()
    (embed,) = document["embeds"]
    assert document["content"] == f"🔴 {message.words.title}"
    assert embed["description"] == f"{message.words.summary}\n[Open the incident]({message.words.url})"
    assert [field["name"] for field in embed["fields"]] == [fact.label for fact in message.words.facts]
    assert embed["color"] == 0xD32F2F
    assert sent.receipt == {"id": "1100", "title": f"🔴 {message.words.title}"}
    assert server.requests[0].query == {"wait": "true"}


@pytest.mark.parametrize("thread", [None, THREAD], ids=["channel", "thread"])
async def test_a_recovery_is_a_message_of_its_own_and_edits_the_first_one(
    server: VendorServer, judge: DiscordJudge, thread: str | None
) -> None:
    config = Discord(webhook_url=URL, thread_id=thread)
    first = await send(server, a_message(), config)
    assert (await send(server, resolution(receipt=first.receipt), config)).receipt is None
    opening, recovery = judge.posted.values()
    assert recovery["content"].startswith("🟢 Checkout API is up again")
    assert opening["content"] == recovery["content"]
    assert opening["embeds"][0]["description"].startswith("Was: 🔴 Checkout API is down")
    assert [request.method for request in server.requests] == ["POST", "POST", "PATCH"]
    assert {request.query.get("thread_id") for request in server.requests} == {thread}


async def test_an_incident_that_opens_again_is_shown_in_its_first_message(
    server: VendorServer, judge: DiscordJudge
) -> None:
    first = await send(server, a_message())
    await send(server, resolution(receipt=first.receipt))
    await send(server, a_message(receipt=first.receipt))
    assert next(iter(judge.posted.values()))["content"].startswith("🔴")


@pytest.mark.parametrize(
    "answer", [Reply(404, b'{"code":10008}'), Reply(429, b""), Reply(500, b""), limited(99)], ids=range(4)
)
async def test_an_edit_that_fails_takes_nothing_from_the_recovery(
    server: VendorServer, judge: DiscordJudge, answer: Reply
) -> None:
    first = await send(server, a_message())
    judge.later = [None, answer]
    assert (await send(server, resolution(receipt=first.receipt))).http_status == 200
    assert len(judge.posted) == 2


async def test_an_edit_that_hangs_ends_while_the_lease_still_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discord, "EDIT_PATIENCE_S", 0.2)
    judge, release = DiscordJudge(), asyncio.Event()

    async def hanging(request: Request) -> Reply:
        if request.method == "PATCH":
            await release.wait()
        return judge(request)

    async with vendor_server(hanging, HOST) as server:
        assert (await send(server, resolution(receipt={"id": "1100"}))).http_status == 200
        assert [request.method for request in server.requests] == ["POST", "PATCH"]
        release.set()


@pytest.mark.parametrize(
    ("status", "body", "ended"),
    [
        (404, b'{"message":"Unknown Webhook","code":10015}', (True, True)),
        (401, b'{"message":"Unknown Webhook","code":10015}', (True, True)),
        (401, b'{"message":"Invalid Webhook Token","code":50027}', (True, True)),
        (404, b'{"message":"Unknown Channel","code":10003}', (True, False)),
        (400, b'{"message":"Invalid Form Body","code":50035}', (True, False)),
        (404, b"<html>", (False, False)),
        (401, b"{}", (False, False)),
        (403, b"error code: 1010", (False, False)),
        (500, b"[]", (False, False)),
        (302, b"", (True, False)),
    ],
)
async def test_what_can_help_is_told_by_the_status_and_the_code(
    server: VendorServer, judge: DiscordJudge, status: int, body: bytes, ended: tuple[bool, bool]
) -> None:
    judge.later.append(Reply(status, body))
    failed = await failure(server, a_message())
    assert ((failed.permanent, failed.gone), failed.http_status) == (ended, status)


@pytest.mark.parametrize(
    ("answer", "wait"),
    [
        (limited(0.35), timedelta(seconds=0.35)),
        (limited(64.57, **{"Retry-After": "65"}), timedelta(seconds=65)),
        (limited(90, **{"Retry-After": "65"}), timedelta(seconds=90)),
        (limited(1e300), timedelta(hours=24)),
        (Reply(429, b'{"retry_after":"soon"}'), None),
        (Reply(429, b'{"retry_after":true}'), None),
        (Reply(429, b'{"retry_after":-1}'), None),
        (Reply(429, b"error code: 1015", {"Retry-After": "12"}), timedelta(seconds=12)),
    ],
    ids=range(8),
)
async def test_the_longer_of_the_waits_that_discord_asks_for_is_kept(
    server: VendorServer, judge: DiscordJudge, answer: Reply, wait: timedelta | None
) -> None:
    judge.later.append(answer)
    failed = await failure(server, a_message())
    assert (failed.permanent, failed.retry_after) == (False, wait)


@pytest.mark.parametrize("body", [b"", b"ok", b"[]", b'{"id":5}', b"{" * 9000, b"x" * 1_000_000], ids=range(6))
async def test_an_acceptance_is_one_whatever_its_body_says(
    server: VendorServer, judge: DiscordJudge, body: bytes
) -> None:
    judge.later.append(Reply(200, body))
    assert (await send(server, a_message())).receipt is None


async def test_a_receipt_that_is_no_id_is_not_put_into_a_path(server: VendorServer, judge: DiscordJudge) -> None:
    await send(server, resolution(receipt={"id": "../../../users/@me"}))
    assert [request.method for request in server.requests] == ["POST"]


async def test_a_name_can_ping_nobody_and_mark_nothing_up(server: VendorServer, judge: DiscordJudge) -> None:
    name = "@everyone <@123> [Log in](https://evil.example) **x** `y` \\"
    await send(server, a_message(a_body(name=name, reason=name)))
    (document,) = judge.posted.values()
    assert document["allowed_mentions"] == {"parse": []}
    assert r"\<@123> \[Log in\](https://evil.example) \*\*x\*\* \`y\` \\" in document["content"]
    assert document["content"].count("@everyone") == 1


async def test_a_digest_is_one_message_without_a_receipt(server: VendorServer, judge: DiscordJudge) -> None:
    sent = await send(server, a_message(others=[a_body(name=f"API {n}") for n in range(2000)]))
    assert (sent.receipt, len(judge.posted)) == (None, 1)


async def test_an_answer_shows_nothing_of_the_url(server: VendorServer, judge: DiscordJudge) -> None:
    judge.later.append(Reply(500, f"{URL} {PATH.rpartition('/')[2]}".encode()))
    assert (await failure(server, a_message())).response == "*** ***"


def test_the_url_is_masked_and_the_thread_is_shown() -> None:
    transport = DiscordTransport(tools())
    config = transport.prepared(
        msgspec.convert({"webhook_url": f"{URL}?thread_id={THREAD}&wait=true"}, Discord), entropy=b""
    )
    parts = transport.parts(config)
    assert parts.shown == {"type": "discord", "webhook_url": "***", "thread_id": THREAD}
    assert (parts.secrets, parts.host) == ({"webhook_url": URL}, HOST)
    assert transport.whole(shown=parts.shown, secrets=parts.secrets) == config


def test_another_services_url_is_refused() -> None:
    with pytest.raises(BadRequest) as refused:
        DiscordTransport(tools()).prepared(Discord(webhook_url="https://hooks.slack.com/services/T/B/x"), entropy=b"")
    assert refused.value.field == "/config/webhook_url"
