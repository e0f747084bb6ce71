"""What is owed to a channel that the operator's rules forbid by now is not sent."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from control_plane.store.pool import Database
from tests.support.outbox import Outbox, working
from tests.support.receiver import Receiver, a_receiver
from tests.support.seed import new_id

DENY = "INSERT INTO deny_rules (id, kind, value, reason) VALUES ($1, 'url_glob', $2, 'Report 12')"


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with a_receiver() as running:
        yield running


async def test_a_delivery_to_a_denied_url_is_cancelled_with_the_rule(database: Database, receiver: Receiver) -> None:
    outbox = await Outbox.make(database)
    denied = await outbox.channel(receiver.url("/denied"))
    allowed = await outbox.channel(receiver.url("/let-be"), name="Other")
    incident_id = await outbox.incident()
    owed = await outbox.owe(denied, incident_id)
    other = await outbox.owe(allowed, incident_id)
    async with database.app() as conn:
        await conn.execute(DENY, new_id(), "*/denied*")

    async with working(database):
        view, sent = await outbox.ended(owed), await outbox.ended(other)

    assert view.state == "cancelled"
    assert view.reason is not None
    assert view.reason.startswith("URL_PATTERN_BLOCKED: ")
    assert view.attempts == 0
    assert sent.state == "delivered"
    assert [one.path for one in receiver.received] == ["/let-be"]
