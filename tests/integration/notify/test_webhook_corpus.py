"""The guard's corpus where the control plane itself dials: webhooks."""

from __future__ import annotations

from datetime import timedelta

import pytest

from control_plane.errors import BadRequest
from control_plane.notify.guarded_http import GuardedHttp
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
