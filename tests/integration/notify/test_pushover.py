"""Pushover against a server that enforces what Pushover documents."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from control_plane.domain.alerting.message_words import Words
from control_plane.errors import BadRequest
from control_plane.notify.pushover import Pushover as Config
from control_plane.notify.pushover import PushoverTransport, form
from control_plane.notify.render import Surroundings
from control_plane.notify.transport import Message, Sent
from control_plane.notify.transport_error import TransportError
from tests.support.messages import INCIDENT, NOW, a_body, a_message, tools
from tests.support.vendor_pushover import HOST, TOKEN, USER, Pushover, answer, refused
from tests.support.vendors import Reply, vendor_server

CONFIG = Config(token=TOKEN, user=USER)


@asynccontextmanager
async def a_way(vendor: Pushover) -> AsyncIterator[PushoverTransport]:
    async with vendor_server(vendor, HOST) as server:
        yield PushoverTransport(tools(server.http()))


async def send(vendor: Pushover, message: Message, config: Config = CONFIG) -> Sent:
    async with a_way(vendor) as transport:
        return await transport.send(config, message)


async def failure(reply: Reply, config: Config = CONFIG) -> TransportError:
    with pytest.raises(TransportError) as failed:
        await send(Pushover(next=[reply]), a_message(), config)
    return failed.value


async def test_an_opening_sounds_in_quiet_hours_and_opens_its_incident() -> None:
    vendor, message = Pushover(), a_message()
    sent = await send(vendor, message, Config(token=TOKEN, user=USER, device="phone,tablet"))
    assert sent.http_status == 200
    assert vendor.sent == [
        {
            "token": TOKEN,
            "user": USER,
            "title": message.words.title,
            "message": message.words.text,
            "priority": "1",
            "device": "phone,tablet",
            "url": f"https://farwatch.example/app/incidents/{INCIDENT}",
            "url_title": "Open in Farwatch",
        }
    ]


@pytest.mark.parametrize(
    ("event", "over", "priority"),
    [
        ("incident.opened", {"severity": "critical"}, "1"),
        ("incident.opened", {"severity": "minor"}, "0"),
        ("incident.resolved", {}, "-1"),
    ],
)
async def test_the_priority_follows_the_notice(event: str, over: dict[str, Any], priority: str) -> None:
    vendor = Pushover()
    notice = "resolved" if event.endswith("resolved") else "opened"
    await send(vendor, a_message(a_body(event, **over), notice=notice))
    assert vendor.sent[0]["priority"] == priority


async def test_a_digest_is_one_message_within_the_limits() -> None:
    vendor = Pushover()
    bodies = [a_body(name=f"Überlänge {n} " + "🔥" * 80, reason=f"{n} " + "é" * 900) for n in range(40)]
    await send(vendor, a_message(bodies[0], others=bodies[1:]))
    (told,) = vendor.sent
    assert "url" not in told
    assert len(told["message"]) <= 1024


async def test_where_to_acknowledge_survives_the_cut() -> None:
    vendor, link = Pushover(), "https://farwatch.example/ack/" + "x" * 60
    around = Surroundings(notice="opened", now=NOW, acknowledge_url=link)
    await send(vendor, a_message(a_body(reason="é" * 3000), around=around))
    assert vendor.sent[0]["message"].endswith(f"Acknowledge: {link}")


def test_words_at_the_limits_are_whole_and_beyond_are_cut() -> None:
    words = Words(title="🔥" * 250, text="🔥" * 1024, tone="note", url="https://a.example/" + "u" * 495)
    told = form(CONFIG, words)
    assert (told["title"], told["message"]) == (words.title, words.text)
    assert "url" not in told
    told = form(CONFIG, Words(title="t" * 251, text="é" * 1025, tone="note"))
    assert (told["title"][-2:], len(told["title"])) == ("t…", 250)
    assert (told["message"][-2:], len(told["message"])) == ("é…", 1024)
    assert form(CONFIG, Words(title="T", text=" \n", tone="relief"))["message"] == "T"


async def test_a_user_who_is_not_there_any_more_disables_the_channel() -> None:
    with pytest.raises(TransportError) as failed:
        await send(Pushover(), a_message(), Config(token=TOKEN, user="x" * 30))
    assert (failed.value.permanent, failed.value.gone, failed.value.http_status) == (True, True, 400)
    assert "not a valid user" in failed.value.message


async def test_a_wrong_token_is_final_but_says_nothing_of_the_user() -> None:
    with pytest.raises(TransportError) as failed:
        await send(Pushover(), a_message(), Config(token="x" * 30, user=USER))
    assert (failed.value.permanent, failed.value.gone) == (True, False)
    assert "application token is invalid" in failed.value.message


async def test_a_used_up_quota_waits_until_it_is_renewed() -> None:
    at = NOW + timedelta(hours=30)
    failed = await failure(answer(429, {"status": 0}, X_Limit_App_Reset=str(int(at.timestamp()))))
    assert (failed.permanent, failed.retry_after) == (False, timedelta(hours=30))
    failed = await failure(answer(429, {"status": 0}, X_Limit_App_Reset="soon"))
    assert (failed.permanent, failed.retry_after) == (False, None)


@pytest.mark.parametrize(
    ("status", "permanent"), [(400, True), (404, True), (413, True), (302, True), (500, False), (503, False)]
)
async def test_what_can_help_is_told_by_the_status(status: int, permanent: bool) -> None:
    failed = await failure(Reply(status, b"<html>no", {"Retry-After": "90"}))
    assert (failed.permanent, failed.gone, failed.http_status) == (permanent, False, status)
    assert failed.retry_after == timedelta(seconds=90)


async def test_a_refusal_with_a_status_of_success_is_no_success() -> None:
    failed = await failure(answer(200, {"status": 0, "errors": ["no active devices to send to"]}))
    assert failed.permanent
    assert "no active devices" in failed.message


async def test_an_answer_that_echoes_the_keys_shows_none_of_them() -> None:
    failed = await failure(refused(f"bad {TOKEN} for {USER}"))
    for told in (failed.message, failed.response or ""):
        assert "bad *** for ***" in told


def test_both_keys_are_masked_and_read_back_whole() -> None:
    config = Config(token=TOKEN, user=USER, device="phone")
    parts = PushoverTransport(tools()).parts(config)
    assert parts.shown == {"type": "pushover", "token": "***", "user": "***", "device": "phone"}
    assert (parts.secrets, parts.host) == ({"token": TOKEN, "user": USER}, HOST)
    assert PushoverTransport(tools()).whole(shown=parts.shown, secrets=parts.secrets) == config


@pytest.mark.parametrize(
    ("config", "field"),
    [
        ({"token": "short"}, "/config/token"),
        ({"token": "x" * 29 + "-"}, "/config/token"),
        ({"user": "x" * 31}, "/config/user"),
        ({"device": "my phone"}, "/config/device"),
        ({"device": "x" * 26}, "/config/device"),
        ({"device": "a,"}, "/config/device"),
    ],
)
def test_a_configuration_that_pushover_would_not_take_is_refused_at_its_field(
    config: dict[str, str], field: str
) -> None:
    given = {"token": TOKEN, "user": USER, **config}
    with pytest.raises(BadRequest) as wrong:
        PushoverTransport(tools()).prepared(Config(**given), entropy=b"")
    assert wrong.value.field == field
