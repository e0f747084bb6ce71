"""Channels of kind apprise: what arrives, and what never leaves."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from pathlib import Path

import pytest

from control_plane.errors import BadRequest
from control_plane.notify.apprise import AT_ONCE, Apprise, AppriseTransport
from control_plane.notify.guarded_http import GuardedHttp
from control_plane.notify.transport import Sent
from control_plane.notify.transport_error import TransportError
from control_plane.settings import DeliverySettings, Settings
from shared.netpolicy import SHARED, Policy
from tests.support.messages import LOOPBACK, a_message, tools
from tests.support.receiver import Receiver, a_receiver, answer, answer_after, hang


def transport(policy: Policy = LOOPBACK, *, timeout_s: float = 60) -> AppriseTransport:
    return AppriseTransport(tools(GuardedHttp(policy, timeout=timedelta(seconds=timeout_s))))


async def send(url: str, policy: Policy = LOOPBACK, *, timeout_s: float = 60) -> Sent:
    return await transport(policy, timeout_s=timeout_s).send(Apprise(url=url), a_message())


async def failure(url: str, policy: Policy = LOOPBACK, *, timeout_s: float = 60) -> TransportError:
    with pytest.raises(TransportError) as failed:
        await send(url, policy, timeout_s=timeout_s)
    return failed.value


def url_of(receiver: Receiver, *, schema: str = "json", host: str = "127.0.0.1", path: str = "/hook") -> str:
    return f"{schema}://{host}:{receiver.port}{path}"


async def test_a_message_arrives_at_an_allowed_address() -> None:
    async with a_receiver() as receiver:
        assert await send(url_of(receiver)) == Sent()
    (request,) = receiver.received
    document = json.loads(request.body)
    assert document["title"] == a_message().words.title
    assert document["type"] == "failure"
    assert a_message().words.url in document["message"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f.1", "0", "[::ffff:127.0.0.1]"])
async def test_a_blocked_address_gets_no_packet_however_it_is_written(host: str) -> None:
    async with a_receiver() as receiver:
        failed = await failure(url_of(receiver, host=host), SHARED)
        assert receiver.connections == 0
    assert failed.permanent


async def test_the_clouds_metadata_are_out_of_reach() -> None:
    failed = await failure("json://169.254.169.254/latest/meta-data/")
    assert failed.permanent
    assert "cloud instance metadata" in failed.message


async def test_a_redirect_is_not_followed() -> None:
    async with a_receiver() as elsewhere, a_receiver() as receiver:
        receiver.otherwise = answer(307, Location=elsewhere.url())
        failed = await failure(url_of(receiver))
    assert not failed.permanent
    assert (len(receiver.received), elsewhere.received) == (1, [])


async def test_nothing_of_our_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with a_receiver() as proxy, a_receiver() as receiver:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        await send(url_of(receiver))
    assert (len(receiver.received), proxy.received) == (1, [])


async def test_a_receiver_that_hangs_ends_with_the_time_and_leaves_no_process() -> None:
    async with a_receiver() as receiver:
        receiver.otherwise = hang
        failed = await failure(url_of(receiver, path="/?rto=100"), timeout_s=3)
    assert "within 3 s" in failed.message
    assert children() == []


async def test_a_failure_tells_what_apprise_said_without_the_secrets() -> None:
    async with a_receiver() as receiver:
        receiver.otherwise = answer(500)
        failed = await failure(url_of(receiver, path="/t0ken-of-mine"))
    assert not failed.permanent
    assert "t0ken-of-mine" not in f"{failed.message} {failed.response}"


@pytest.mark.parametrize(
    "url", ["syslog://", "mqtt://127.0.0.1/x", "irc://127.0.0.1/x", "nosuchservice://x", "slack://x"]
)
async def test_what_is_no_service_over_http_or_mail_is_dead_at_once(url: str) -> None:
    failed = await failure(url)
    assert failed.permanent
    assert url.partition("://")[0] in failed.message


async def test_two_are_sent_at_a_time() -> None:
    release = asyncio.Event()
    async with a_receiver() as receiver:
        receiver.otherwise = answer_after(release)
        sends = [asyncio.create_task(send(url_of(receiver, path="/?rto=60"))) for _ in range(AT_ONCE + 2)]
        await receiver.wait_for(AT_ONCE, deadline_s=60)
        assert len(children()) == AT_ONCE
        release.set()
        await asyncio.gather(*sends)
    assert len(receiver.received) == AT_ONCE + 2


def children() -> list[int]:
    """Processes that this one waits for."""
    tasks = Path("/proc/self/task").iterdir()
    mine = [int(pid) for task in tasks for pid in (task / "children").read_text().split()]
    return [pid for pid in mine if b"apprise_child" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def test_it_is_offered_where_the_operator_says_so() -> None:
    assert not AppriseTransport.is_set_up(Settings())
    assert AppriseTransport.is_set_up(Settings(delivery=DeliverySettings(apprise=True)))


def test_the_url_is_sealed_whole() -> None:
    config = Apprise(url="slack://T0ken/S3cret/more")
    parts = transport().parts(transport().prepared(config, entropy=bytes(32)))
    assert parts.shown == {"type": "apprise", "url": "***"}
    assert "T0ken" not in parts.host
    assert transport().whole(shown=parts.shown, secrets=parts.secrets) == config


def test_what_the_rules_refuse_is_not_saved() -> None:
    with pytest.raises(BadRequest):
        transport(SHARED).prepared(Apprise(url="json://10.0.0.1/"), entropy=bytes(32))
