"""The guard's corpus where the control plane itself dials: every kind of channel whose server the tenant names."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from control_plane.errors import BadRequest
from control_plane.notify.alertmanager import Alertmanager, AlertmanagerTransport
from control_plane.notify.guarded_http import GuardedHttp
from control_plane.notify.ntfy import Ntfy, NtfyTransport
from control_plane.notify.transport import Message
from control_plane.notify.transport_error import TransportError
from control_plane.notify.webhook import Webhook, WebhookTransport
from shared.netpolicy import SHARED, Policy
from tests.support.hostile import GuardRow, guard_rows
from tests.support.messages import a_message, tools
from tests.support.receiver import a_receiver, answer

MESSAGE = a_message()


def transport(policy: Policy) -> WebhookTransport:
    return WebhookTransport(tools(GuardedHttp(policy, timeout=timedelta(seconds=10))))


@pytest.mark.parametrize("row", guard_rows("webhook"))
def test_a_webhooks_url_of_the_corpus_gets_its_verdict_and_code(row: GuardRow) -> None:
    verdict = ("allow", "-")
    try:
        transport(SHARED).prepared(Webhook(url=row.input), entropy=bytes(32))
    except BadRequest as refused:
        verdict = ("block", refused.code)
    assert verdict == (row.expected, row.code)


@pytest.mark.parametrize("row", guard_rows("webhook-response"))
async def test_of_a_receivers_answer_only_the_status_and_256_bytes_are_kept(row: GuardRow) -> None:
    assert row.expected == "allow"
    async with a_receiver() as receiver:
        receiver.script.append(answer(200, b"a" * 400))
        config = Webhook(url=receiver.url(), secret="sixteen letters!")
        sent = await transport(Policy.of(["127.0.0.0/8"])).send(config, MESSAGE)
    assert (sent.http_status, sent.response) == (200, "a" * 256)


KINDS: dict[str, tuple[type[Any], Callable[[str], Any]]] = {
    "webhook": (WebhookTransport, lambda url: Webhook(url=url, secret="sixteen letters!")),
    "ntfy": (NtfyTransport, lambda url: Ntfy(topic="alerts", server_url=url)),
    "alertmanager": (AlertmanagerTransport, lambda url: Alertmanager(url=url)),
}
"""The transport of each kind that takes a URL of the tenant's, and a configuration with that URL."""

GUARDED = frozenset({"SSRF_BLOCKED", "PORT_BLOCKED"})


def verdict_of(kind: str, url: str) -> tuple[str, str]:
    """What a kind makes of a URL when it is saved."""
    make, configured = KINDS[kind]
    try:
        make(tools(GuardedHttp(SHARED, timeout=timedelta(seconds=10)))).prepared(configured(url), entropy=bytes(32))
    except BadRequest as refused:
        return "block", refused.code
    return "allow", "-"


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("row", guard_rows("url"))
def test_a_url_that_no_check_may_have_no_channel_may_have(row: GuardRow, kind: str) -> None:
    if row.expected == "allow":
        # A channel demands https, and some kinds a bare root: beyond that nothing is refused that a check may have.
        assert verdict_of(kind, row.input)[1] in ("-", "INVALID_CHANNEL_CONFIG")
    else:
        assert verdict_of(kind, row.input) == ("block", row.code if row.code in GUARDED else "INVALID_CHANNEL_CONFIG")


@pytest.mark.parametrize("row", guard_rows("ntfy"))
def test_an_ntfy_server_of_the_corpus_gets_its_verdict_and_code(row: GuardRow) -> None:
    assert verdict_of("ntfy", row.input) == (row.expected, row.code)


@pytest.mark.parametrize("kind", sorted(KINDS))
async def test_a_stored_address_that_is_blocked_by_now_gets_no_packet(kind: str) -> None:
    make, configured = KINDS[kind]
    message: Message = MESSAGE
    async with a_receiver() as receiver:
        with pytest.raises(TransportError) as failed:
            await make(tools(GuardedHttp(SHARED, timeout=timedelta(seconds=10)))).send(
                configured(receiver.url("/")), message
            )
        assert receiver.connections == 0
    assert failed.value.permanent
