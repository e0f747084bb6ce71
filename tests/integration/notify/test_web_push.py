"""Web push against a push service that checks every header, and a browser that unseals what came."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from control_plane.errors import BadRequest
from control_plane.notify import vapid
from control_plane.notify.guarded_http import GuardedHttp
from control_plane.notify.transport import Message, Sent
from control_plane.notify.transport_error import TransportError
from control_plane.notify.web_push import PAYLOAD_LIMIT, WebPush, WebPushTransport
from control_plane.settings import SecuritySettings, Settings, WebPushSettings
from shared.netpolicy import Policy
from tests.support.messages import INCIDENT, a_body, a_message, tools
from tests.support.vendor_push import HOST, Browser, unpadded
from tests.support.vendors import Reply, VendorServer, vendor_server

SETTINGS = Settings(security=SecuritySettings(pepper="a pepper of some length"))


@dataclass
class Stage:
    browser: Browser
    server: VendorServer

    async def send(self, message: Message, *, settings: Settings = SETTINGS) -> Sent:
        transport = WebPushTransport(tools(self.server.http(), settings=settings))
        config = transport.prepared(msgspec.convert(self.browser.config, WebPush), entropy=b"")
        return await transport.send(config, msgspec.structs.replace(message, sent_at=datetime.now(UTC)))

    async def failure(self, message: Message | None = None, *, settings: Settings = SETTINGS) -> TransportError:
        with pytest.raises(TransportError) as failed:
            await self.send(message or a_message(), settings=settings)
        return failed.value


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    browser = Browser(vapid.public_key(SETTINGS))
    async with vendor_server(browser.judge, HOST) as server:
        yield Stage(browser, server)


async def test_the_browser_unseals_what_happened_to_whom(stage: Stage) -> None:
    sent = await stage.send(a_message())
    assert sent.http_status == 201
    (shown,) = stage.browser.shown
    assert shown["title"] == "Checkout API is down from 2 of 3 regions"
    assert shown["body"].startswith("Down from 2 of 3 regions: timed out\n")
    assert shown["url"] == f"https://farwatch.example/app/incidents/{INCIDENT}"
    assert (shown["tone"], shown["tag"]) == ("alarm", INCIDENT.hex)
    (request,) = stage.server.requests
    assert request.headers["urgency"] == "high"
    assert b"Checkout" not in request.body


async def test_the_recovery_takes_the_place_of_what_still_waits(stage: Stage) -> None:
    await stage.send(a_message())
    await stage.send(a_message(a_body("incident.resolved"), notice="resolved"))
    assert len({request.headers["topic"] for request in stage.server.requests}) == 1
    assert stage.browser.shown[1]["tone"] == "relief"


async def test_a_digest_has_no_topic(stage: Stage) -> None:
    await stage.send(a_message(others=[a_body()] * 30))
    assert "topic" not in stage.server.requests[0].headers


@pytest.mark.parametrize(
    "reason", ["x" * 300, "ü" * 300, '"\\\n' * 100, "☃" * 300], ids=["ascii", "two", "quoted", "three"]
)
async def test_a_long_message_is_cut_to_what_push_services_take(stage: Stage, reason: str) -> None:
    tags = tuple("☃" * 300 for _ in range(10))
    await stage.send(a_message(a_body(reason=reason, tags=tags)))
    (shown,) = stage.browser.shown
    assert len(msgspec.json.encode(shown)) <= PAYLOAD_LIMIT + 10
    assert shown["body"].endswith("…")


@pytest.mark.parametrize("status", [404, 410])
async def test_a_subscription_that_ended_disables_the_channel(stage: Stage, status: int) -> None:
    stage.browser.replies.append(Reply(status, b"unsubscribed"))
    failed = await stage.failure()
    assert (failed.gone, failed.permanent, failed.message) == (True, True, "The browser has ended this subscription")


@pytest.mark.parametrize(
    ("status", "permanent"),
    [(400, True), (401, True), (403, True), (413, True), (301, True), (429, False), (502, False)],
)
async def test_what_may_pass_is_tried_again_and_what_cannot_is_not(stage: Stage, status: int, permanent: bool) -> None:
    stage.browser.replies.append(Reply(status, b"no", {"Retry-After": "120"}))
    failed = await stage.failure()
    assert (failed.permanent, failed.gone, failed.http_status) == (permanent, False, status)
    assert failed.retry_after is not None
    assert failed.retry_after.total_seconds() == 120


async def test_another_servers_key_is_refused_by_the_service(stage: Stage) -> None:
    other = Settings(security=SecuritySettings(pepper="another pepper of some length"))
    assert (await stage.failure(settings=other)).http_status == 403


async def test_an_operators_own_key_is_used(stage: Stage) -> None:
    own = Settings(
        web_push=WebPushSettings(private_key=unpadded(bytes(range(1, 33))), contact="mailto:ops@example.com")
    )
    stage.browser.server_key = vapid.public_key(own)
    assert (await stage.send(a_message(), settings=own)).http_status == 201


async def test_what_the_service_repeats_of_the_subscription_is_masked(stage: Stage) -> None:
    config = stage.browser.config
    stage.browser.replies.append(Reply(500, f"{config['auth']} {config['endpoint']}".encode()))
    failed = await stage.failure()
    assert failed.response is not None
    assert config["auth"] not in failed.response
    assert "/send/abc" not in failed.response


@pytest.mark.parametrize(
    ("over", "field"),
    [
        ({"p256dh": "AAAA"}, "/config/p256dh"),
        ({"p256dh": "!"}, "/config/p256dh"),
        ({"auth": "AAAA"}, "/config/auth"),
        ({"endpoint": "http://push.example.net/x"}, "/config/endpoint"),
        ({"endpoint": "https://169.254.169.254/x"}, "/config/endpoint"),
        ({"endpoint": "https://push.example.net/" + "x" * 2000}, "/config/endpoint"),
    ],
    ids=["short point", "no base64", "short auth", "plain http", "metadata", "long"],
)
async def test_a_subscription_that_is_none_is_refused_by_field(over: dict[str, str], field: str) -> None:
    transport = WebPushTransport(tools(GuardedHttp(Policy(), timeout=timedelta(seconds=1))))
    config = msgspec.convert(Browser("x").config | over, WebPush)
    with pytest.raises(BadRequest) as refused:
        transport.prepared(config, entropy=b"")
    assert refused.value.field == field
