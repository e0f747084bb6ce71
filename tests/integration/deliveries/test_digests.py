"""A storm on a channel that people read: five single messages, then one digest a minute, on real rows."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from functools import partial
from uuid import UUID

import pytest

from control_plane.notify import transports
from control_plane.services.alerting.attempt_delivery import attempt_delivery
from control_plane.services.alerting.compose_message import NO_LINKS
from control_plane.services.alerting.gather_notices import gather
from control_plane.services.alerting.replay_delivery import replay_delivery
from control_plane.store.outbox import Claimed
from tests.support.ntfy_server import NtfyServer, an_ntfy_server
from tests.support.outbox import SEALER, WHOLE, Outbox, deliverer, working
from tests.support.receiver import answer
from tests.support.waiting import until, until_async

MESSAGES = "SELECT id, message_id FROM deliveries ORDER BY number"
IDLE = "SELECT count(*) = 0 FROM deliveries WHERE state = 'pending' AND NOT put_off"
SOON_OVER = timedelta(milliseconds=50)


@pytest.fixture
async def server() -> AsyncIterator[NtfyServer]:
    async with an_ntfy_server() as running:
        yield running


async def a_storm(outbox: Outbox, channel_id: UUID, size: int, notice: str = "opened") -> list[UUID]:
    incidents = [await outbox.incident() for _ in range(size)]
    return await outbox.owe_words(channel_id, incidents, notice)


async def settled(outbox: Outbox) -> None:
    """Until all that is left waits for a digest."""
    await until_async(lambda: outbox.value(IDLE), "all that is left waits for a digest", timeout=20)


async def settled_for_a_minute(outbox: Outbox) -> None:
    """Until all that is left waits for its time."""
    due = "SELECT count(*) = 0 FROM deliveries WHERE state = 'pending' AND due_at <= clock_timestamp()"
    await until_async(lambda: outbox.value(due), "all that is left waits for its time", timeout=20)


def told_of(server: NtfyServer, count: int) -> bool:
    return len(server.published) == count


async def messages(outbox: Outbox) -> dict[UUID, UUID]:
    async with outbox.database.app() as conn:
        return {row["id"]: row["message_id"] for row in await conn.fetch(MESSAGES)}


async def test_five_go_singly_and_the_rest_in_one_digest_a_minute_later(outbox: Outbox, server: NtfyServer) -> None:
    owed = await a_storm(outbox, await outbox.ntfy_channel(server.url), 40)
    async with working(outbox.database, workers=3):
        await settled(outbox)
        assert len(server.published) == 5
        assert await outbox.value("SELECT count(*) FROM deliveries WHERE put_off AND state = 'pending'") == 35
        waiting = await outbox.view(owed[-1])
        assert waiting.attempts == 0
        assert 0 < await outbox.seconds_to_due(owed[-1]) <= 60
        await outbox.a_minute_passes()
        await outbox.emptied()
    assert len(server.published) == 6
    assert server.published[-1]["title"] == "Farwatch: 35 opened"
    assert server.published[-1]["message"].startswith("35 down: API 6, API 7, API 8, API 9, API 10 and 30 more.")
    shared = await messages(outbox)
    assert [shared[each] for each in owed[:5]] == owed[:5]
    assert len({shared[each] for each in owed[5:]}) == 1
    assert shared[owed[5]] not in owed
    assert {(await outbox.view(each)).state for each in owed} == {"delivered"}
    assert [len(await outbox.log(each)) for each in owed] == [1] * 40


async def test_a_storm_that_goes_on_is_told_once_a_minute(outbox: Outbox, server: NtfyServer) -> None:
    channel_id = await outbox.ntfy_channel(server.url)
    async with working(outbox.database, workers=2):
        for minute in range(3):
            await a_storm(outbox, channel_id, 12)
            await settled(outbox)
            assert len(server.published) == 5 + 6 * minute
            await outbox.a_minute_passes()
            await until(partial(told_of, server, 6 * (minute + 1)), "the digest came")
        await outbox.emptied()
    titles = Counter(each["title"] for each in server.published)
    assert titles["Farwatch: 7 opened"] == 3


async def test_webhooks_get_every_notice_singly(outbox: Outbox, server: NtfyServer) -> None:
    channel_id = await outbox.channel(server.receiver.url())
    owed = [await outbox.owe(channel_id, await outbox.incident()) for _ in range(12)]
    server.receiver.otherwise = answer()
    async with working(outbox.database):
        await outbox.emptied()
    assert len(server.receiver.received) == 12
    shared = await messages(outbox)
    assert [shared[each] for each in owed] == owed


async def test_a_digest_is_retried_under_its_id_with_its_members(outbox: Outbox, server: NtfyServer) -> None:
    owed = await a_storm(outbox, await outbox.ntfy_channel(server.url), 8)
    async with working(outbox.database):
        await settled(outbox)
        server.later.append(answer(500))
        await outbox.a_minute_passes()
        await outbox.attempted(owed[5], 1)
        before = await messages(outbox)
        assert {(await outbox.view(each)).state for each in owed[5:]} == {"pending"}
        await outbox.fall_due()
        await outbox.emptied()
    assert await messages(outbox) == before
    assert server.published[-1]["sequence_id"] == before[owed[5]].hex
    for each in owed[5:]:
        assert [(a.attempt, a.outcome) for a in await outbox.log(each)] == [(1, "retry"), (2, "delivered")]


async def test_an_opening_and_its_recovery_in_one_digest_are_both_told(outbox: Outbox, server: NtfyServer) -> None:
    channel_id = await outbox.ntfy_channel(server.url)
    incidents = [await outbox.incident() for _ in range(7)]
    await outbox.owe_words(channel_id, incidents)
    async with working(outbox.database):
        await settled(outbox)
        (recovery,) = await outbox.owe_words(channel_id, incidents[-1:], "resolved")
        await outbox.a_minute_passes()
        await outbox.emptied()
    assert len(server.published) == 6
    assert server.published[-1]["title"] == "Farwatch: 2 opened, 1 resolved"
    assert "1 opened and resolved: API 8." in server.published[-1]["message"]
    assert (await outbox.view(recovery)).state == "delivered"


async def test_after_an_outage_of_the_receiver_five_go_singly_in_a_minute_old_and_new_alike(
    outbox: Outbox, server: NtfyServer
) -> None:
    channel_id = await outbox.ntfy_channel(server.url)
    server.later += [answer(500)] * 5
    old = await a_storm(outbox, channel_id, 5)
    async with working(outbox.database, workers=2):
        for each in old:
            await outbox.attempted(each, 1)
        new = await a_storm(outbox, channel_id, 12)
        await outbox.fall_due_of(old)
        for each in old:
            assert (await outbox.ended(each)).state == "delivered"
        await settled(outbox)
        assert len(server.published) == 5
        await outbox.a_minute_passes()
        await outbox.emptied()
    assert len(server.published) == 6
    assert server.published[-1]["title"] == "Farwatch: 12 opened"
    assert {(await outbox.view(each)).state for each in new} == {"delivered"}


async def test_an_outage_of_an_hour_leaves_five_singles_and_its_digests_come_one_a_minute(
    outbox: Outbox, server: NtfyServer
) -> None:
    channel_id = await outbox.ntfy_channel(server.url)
    server.later += [answer(500)] * 1000
    async with working(outbox.database, workers=2):
        for _ in range(4):
            await a_storm(outbox, channel_id, 8)
            await settled_for_a_minute(outbox)
            await outbox.a_minute_passes()
            await settled_for_a_minute(outbox)
        assert await outbox.value("SELECT count(*) FROM deliveries WHERE message_id = id") == 5
        server.later.clear()
        await outbox.fall_due()
        heard = []
        while await outbox.value("SELECT count(*) FROM deliveries WHERE state = 'pending'"):
            before = len(server.published)
            await settled_for_a_minute(outbox)
            heard.append(Counter("Farwatch:" in each["title"] for each in server.published[before:]))
            await outbox.a_minute_passes()
    assert all(each[False] <= 5 and each[True] <= 1 for each in heard), heard
    assert sum(each[False] for each in heard) == 5
    assert await outbox.value("SELECT count(*) FROM deliveries WHERE state <> 'delivered'") == 0


async def test_a_recovery_waits_until_its_opening_that_goes_singly_has_ended(
    outbox: Outbox, server: NtfyServer
) -> None:
    channel_id = await outbox.ntfy_channel(server.url)
    incidents = [await outbox.incident() for _ in range(5)]
    server.later += [answer(500)] * 5
    owed = await outbox.owe_words(channel_id, incidents)
    async with working(outbox.database):
        for each in owed:
            await outbox.attempted(each, 1)
        await outbox.owe_words(channel_id, incidents, "resolved")
        await outbox.fall_due()
        await until(lambda: len(server.published) == 5, "the openings came")
        await settled(outbox)
        await outbox.a_minute_passes()
        await outbox.emptied()
    assert [" is down" in each["title"] for each in server.published[:5]] == [True] * 5
    assert server.published[5]["title"] == "Farwatch: 5 resolved"


async def test_processes_share_one_budget(outbox: Outbox, server: NtfyServer) -> None:
    owed = await a_storm(outbox, await outbox.ntfy_channel(server.url), 30)
    workers = [deliverer(outbox.database) for _ in range(6)]
    await asyncio.gather(*(worker.start_due() for worker in workers))
    async with working(outbox.database):
        await settled(outbox)
    assert len(server.published) == 5
    assert len({each["sequence_id"] for each in server.published}) == 5
    assert sum([(await outbox.view(each)).state == "delivered" for each in owed]) == 5


async def claimed_digest(outbox: Outbox, *, lease: timedelta) -> Sequence[Claimed]:
    """What one process takes, of a storm whose minute has passed."""
    async with working(outbox.database):
        await settled(outbox)
    await outbox.a_minute_passes()
    (members,) = await gather(outbox.database, kinds=["ntfy"], busy=[], lease=lease, most=9)
    return members


async def test_a_worker_that_died_repeats_the_message_under_the_same_id(outbox: Outbox, server: NtfyServer) -> None:
    owed = await a_storm(outbox, await outbox.ntfy_channel(server.url), 9)
    members = await claimed_digest(outbox, lease=SOON_OVER)
    assert [each.id for each in members] == owed[5:]
    async with working(outbox.database):
        await outbox.emptied()
    assert server.published[-1]["sequence_id"] == members[0].message_id.hex
    for each in owed[5:]:
        assert [a.outcome for a in await outbox.log(each)] == ["unknown", "delivered"]


async def test_a_worker_that_comes_back_late_changes_nothing(outbox: Outbox, server: NtfyServer) -> None:
    owed = await a_storm(outbox, await outbox.ntfy_channel(server.url), 9)
    members = await claimed_digest(outbox, lease=SOON_OVER)
    async with working(outbox.database):
        await outbox.emptied()
    server.later.append(answer(410))
    await attempt_delivery(
        outbox.database,
        members,
        sealer=SEALER,
        transports=transports(WHOLE),
        lease=timedelta(seconds=30),
        jitter=lambda: 0.0,
        links=NO_LINKS,
    )
    assert {(await outbox.view(each)).state for each in owed} == {"delivered"}
    assert [a.outcome for a in await outbox.log(owed[5])] == ["unknown", "delivered"]


async def test_a_dead_digest_ends_all_its_rows_and_each_can_be_replayed(outbox: Outbox, server: NtfyServer) -> None:
    channel_id = await outbox.ntfy_channel(server.url)
    incidents = [await outbox.incident() for _ in range(8)]
    owed = await outbox.owe_words(channel_id, incidents)
    async with working(outbox.database):
        await settled(outbox)
        server.later.append(answer(400, b"no"))
        await outbox.a_minute_passes()
        for each in owed[5:]:
            view = await outbox.ended(each)
            assert (view.state, view.reason) == ("dead", "The ntfy server answered 400: no")
        before = await messages(outbox)
        await outbox.a_minute_passes()
        await replay_delivery(outbox.database, tenant_id=outbox.tenant_id, delivery_id=owed[6])
        assert (await outbox.ended(owed[6])).state == "delivered"
    assert server.published[-1]["title"] == "API 7 is down"
    assert (await messages(outbox))[owed[6]] == owed[6]
    assert (await messages(outbox))[owed[7]] == before[owed[7]]


async def test_a_channel_that_is_disabled_ends_what_waits_for_its_digest(outbox: Outbox, server: NtfyServer) -> None:
    channel_id = await outbox.ntfy_channel(server.url)
    owed = await a_storm(outbox, channel_id, 7)
    async with working(outbox.database):
        await settled(outbox)
        await outbox.execute("UPDATE channels SET enabled = false WHERE id = $1", channel_id)
        await outbox.a_minute_passes()
        await outbox.emptied()
    view = await outbox.view(owed[-1])
    assert (view.state, view.reason, view.attempts) == ("cancelled", "The channel was disabled", 0)
    assert len(server.published) == 5


async def test_one_tenants_storm_leaves_anothers_channel_its_own_minute(outbox: Outbox, server: NtfyServer) -> None:
    await a_storm(outbox, await outbox.ntfy_channel(server.url), 20)
    other = await Outbox.make(outbox.database, "Other")
    quiet = await a_storm(other, await other.ntfy_channel(server.url), 3)
    async with working(outbox.database):
        assert {(await other.ended(each)).state for each in quiet} == {"delivered"}
