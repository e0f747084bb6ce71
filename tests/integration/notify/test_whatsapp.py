"""WhatsApp's two kinds against a server that enforces what Meta documents."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from control_plane.domain.channels.whatsapp_rules import PARAMETER_LIMIT, parameter
from control_plane.errors import BadRequest
from control_plane.notify.guarded_http import GuardedHttp
from control_plane.notify.render import Surroundings
from control_plane.notify.transport import Message, Sent
from control_plane.notify.transport_error import TransportError
from control_plane.notify.whatsapp import Whatsapp, WhatsappTransport
from control_plane.notify.whatsapp_app import WhatsappApp, WhatsappAppTransport
from control_plane.settings import Settings, WhatsappSettings
from tests.support.messages import MESSAGE, NOW, a_body, a_message, tools
from tests.support.vendor_whatsapp import HOST, LANGUAGE, NUMBER_ID, TEMPLATE, TOKEN, CloudApi, error
from tests.support.vendors import Reply, vendor_server

TO = "4915112345678"
GOOD: dict[str, str] = {
    "access_token": TOKEN,
    "phone_number_id": NUMBER_ID,
    "to": TO,
    "template_name": TEMPLATE,
    "language_code": LANGUAGE,
}
OPERATORS = Settings(
    whatsapp=WhatsappSettings(
        access_token=TOKEN,
        app_secret="app-secret",
        verify_token="verify-token",
        phone_number_id=NUMBER_ID,
        number="15550783881",
        template_name=TEMPLATE,
        language=LANGUAGE,
    )
)


@asynccontextmanager
async def a_way(vendor: CloudApi) -> AsyncIterator[GuardedHttp]:
    async with vendor_server(vendor, HOST) as server:
        yield server.http()


async def send(vendor: CloudApi, message: Message | None = None, config: Whatsapp | None = None) -> Sent:
    async with a_way(vendor) as http:
        return await WhatsappTransport(tools(http)).send(config or Whatsapp(**GOOD), message or a_message())


async def failure(reply: Reply) -> TransportError:
    with pytest.raises(TransportError) as failed:
        await send(CloudApi(next=[reply]))
    return failed.value


def text_in(body: dict[str, Any]) -> str:
    text: str = body["template"]["components"][0]["parameters"][0]["text"]
    return text


async def test_an_opening_is_a_template_with_one_line_and_its_id_is_kept() -> None:
    vendor, message = CloudApi(), a_message()
    sent = await send(vendor, message)
    assert (sent.http_status, sent.receipt) == (200, {"wamid": "wamid.1"})
    (body,) = vendor.sent
    assert (body["to"], body["biz_opaque_callback_data"]) == (TO, str(MESSAGE))
    text = text_in(body)
    assert text.startswith(f"{message.words.title} · ")
    assert text.endswith(message.words.url or "no link")


async def test_a_linked_number_is_told_through_the_operators_number() -> None:
    vendor = CloudApi()
    async with a_way(vendor) as http:
        transport = WhatsappAppTransport(tools(http, settings=OPERATORS))
        sent = await transport.send(WhatsappApp(phone=TO, profile_name="Ana"), a_message())
    assert sent.receipt == {"wamid": "wamid.1"}
    assert vendor.sent[0]["to"] == TO


async def test_a_recovery_a_digest_and_endless_texts_are_one_line_each() -> None:
    vendor, link = CloudApi(), "https://farwatch.example/ack/" + "x" * 80
    await send(vendor, a_message(a_body("incident.resolved"), notice="resolved"))
    bodies = [a_body(name=f"Überwachung {n}\t\n   x", reason=f"{n} " + "нет      ответа\r\n" * 300) for n in range(50)]
    await send(vendor, a_message(bodies[0], others=bodies[1:]))
    around = Surroundings(notice="opened", now=NOW, acknowledge_url=link)
    await send(vendor, a_message(bodies[0], around=around))
    assert len(vendor.sent) == 3
    assert text_in(vendor.sent[2]).endswith(link)


def test_a_parameter_is_one_line_of_at_most_its_limit() -> None:
    assert parameter("a\n\n b \u2028\x00c", " \t ") == "a · b · c"
    assert parameter("", "\n") == "-"
    cut = parameter("é" * 2000, ending="https://a.example")
    assert (len(cut), cut[-19:]) == (PARAMETER_LIMIT, "… https://a.example")
    assert len(parameter("x" * 2000, ending="y" * 600)) == PARAMETER_LIMIT


@pytest.mark.parametrize(
    ("status", "code", "permanent"),
    [
        (401, 190, True),
        (400, 0, True),
        (403, 10, True),
        (403, 200, True),
        (400, 100, True),
        (400, 131026, True),
        (400, 131047, True),
        (400, 131049, True),
        (400, 132000, True),
        (404, 132001, True),
        (400, 132015, True),
        (400, 999999, True),
        (400, 130429, False),
        (429, 130429, False),
        (400, 131056, False),
        (400, 80007, False),
        (400, 4, False),
        (500, 131000, False),
        (400, 131016, False),
        (503, 2, False),
        (403, 368, False),
        (500, 999999, False),
    ],
)
async def test_the_code_tells_what_can_help(status: int, code: int, permanent: bool) -> None:
    failed = await failure(error(status, code, "Said by Meta", Retry_After="60"))
    assert (failed.permanent, failed.gone, failed.http_status) == (permanent, False, status)
    assert failed.retry_after == timedelta(seconds=60)
    assert f"({code})" in failed.message


@pytest.mark.parametrize(("status", "permanent"), [(302, True), (400, True), (401, False), (429, False), (502, False)])
async def test_without_a_code_the_status_tells(status: int, permanent: bool) -> None:
    assert (await failure(Reply(status, b"<html>"))).permanent is permanent


async def test_an_expired_token_says_so_and_shows_nothing_of_itself() -> None:
    with pytest.raises(TransportError) as failed:
        await send(CloudApi(), config=Whatsapp(**GOOD | {"access_token": "EAAG-another"}))
    assert "the access token has expired or was revoked: give the channel a new one (190)" in failed.value.message
    failed_too = await failure(error(400, 999, f"bad {TOKEN}", TOKEN))
    for told in (failed_too.message, failed_too.response or ""):
        assert TOKEN not in told
        assert "***" in told


async def test_metas_own_details_are_told_where_we_have_no_words() -> None:
    failed = await failure(error(400, 131009, "Parameter value is not valid", "to is not a phone number"))
    assert failed.message == "WhatsApp answered 400: to is not a phone number (131009)"


def test_the_token_is_masked_and_the_number_becomes_digits() -> None:
    transport = WhatsappTransport(tools())
    config = transport.prepared(Whatsapp(**GOOD | {"to": f"+{TO}"}), entropy=b"")
    parts = transport.parts(config)
    assert parts.shown == {"type": "whatsapp", **GOOD, "access_token": "***"}
    assert (parts.secrets, parts.host) == ({"access_token": TOKEN}, HOST)
    assert transport.whole(shown=parts.shown, secrets=parts.secrets) == config


def test_a_linked_channel_has_no_secret_and_exists_where_the_operator_has_a_number() -> None:
    transport, config = WhatsappAppTransport(tools()), WhatsappApp(phone=TO, profile_name="Ana")
    parts = transport.parts(transport.prepared(config, entropy=b""))
    assert parts.shown == {"type": "whatsapp_app", "phone": TO, "profile_name": "Ana"}
    assert parts.secrets == {}
    assert transport.whole(shown=parts.shown, secrets={}) == config
    assert transport.managed
    assert transport.is_set_up(OPERATORS)
    assert not transport.is_set_up(Settings())


@pytest.mark.parametrize(
    ("config", "field"),
    [
        ({"access_token": ""}, "access_token"),
        ({"access_token": "a b"}, "access_token"),
        ({"phone_number_id": "+15550783881"}, "phone_number_id"),
        ({"phone_number_id": "../me"}, "phone_number_id"),
        ({"to": "0151 12345678"}, "to"),
        ({"to": "+0151123456"}, "to"),
        ({"to": "1" * 16}, "to"),
        ({"template_name": "Farwatch-Alert"}, "template_name"),
        ({"template_name": ""}, "template_name"),
        ({"language_code": "en-US"}, "language_code"),
        ({"language_code": "english"}, "language_code"),
    ],
)
def test_a_configuration_that_meta_would_not_take_is_refused_at_its_field(config: dict[str, str], field: str) -> None:
    with pytest.raises(BadRequest) as wrong:
        WhatsappTransport(tools()).prepared(Whatsapp(**GOOD | config), entropy=b"")
    assert wrong.value.field == f"/config/{field}"
