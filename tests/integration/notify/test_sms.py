"""SMS through each gateway, against servers that enforce what the gateways document."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from control_plane.domain.channels import sms_rules
from control_plane.domain.channels.sms_text import parts
from control_plane.errors import BadRequest
from control_plane.notify.sms import PROVIDERS, SmsTransport, text_of
from control_plane.notify.sms_provider import Sms
from control_plane.notify.transport import Message, Sent
from control_plane.notify.transport_error import TransportError
from tests.support.messages import MESSAGE, a_body, a_message, tools
from tests.support.vendor_sms import CONFIGS, HOSTS, TOKEN, Gateway, a_gateway, answer
from tests.support.vendors import Reply, vendor_server

NUMBER, SENDER = "+15551234567", "+15550009999"
EVERY = sorted(PROVIDERS)
TAKEN: dict[str, dict[str, Any]] = {
    "plivo": {"dst": NUMBER, "src": SENDER},
    "sinch": {"to": [NUMBER], "from": SENDER, "type": "mt_text", "client_reference": str(MESSAGE)},
    "telnyx": {"to": NUMBER, "from": SENDER, "type": "SMS"},
    "twilio": {"to": NUMBER, "from": SENDER},
    "vonage": {
        "to": NUMBER[1:],
        "from": SENDER[1:],
        "type": "text",
        "client-ref": str(MESSAGE),
        "api_key": "abcd1234",
        "api_secret": TOKEN,
    },
}
TEXT_FIELD = {"plivo": "text", "sinch": "body", "telnyx": "text", "twilio": "text", "vonage": "text"}


def a_config(provider: str, /, **over: Any) -> Sms:
    given = {"type": "sms", "provider": provider, "to": NUMBER, "from": SENDER, **CONFIGS[provider], **over}
    return msgspec.convert(given, Sms)


@asynccontextmanager
async def a_way(gateway: Gateway, provider: str) -> AsyncIterator[SmsTransport]:
    async with vendor_server(gateway, HOSTS[provider]) as server:
        yield SmsTransport(tools(server.http()))


async def send(gateway: Gateway, provider: str, message: Message | None = None, config: Sms | None = None) -> Sent:
    async with a_way(gateway, provider) as transport:
        return await transport.send(config or a_config(provider), message or a_message())


async def failure(
    provider: str, reply: Reply | None = None, *, stopped: bool = False, config: Sms | None = None
) -> TransportError:
    gateway = a_gateway(provider)
    gateway.next += [] if reply is None else [reply]
    gateway.stopped |= {NUMBER, NUMBER[1:]} if stopped else set()
    with pytest.raises(TransportError) as failed:
        await send(gateway, provider, config=config)
    assert not gateway.sent
    return failed.value


def vonage(status: str, text: str, *before: str) -> Reply:
    messages = [{"status": each} for each in before] + [{"status": status, "error-text": text}]
    return answer(200, {"message-count": str(len(messages)), "messages": messages})


def test_every_gateway_has_its_rules() -> None:
    assert set(PROVIDERS) == set(sms_rules.CREDENTIALS) == set(CONFIGS)


@pytest.mark.parametrize("provider", EVERY)
async def test_an_opening_is_one_text_in_the_gateways_own_form(provider: str) -> None:
    gateway, message = a_gateway(provider), a_message()
    sent = await send(gateway, provider, message)
    assert sent.http_status in (200, 201, 202)
    assert gateway.sent == [TAKEN[provider] | {TEXT_FIELD[provider]: text_of(message.words)}]
    assert message.words.title in text_of(message.words)
    assert message.words.url is not None
    assert text_of(message.words).endswith(message.words.url)


@pytest.mark.parametrize("provider", EVERY)
async def test_a_recovery_and_a_digest_are_one_text_each_of_three_parts_at_most(provider: str) -> None:
    gateway = a_gateway(provider)
    await send(gateway, provider, a_message(a_body("incident.resolved"), notice="resolved"))
    bodies = [a_body(name=f"Überwachung № {n}", reason=f"{n} " + "нет ответа " * 90) for n in range(300)]
    await send(gateway, provider, a_message(bodies[0], others=bodies[1:]))
    texts = [each[TEXT_FIELD[provider]] for each in gateway.sent]
    assert len(texts) == 2
    assert all(parts(text) <= 3 for text in texts)


@pytest.mark.parametrize("provider", EVERY)
async def test_a_long_text_is_cut_and_keeps_its_link(provider: str) -> None:
    gateway, message = a_gateway(provider), a_message(a_body(reason="🔥 no answer " * 200))
    await send(gateway, provider, message)
    text = gateway.sent[0][TEXT_FIELD[provider]]
    assert parts(text) == 3
    assert text.endswith(message.words.url or "no link")


@pytest.mark.parametrize("provider", EVERY)
async def test_a_sender_id_of_letters_is_sent_as_it_is(provider: str) -> None:
    gateway = a_gateway(provider)
    over: dict[str, Any] = {"messaging_profile_id": "4000eba1-a0c0"} if provider == "telnyx" else {}
    await send(gateway, provider, config=a_config(provider, **{"from": "Farwatch1"}, **over))
    assert "Farwatch1" in gateway.sent[0].values()


@pytest.mark.parametrize("region", sms_rules.REGIONS)
async def test_each_region_of_sinch_is_a_host_of_its_own(region: str) -> None:
    gateway, host = a_gateway("sinch"), f"{region}.sms.api.sinch.com"
    async with vendor_server(gateway, host) as server:
        transport = SmsTransport(tools(server.http()))
        await transport.send(a_config("sinch", region=region), a_message())
        assert [request.host for request in server.requests] == [host]
        assert transport.parts(a_config("sinch", region=region)).host == host


@pytest.mark.parametrize("provider", ["telnyx", "twilio", "vonage"])
async def test_who_said_stop_disables_the_channel(provider: str) -> None:
    failed = await failure(provider, stopped=True)
    assert (failed.permanent, failed.gone) == (True, True)


@pytest.mark.parametrize("provider", EVERY)
async def test_a_wrong_credential_is_tried_again_because_it_may_be_renewed(provider: str) -> None:
    secret = sms_rules.CREDENTIALS[provider]
    name = next(field for field, credential in secret.items() if credential.secret)
    failed = await failure(provider, config=a_config(provider, **{name: "another-token-of-theirs"}))
    assert (failed.permanent, failed.gone) == (False, False)
    assert "another-token-of-theirs" not in failed.message + (failed.response or "")


@pytest.mark.parametrize("provider", EVERY)
async def test_a_number_that_the_gateway_does_not_take_is_final(provider: str) -> None:
    failed = await failure(provider, config=a_config(provider, to="nobody"))
    assert (failed.permanent, failed.gone) == (True, False)


@pytest.mark.parametrize("provider", EVERY)
@pytest.mark.parametrize(
    ("status", "permanent"),
    [
        (302, True),
        (400, True),
        (404, True),
        (422, True),
        (402, False),
        (403, False),
        (429, False),
        (500, False),
        (503, False),
    ],
)
async def test_what_can_help_is_told_by_the_status(provider: str, status: int, permanent: bool) -> None:
    failed = await failure(provider, Reply(status, b"<html>", {"Retry-After": "90"}))
    assert (failed.permanent, failed.gone, failed.http_status) == (permanent, False, status)
    assert failed.retry_after == timedelta(seconds=90)


@pytest.mark.parametrize(
    ("provider", "reply", "permanent"),
    [
        ("twilio", answer(400, {"code": 21611, "message": "queue is full"}), False),
        ("twilio", answer(400, {"code": 21408, "message": "no permission for the region"}), True),
        ("twilio", answer(429, {"code": 20429, "message": "Too Many Requests"}), False),
        ("telnyx", answer(403, {"errors": [{"code": "40312", "title": "Messaging profile is disabled"}]}), True),
        ("telnyx", answer(400, {"errors": [{"code": "40318", "title": "Message queue full"}]}), False),
        ("telnyx", answer(400, {"errors": ["odd"]}), True),
        ("vonage", vonage("1", "Throughput Rate Exceeded"), False),
        ("vonage", vonage("5", "Internal Error"), False),
        ("vonage", vonage("6", "Invalid Message"), True),
        ("vonage", vonage("29", "Non-Whitelisted Destination", "0", "0"), True),
        ("vonage", answer(200, {"messages": ["odd"]}), True),
        ("vonage", Reply(200, b"<html>maintenance"), False),
        ("sinch", answer(400, {"code": "syntax_invalid_json", "text": "no"}), True),
        ("plivo", answer(400, {"error": {"dst": "is not a number"}}), True),
    ],
    ids=range(14),
)
async def test_the_gateways_own_word_comes_before_the_status(provider: str, reply: Reply, permanent: bool) -> None:
    failed = await failure(provider, reply)
    assert (failed.permanent, failed.gone) == (permanent, False)


async def test_a_number_that_vonage_knows_to_be_off_disables_the_channel() -> None:
    assert (await failure("vonage", vonage("33", "Number De-activated"))).gone


@pytest.mark.parametrize("provider", EVERY)
async def test_an_answer_that_echoes_the_credential_shows_none_of_it(provider: str) -> None:
    told = {"message": TOKEN, "text": TOKEN, "error": TOKEN, "errors": [{"detail": TOKEN}], "error-text": TOKEN}
    failed = await failure(provider, answer(400, told))
    assert TOKEN not in failed.message + (failed.response or "")
    assert "***" in (failed.response or "")


@pytest.mark.parametrize("provider", EVERY)
def test_only_what_proves_who_we_are_is_masked(provider: str) -> None:
    transport, config = SmsTransport(tools()), a_config(provider)
    told = transport.parts(config)
    secret = {name for name, value in CONFIGS[provider].items() if value == TOKEN}
    assert {name for name, value in told.shown.items() if value == "***"} == secret == set(told.secrets)
    assert told.shown["to"] == NUMBER
    assert told.host == HOSTS[provider]
    assert transport.whole(shown=told.shown, secrets=told.secrets) == config


def test_the_region_of_sinch_is_us_by_default() -> None:
    config = a_config("sinch", region=None)
    assert SmsTransport(tools()).prepared(config, entropy=b"").region == "us"


@pytest.mark.parametrize(
    ("provider", "over", "field"),
    [
        ("twilio", {"provider": "carrier-pigeon"}, "provider"),
        ("twilio", {"to": "5551234567"}, "to"),
        ("twilio", {"to": "+0551234567"}, "to"),
        ("twilio", {"to": "+1555123456789012"}, "to"),
        ("twilio", {"from": ""}, "from"),
        ("twilio", {"from": "TwelveLetter"}, "from"),
        ("twilio", {"from": "a b"}, "from"),
        ("twilio", {"account_sid": "AC12"}, "account_sid"),
        ("twilio", {"account_sid": "AC" + "g" * 32}, "account_sid"),
        ("twilio", {"auth_token": None}, "auth_token"),
        ("twilio", {"auth_token": "a b"}, "auth_token"),
        ("twilio", {"api_key": "x"}, "api_key"),
        ("telnyx", {"api_key": None}, "api_key"),
        ("telnyx", {"from": "Farwatch"}, "messaging_profile_id"),
        ("telnyx", {"messaging_profile_id": "../x"}, "messaging_profile_id"),
        ("vonage", {"api_secret": None}, "api_secret"),
        ("vonage", {"api_key": "a/b"}, "api_key"),
        ("plivo", {"auth_id": "a/b"}, "auth_id"),
        ("plivo", {"auth_token": "x\n"}, "auth_token"),
        ("sinch", {"service_plan_id": "../x"}, "service_plan_id"),
        ("sinch", {"region": "mars"}, "region"),
        ("sinch", {"api_token": ""}, "api_token"),
    ],
)
def test_a_configuration_that_no_gateway_would_take_is_refused_at_its_field(
    provider: str, over: dict[str, Any], field: str
) -> None:
    with pytest.raises(BadRequest) as wrong:
        SmsTransport(tools()).prepared(a_config(provider, **over), entropy=b"")
    assert wrong.value.field == f"/config/{field}"
