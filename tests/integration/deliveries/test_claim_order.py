"""In which order deliveries are taken when workers are lost."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

from control_plane.store import outbox as store
from control_plane.store.outbox import Limits, Underway
from tests.support.outbox import Outbox

LOST_FOR = "UPDATE deliveries SET lease_until = now() - make_interval(secs => $2) WHERE id = $1"


async def taken(outbox: Outbox) -> list[UUID]:
    """One look that may take everything; what it takes is put back."""
    limits = Limits(total=9, tenant=9, host=9, channel=9)
    async with outbox.database.app() as conn:
        transaction = conn.transaction()
        await transaction.start()
        claimed = []
        for _ in range(9):
            one = await store.claim(
                conn,
                token=uuid4(),
                lease=timedelta(seconds=30),
                most=1,
                limits=limits,
                underway=Underway({}, {}, {}),
            )
            claimed += [each.id for each in one]
        await transaction.rollback()
    return claimed


async def test_what_a_worker_was_lost_with_comes_after_what_was_never_tried(outbox: Outbox) -> None:
    channel_id = await outbox.channel("http://127.0.0.1:9/x")
    first, second, third, fourth = [await outbox.owe(channel_id, await outbox.incident()) for _ in range(4)]
    assert await taken(outbox) == [fourth, third, second, first]
    async with outbox.database.app() as conn:
        await conn.execute(LOST_FOR, fourth, 5)
        await conn.execute(LOST_FOR, second, 60)
    assert await taken(outbox) == [third, first, second, fourth]
