"""Workers that are killed in the middle of a send lose nothing."""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter

import pytest

from tests.support.auditor import audit
from tests.support.delivery_worker import start_worker
from tests.support.outbox import SECRET, Outbox
from tests.support.receiver import Behaviour, Receiver, answer

KILLS = int(os.environ.get("TEST_FARWATCH_DELIVERY_KILLS", "50"))
LEASE_S = 1.0
SCARCE = 20
LEFT = "SELECT count(*) FROM deliveries WHERE state = 'pending'"


def slow(seconds: float) -> Behaviour:
    async def behave(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(seconds)
        await answer()(writer)

    return behave


@pytest.mark.slow
@pytest.mark.timeout(180 + 3 * KILLS)
async def test_a_kill_loses_no_delivery_and_repeats_at_most_the_one_under_way(
    outbox: Outbox, receiver: Receiver, dsn: str
) -> None:
    receiver.otherwise = slow(0.02)
    channel_id = await outbox.channel(receiver.url())
    owed = [await outbox.owe(channel_id, await outbox.incident()) for _ in range(3 * KILLS)]
    chance = random.Random(7)
    for _ in range(KILLS):
        if await outbox.value(LEFT) < SCARCE:  # on a busy machine a worker sends many before it is killed
            owed += [await outbox.owe(channel_id, await outbox.incident()) for _ in range(SCARCE)]
        worker = start_worker(dsn, lease_s=LEASE_S)
        try:
            await receiver.wait_for(len(receiver.received) + 1, deadline_s=20)
        finally:
            await asyncio.sleep(chance.uniform(0, 0.04))
            worker.kill()
            worker.join(5)
    worker = start_worker(dsn, lease_s=LEASE_S)
    try:
        await outbox.emptied(deadline_s=60 + KILLS)
    finally:
        worker.kill()
        worker.join(5)
    received = Counter(request.delivery_id for request in receiver.received)
    assert set(received) == {str(delivery_id) for delivery_id in owed}
    assert 1 <= sum(received.values()) - len(owed) <= KILLS, "some kills came in the middle of a send"
    for request in receiver.received:
        request.verify(SECRET)
    for delivery_id in owed:
        requests = [r for r in receiver.received if r.delivery_id == str(delivery_id)]
        assert len({r.body for r in requests}) == 1
        assert [r.attempt for r in requests] == sorted({r.attempt for r in requests})
        log = await outbox.log(delivery_id)
        assert [entry.outcome for entry in log] == ["unknown"] * (len(log) - 1) + ["delivered"]
        assert (await outbox.view(delivery_id)).attempts == len(log)
    async with outbox.database.app() as conn:
        assert await audit(conn, settled=True) == []
