"""Slack against a server that enforces what Slack documents."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import msgspec
import pytest

from control_plane.errors import BadRequest
from control_plane.notify import slack
from control_plane.notify.slack import Slack, SlackTransport
from control_plane.notify.transport import Message, Sent
from control_plane.notify.transport_error import TransportError
from tests.support.messages import a_body, a_message, tools
from tests.support.vendor_slack import API, HOOK, HOOKS, TOKEN, SlackJudge
from tests.support.vendors import Reply, Request, VendorServer, vendor_server

BOT = Slack(bot_token=TOKEN, channel="#alerts")
WEBHOOK = Slack(webhook_url=HOOK)
FIRST = {"channel": "C0000000001", "ts": "1700000000.000001", "title": "🔴 Checkout API is down"}


@pytest.fixture
def judge() -> SlackJudge:
    return SlackJudge()


@pytest.fixture
async def server(judge: SlackJudge) -> AsyncIterator[VendorServer]:
    async with vendor_server(judge, HOOKS, API) as running:
        yield running


async def send(server: VendorServer, message: Message, config: Slack = BOT) -> Sent:
    return await SlackTransport(tools(server.http())).send(config, message)


async def failure(server: VendorServer, message: Message, config: Slack = BOT) -> TransportError:
    with pytest.raises(TransportError) as failed:
        await send(server, message, config)
    return failed.value


def resolution(**over: object) -> Message:
    return a_message(a_body("incident.resolved"), notice="resolved", **over)  # type: ignore[arg-type]


def methods(server: VendorServer) -> list[str]:
    return [request.path.rpartition("/")[2] for request in server.requests]


@pytest.mark.parametrize("config", [BOT, WEBHOOK], ids=["bot", "webhook"])
async def test_an_opening_says_what_where_and_since_when_and_leads_to_the_incident(
    server: VendorServer, judge: SlackJudge, config: Slack
) -> None:
    message = a_message()
    sent = await send(server, message, config)
    assert sent.http_status == 200
    (document,) = [*judge.posted.values(), *judge.hooked]
    header, text, *_, links = document["blocks"]
    assert header["text"]["text"] == f"🔴 {message.words.title}"
    assert document["text"] == f"🔴 {message.words.title}"
    assert text["text"]["text"] == message.words.summary
    shown = {field["text"] for block in document["blocks"] for field in block.get("fields", ())}
    assert {f"*{fact.label}*\n{fact.value}" for fact in message.words.facts} == shown
    assert f"<{message.words.url}|Open the incident>" in links["elements"][0]["text"]


async def test_a_bot_keeps_where_its_first_message_is_and_the_recovery_goes_into_its_thread(
    server: VendorServer, judge: SlackJudge
) -> None:
    first = await send(server, a_message())
    assert first.receipt is not None
    reminded = await send(server, a_message(notice="reminder", receipt=first.receipt))
    ended = await send(server, resolution(receipt=first.receipt))
    assert (reminded.receipt, ended.receipt) == (None, None)
    opening, reminder, recovery = judge.posted.values()
    ts = first.receipt["ts"]
    assert (reminder["thread_ts"], reminder["reply_broadcast"]) == (ts, False)
    assert (recovery["thread_ts"], recovery["reply_broadcast"]) == (ts, True)
    assert opening["blocks"][0]["text"]["text"].startswith("🟢 Checkout API is up again")
    assert "Was: 🔴 Checkout API is down" in opening["blocks"][1]["text"]["text"]
    assert methods(server) == ["chat.postMessage"] * 3 + ["chat.update"]


async def test_an_incident_that_opens_again_is_shown_in_the_channel_and_in_its_first_message(
    server: VendorServer, judge: SlackJudge
) -> None:
    first = await send(server, a_message())
    await send(server, resolution(receipt=first.receipt))
    await send(server, a_message(receipt=first.receipt))
    opening, _, again = judge.posted.values()
    assert again["reply_broadcast"] is True
    assert opening["text"].startswith("🔴")


async def test_a_recovery_whose_opening_left_no_receipt_stands_alone(server: VendorServer, judge: SlackJudge) -> None:
    await send(server, resolution())
    (document,) = judge.posted.values()
    assert "thread_ts" not in document
    assert methods(server) == ["chat.postMessage"]


async def test_a_webhook_has_no_thread_and_edits_nothing(server: VendorServer, judge: SlackJudge) -> None:
    sent = await send(server, resolution(receipt=FIRST), WEBHOOK)
    assert (sent.receipt, len(judge.hooked), len(server.requests)) == (None, 1, 1)


@pytest.mark.parametrize(
    "answer",
    [
        Reply(200, b'{"ok":false,"error":"message_not_found"}'),
        Reply(200, b'{"ok":false,"error":"edit_window_closed"}'),
        Reply(429, b"", {"Retry-After": "30"}),
        Reply(500, b"<html>"),
        Reply(200, b"["),
    ],
    ids=["unknown", "too-late", "limited", "broken", "no-json"],
)
async def test_an_edit_that_fails_takes_nothing_from_the_recovery(
    server: VendorServer, judge: SlackJudge, answer: Reply
) -> None:
    first = await send(server, a_message())
    judge.later = [None, answer]
    assert (await send(server, resolution(receipt=first.receipt))).http_status == 200
    assert methods(server).count("chat.postMessage") == 2


async def test_an_edit_that_hangs_ends_while_the_lease_still_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slack, "EDIT_PATIENCE_S", 0.2)
    judge, release = SlackJudge(posted={FIRST["ts"]: {}}), asyncio.Event()

    async def hanging(request: Request) -> Reply:
        if request.path.endswith("chat.update"):
            await release.wait()
        return judge(request)

    async with vendor_server(hanging, API) as server:
        assert (await send(server, resolution(receipt=FIRST))).http_status == 200
        assert methods(server) == ["chat.postMessage", "chat.update"]
        release.set()


@pytest.mark.parametrize(
    ("error", "permanent", "gone"),
    [
        ("ratelimited", False, False),
        ("internal_error", False, False),
        ("not_in_channel", False, False),
        ("something_new", False, False),
        ("channel_not_found", True, False),
        ("invalid_auth", True, False),
        ("msg_too_long", True, False),
        ("is_archived", True, True),
        ("token_revoked", True, True),
        ("account_inactive", True, True),
    ],
)
async def test_an_error_inside_a_200_is_an_error(
    server: VendorServer, judge: SlackJudge, error: str, permanent: bool, gone: bool
) -> None:
    judge.later.append(Reply(200, f'{{"ok":false,"error":"{error}"}}'.encode()))
    failed = await failure(server, a_message())
    assert (failed.permanent, failed.gone, failed.message) == (permanent, gone, f"Slack answered 200: {error}")


@pytest.mark.parametrize(
    ("status", "word", "ended"),
    [
        (400, "invalid_payload", (True, False)),
        (403, "action_prohibited", (True, False)),
        (404, "channel_not_found", (True, False)),
        (404, "no_service", (True, True)),
        (404, "no_team", (True, True)),
        (410, "channel_is_archived", (True, True)),
        (500, "rollup_error", (False, False)),
        (404, "<html>a proxy's page</html>", (False, False)),
        (302, "", (True, False)),
    ],
)
async def test_a_webhook_says_in_a_word_what_is_wrong(
    server: VendorServer, judge: SlackJudge, status: int, word: str, ended: tuple[bool, bool]
) -> None:
    judge.later.append(Reply(status, word.encode()))
    failed = await failure(server, a_message(), WEBHOOK)
    assert ((failed.permanent, failed.gone), failed.http_status) == (ended, status)
    assert "html" not in failed.message


@pytest.mark.parametrize("config", [BOT, WEBHOOK], ids=["bot", "webhook"])
async def test_the_wait_that_slack_asks_for_is_kept(server: VendorServer, judge: SlackJudge, config: Slack) -> None:
    judge.later.append(Reply(429, b'{"ok":false,"error":"ratelimited"}', {"Retry-After": "42"}))
    failed = await failure(server, a_message(), config)
    assert (failed.permanent, failed.retry_after) == (False, timedelta(seconds=42))


@pytest.mark.parametrize("body", [b"", b"ok", b"[]", b'{"ok":"true"}', b"\xff" * 10, b"[" * 5000], ids=range(6))
async def test_an_answer_that_does_not_say_ok_is_no_acceptance(
    server: VendorServer, judge: SlackJudge, body: bytes
) -> None:
    judge.later.append(Reply(200, body))
    assert not (await failure(server, a_message())).permanent


async def test_an_answer_too_long_to_read_was_still_an_acceptance(server: VendorServer, judge: SlackJudge) -> None:
    judge.later.append(Reply(200, b'{"ok":true,"channel":"C1","ts":"1.1","message":{"text":"' + b"x" * 1_000_000))
    assert (await send(server, a_message())).receipt is None


async def test_an_answer_shows_no_token(server: VendorServer, judge: SlackJudge) -> None:
    judge.later.append(Reply(500, f"bad {TOKEN}".encode()))
    assert (await failure(server, a_message())).response == "bad ***"
    judge.later.append(Reply(500, HOOK.encode()))
    assert "XXXX" not in ((await failure(server, a_message(), WEBHOOK)).response or "")


async def test_a_name_can_neither_mention_anybody_nor_hide_a_link(server: VendorServer, judge: SlackJudge) -> None:
    name = "<!channel> <@U123> <https://evil.example|Log in> & @here *x*"
    await send(server, a_message(a_body(name=name, reason=name, tags=(name,))), WEBHOOK)
    (document,) = judge.hooked
    assert document["text"].startswith(
        "🔴 &lt;!channel&gt; &lt;@U123&gt; &lt;https://evil.example|Log in&gt; &amp; @here"
    )
    assert {"parse", "link_names"} & set(document) == set()


async def test_a_digest_is_one_message_without_a_receipt(server: VendorServer, judge: SlackJudge) -> None:
    sent = await send(server, a_message(others=[a_body(name=f"API {n}") for n in range(2000)]))
    assert (sent.receipt, len(judge.posted)) == (None, 1)


async def test_a_test_is_labelled(server: VendorServer, judge: SlackJudge) -> None:
    await send(server, a_message(a_body("channel.test"), notice="test"), WEBHOOK)
    assert judge.hooked[0]["text"].startswith("🧪 ")
    assert "test" in judge.hooked[0]["text"]


def prepared(**config: str) -> Slack:
    return SlackTransport(tools()).prepared(msgspec.convert(config, Slack), entropy=b"")


def test_what_is_secret_is_masked_and_sealed() -> None:
    transport = SlackTransport(tools())
    for config, host in ((WEBHOOK, HOOKS), (BOT, API)):
        parts = transport.parts(config)
        assert parts.host == host
        assert "***" in parts.shown.values()
        assert TOKEN not in str(parts.shown)
        assert HOOK not in str(parts.shown)
        assert transport.whole(shown=parts.shown, secrets=parts.secrets) == config
    assert transport.parts(BOT).shown["channel"] == "#alerts"


@pytest.mark.parametrize(
    ("config", "field"),
    [
        ({}, "webhook_url"),
        ({"webhook_url": HOOK, "bot_token": TOKEN, "channel": "#a"}, "webhook_url"),
        ({"webhook_url": "https://hooks.slack.com.evil.example/x"}, "webhook_url"),
        ({"bot_token": TOKEN}, "channel"),
        ({"bot_token": "xoxp-123456789012", "channel": "#a"}, "bot_token"),
        ({"bot_token": TOKEN, "channel": "a b"}, "channel"),
    ],
)
def test_a_configuration_that_slack_would_not_take_is_refused_at_its_field(config: dict[str, str], field: str) -> None:
    with pytest.raises(BadRequest) as refused:
        prepared(**config)
    assert refused.value.field == f"/config/{field}"
