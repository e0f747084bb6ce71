"""Webhooks against a receiver that verifies what is documented and misbehaves as told."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network

import msgspec
import pytest
import trustme

from control_plane.errors import FarwatchError
from control_plane.notify.guarded_http import GuardedHttp, Resolution
from control_plane.notify.transport import Sent
from control_plane.notify.transport_error import TransportError
from control_plane.notify.webhook import Webhook, WebhookTransport
from shared.netpolicy import SHARED, Policy
from tests.support.messages import a_message, tools
from tests.support.receiver import (
    Behaviour,
    Receiver,
    a_receiver,
    answer,
    drip,
    drip_body,
    hang,
    huge,
    not_http,
    reset,
)

LOOPBACK = Policy(allow_cidrs=(ip_network("127.0.0.0/8"),))
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = '{"event":"incident.opened","name":"Zürich ☃"}'.encode()
NOW = datetime(2026, 1, 1, tzinfo=UTC)
MESSAGE = msgspec.structs.replace(a_message(attempt=3), body=BODY, sent_at=NOW)


def transport(policy: Policy = LOOPBACK, *, timeout_s: float = 2.0, **over: object) -> WebhookTransport:
    return WebhookTransport(tools(GuardedHttp(policy, timeout=timedelta(seconds=timeout_s), **over)))  # type: ignore[arg-type]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with a_receiver() as running:
        yield running


async def send(receiver: Receiver, *, timeout_s: float = 2.0, headers: dict[str, str] | None = None) -> Sent:
    config = Webhook(url=receiver.url(), headers=headers or {}, secret=SECRET)
    return await transport(timeout_s=timeout_s).send(config, MESSAGE)


async def failure(receiver: Receiver, behaviour: Behaviour, *, timeout_s: float = 2.0) -> TransportError:
    receiver.script.append(behaviour)
    with pytest.raises(TransportError) as failed:
        await send(receiver, timeout_s=timeout_s)
    return failed.value


async def test_a_webhook_is_one_post_of_exactly_the_stored_bytes_signed_twice(receiver: Receiver) -> None:
    sent = await send(receiver, headers={"X-Team": "ops", "User-Agent": "mine"})
    (request,) = receiver.received
    assert (request.method, request.path, request.body) == ("POST", "/hook", BODY)
    request.verify(SECRET)
    assert request.headers["x-farwatch-timestamp"] == str(int(NOW.timestamp()))
    assert (request.delivery_id, request.attempt) == (str(MESSAGE.message_id), 3)
    assert (request.headers["x-team"], request.headers["user-agent"]) == ("ops", "mine")
    assert request.headers["content-type"] == "application/json; charset=utf-8"
    assert sent == Sent(http_status=200, response="ok")


async def test_a_plain_secret_signs_with_its_utf8(receiver: Receiver) -> None:
    await transport().send(Webhook(url=receiver.url(), secret="sixteen letters!"), MESSAGE)
    receiver.received[0].verify("sixteen letters!")


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_every_2xx_is_delivered(receiver: Receiver, status: int) -> None:
    receiver.script.append(answer(status, b""))
    assert (await send(receiver)).http_status == status


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 408, 422, 425, 429, 500, 502, 503, 504, 599])
async def test_a_refusal_is_tried_again_because_a_deployment_may_be_the_cause(receiver: Receiver, status: int) -> None:
    failed = await failure(receiver, answer(status))
    assert (failed.permanent, failed.http_status) == (False, status)


async def test_a_receiver_that_is_gone_for_good_is_permanent(receiver: Receiver) -> None:
    failed = await failure(receiver, answer(410))
    assert (failed.permanent, failed.http_status) == (True, 410)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_never_followed(receiver: Receiver, status: int) -> None:
    failed = await failure(receiver, answer(status, Location=receiver.url("/elsewhere")))
    assert failed.permanent
    assert [request.path for request in receiver.received] == ["/hook"]


async def test_retry_after_comes_with_the_failure(receiver: Receiver) -> None:
    assert (await failure(receiver, answer(429, Retry_After="90"))).retry_after == timedelta(seconds=90)
    dated = await failure(receiver, answer(503, Retry_After="Thu, 01 Jan 2026 00:01:00 GMT"))
    assert dated.retry_after == timedelta(minutes=1)


@pytest.mark.parametrize("behaviour", [reset, not_http], ids=["reset", "not HTTP"])
async def test_a_broken_answer_is_tried_again(receiver: Receiver, behaviour: Behaviour) -> None:
    failed = await failure(receiver, behaviour)
    assert (failed.permanent, failed.http_status) == (False, None)


HOSTILE_ANSWERS = [
    b"",
    b"HTTP/1.1 200",
    b"HTTP/2 200\r\n\r\n",
    b"HTTP/1.1 abc Said\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nbroken\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000,
    b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nRetry-After: \xff\r\n\r\n",
    b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nRetry-After: Thu, 01 Jan " + b"9" * 99 + b" 0:0:0 GMT\r\n\r\n",
]


@pytest.mark.parametrize("data", HOSTILE_ANSWERS, ids=range(len(HOSTILE_ANSWERS)))
async def test_a_hostile_answer_is_a_failure_that_is_tried_again(receiver: Receiver, data: bytes) -> None:
    async def behave(writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()

    failed = await failure(receiver, behave)
    assert (failed.permanent, failed.retry_after) == (False, None)


async def test_accepted_with_a_broken_body_is_accepted(receiver: Receiver) -> None:
    async def behave(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
        await writer.drain()

    receiver.script.append(behave)
    assert (await send(receiver)).http_status == 200


@pytest.mark.parametrize("behaviour", [hang, drip], ids=["hang", "drip"])
async def test_an_answer_that_never_ends_is_cut_off_at_the_timeout(receiver: Receiver, behaviour: Behaviour) -> None:
    started = time.monotonic()
    failed = await failure(receiver, behaviour, timeout_s=0.3)
    assert not failed.permanent
    assert time.monotonic() - started < 12, "cut off, long before it would have ended"


async def test_nobody_listening_is_tried_again() -> None:
    async with a_receiver() as gone:
        pass
    with pytest.raises(TransportError) as failed:
        await send(gone)
    assert not failed.value.permanent
    assert "refused the connection" in failed.value.message


async def test_a_connection_that_is_reset_as_soon_as_it_is_made_is_tried_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        port = listener.getsockname()[1]
        loop = asyncio.get_running_loop()

        async def reset_all() -> None:
            while True:
                peer, _ = await loop.sock_accept(listener)
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                peer.close()

        resetting = asyncio.create_task(reset_all())
        for _ in range(30):
            with pytest.raises(TransportError) as failed:
                await transport().send(Webhook(url=f"http://127.0.0.1:{port}/", secret=SECRET), MESSAGE)
            assert not failed.value.permanent
        resetting.cancel()
        await asyncio.wait([resetting])


async def test_a_body_that_drips_takes_nothing_from_an_accepting_status(receiver: Receiver) -> None:
    receiver.script.append(drip_body)
    assert (await send(receiver, timeout_s=0.5)).http_status == 200


async def test_of_a_huge_answer_256_bytes_are_kept(receiver: Receiver) -> None:
    receiver.script.append(huge)
    sent = await send(receiver)
    assert sent.response == "x" * 256


async def test_of_an_answer_that_is_no_text_at_most_256_bytes_are_kept_without_nul(receiver: Receiver) -> None:
    receiver.script.append(answer(200, b"\x00\xff" * 500))
    kept = (await send(receiver)).response
    assert kept is not None
    assert len(kept.encode()) <= 256
    assert "\x00" not in kept


async def test_a_receiver_that_echoes_does_not_put_secrets_into_the_log(receiver: Receiver) -> None:
    receiver.script.append(answer(500, f"got token-123456 and {SECRET} at {receiver.url()}".encode()))
    with pytest.raises(TransportError) as failed:
        await send(receiver, headers={"Authorization": "token-123456"})
    assert failed.value.response == "got *** and *** at ***"


async def test_cookies_and_proxies_are_unknown_to_us(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    receiver.script.append(answer(200, Set_Cookie="a=b; Path=/"))
    one = transport()
    for _ in range(2):
        await one.send(Webhook(url=receiver.url(), secret=SECRET), MESSAGE)
    assert all("cookie" not in request.headers for request in receiver.received)


async def test_each_request_has_a_connection_of_its_own(receiver: Receiver) -> None:
    one = transport()
    await asyncio.gather(*(one.send(Webhook(url=receiver.url(), secret=SECRET), MESSAGE) for _ in range(20)))
    assert len(receiver.received) == 20


async def resolve_to_loopback(_host: str) -> Resolution:
    return Resolution((ip_address("127.0.0.1"),))


async def resolve_to_public_and_loopback(_host: str) -> Resolution:
    return Resolution((ip_address("198.41.0.4"), ip_address("127.0.0.1")))


@pytest.mark.parametrize("resolve", [resolve_to_loopback, resolve_to_public_and_loopback])
async def test_a_name_with_any_blocked_answer_gets_no_packet(receiver: Receiver, resolve: object) -> None:
    config = Webhook(url=f"https://hooks.example.com:{receiver.port}/x", secret=SECRET)
    with pytest.raises(TransportError) as failed:
        await transport(SHARED, resolve=resolve).send(config, MESSAGE)
    assert failed.value.permanent
    assert receiver.received == []


async def test_a_cname_into_a_special_name_is_refused(receiver: Receiver) -> None:
    async def resolve(_host: str) -> Resolution:
        return Resolution((ip_address("198.41.0.4"),), aliases=("metadata.google.internal",))

    with pytest.raises(TransportError) as failed:
        await transport(SHARED, resolve=resolve).send(
            Webhook(url="https://cname.example.net/x", secret=SECRET), MESSAGE
        )
    assert failed.value.permanent


async def test_plain_http_goes_only_to_allowed_networks() -> None:
    async def resolve(_host: str) -> Resolution:
        return Resolution((ip_address("198.41.0.4"),))

    with pytest.raises(TransportError) as failed:
        await transport(resolve=resolve).send(Webhook(url="http://a.example.com/x", secret=SECRET), MESSAGE)
    assert failed.value.permanent
    assert "plain http" in failed.value.message


async def test_an_address_that_is_stored_is_judged_again_at_each_send(receiver: Receiver) -> None:
    with pytest.raises(TransportError) as failed:
        await transport(SHARED).send(Webhook(url=f"https://127.0.0.1:{receiver.port}/x", secret=SECRET), MESSAGE)
    assert failed.value.permanent
    assert receiver.received == []


async def test_tls_is_verified_against_the_name_and_the_trust_store() -> None:
    authority = trustme.CA()
    server, trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("hooks.example.com").configure_cert(server)
    authority.configure_trust(trusting)
    async with a_receiver(tls=server) as receiver:
        url = f"https://hooks.example.com:{receiver.port}/x"
        good = transport(resolve=resolve_to_loopback, trust=trusting)
        assert (await good.send(Webhook(url=url, secret=SECRET), MESSAGE)).http_status == 200
        with pytest.raises(TransportError, match="TLS failed"):
            await transport(resolve=resolve_to_loopback).send(Webhook(url=url, secret=SECRET), MESSAGE)
        with pytest.raises(TransportError, match="TLS failed"):
            await good.send(Webhook(url=url.replace("hooks", "other"), secret=SECRET), MESSAGE)
    assert len(receiver.received) == 1


def test_a_public_https_url_is_taken_as_it_is() -> None:
    url = "https://hooks.slack.com/services/T/B/X"
    assert transport(SHARED).prepared(Webhook(url=url), entropy=bytes(32)).url == url


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://hooks.example.com/x", "INVALID_CHANNEL_CONFIG"),
        ("https://[::ffff:10.0.0.1]/hook", "SSRF_BLOCKED"),
        ("https://169.254.169.254/latest/meta-data", "SSRF_BLOCKED"),
        ("https://127.0.0.1/", "SSRF_BLOCKED"),
        ("https://[::1]/", "SSRF_BLOCKED"),
        ("https://localhost/", "SSRF_BLOCKED"),
        ("https://metadata.google.internal/", "SSRF_BLOCKED"),
        ("https://hooks.example.com:6379/", "PORT_BLOCKED"),
    ],
)
def test_plain_http_and_blocked_hosts_are_refused_at_the_door(url: str, code: str) -> None:
    with pytest.raises(FarwatchError) as refused:
        transport(SHARED).prepared(Webhook(url=url), entropy=bytes(32))
    assert (refused.value.status, refused.value.code) == (400, code)


@pytest.mark.parametrize(
    "url",
    ["", "ftp://a.example/x", "https://", "https://user:pw@a.example/x", "https://a.example:0/", "//a.example", "x"],
)
def test_what_is_no_https_url_is_an_invalid_configuration(url: str) -> None:
    with pytest.raises(FarwatchError) as refused:
        transport(SHARED).prepared(Webhook(url=url), entropy=bytes(32))
    assert (refused.value.code, refused.value.field) == ("INVALID_CHANNEL_CONFIG", "/config/url")


def test_parts_and_whole_are_inverse_and_show_no_secret() -> None:
    one = transport(SHARED)
    config = one.prepared(
        Webhook(url="https://a.example.com/t0ken", headers={"Authorization": "Bearer t0ken"}), entropy=bytes(32)
    )
    parts = one.parts(config)
    assert one.whole(shown=parts.shown, secrets=parts.secrets) == config
    assert "t0ken" not in str(parts.shown)
    assert list(parts.shown["headers"]) == ["Authorization"]
    assert parts.host == "a.example.com"
    assert config.secret is not None
    assert config.secret not in str(parts.shown)
