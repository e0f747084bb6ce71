"""From an owed notice to a receiver, and what is recorded of it."""

from __future__ import annotations

import asyncio
import time
from uuid import UUID

import msgspec
import pytest

from control_plane.domain.alerting.delivery import WAITS
from control_plane.errors import Conflict, NotFound
from control_plane.notify import transports
from control_plane.services.alerting.attempt_delivery import UNKNOWN_LIMIT
from control_plane.services.alerting.change_channel import ChannelChange, change_channel
from control_plane.services.alerting.replay_delivery import replay_delivery
from control_plane.store import channels
from shared.ids import TenantId
from tests.support.outbox import SEALER, SECRET, WHOLE, Outbox, deliverer, look_soon, working
from tests.support.receiver import Receiver, answer, answer_after, hang


async def one_owed(outbox: Outbox, receiver: Receiver) -> tuple[UUID, UUID]:
    channel_id = await outbox.channel(receiver.url())
    return channel_id, await outbox.owe(channel_id, await outbox.incident())


async def test_what_is_owed_arrives_signed_and_is_logged(outbox: Outbox, receiver: Receiver) -> None:
    channel_id, delivery_id = await one_owed(outbox, receiver)
    async with working(outbox.database):
        view = await outbox.ended(delivery_id)
    (request,) = receiver.received
    request.verify(SECRET)
    assert (request.delivery_id, request.attempt) == (str(delivery_id), 1)
    assert (view.state, view.attempts, view.next_attempt_at) == ("delivered", 1, None)
    (attempt,) = await outbox.log(delivery_id)
    assert (attempt.outcome, attempt.http_status, attempt.response) == ("delivered", 200, "ok")
    async with outbox.database.app() as conn:
        channel = await channels.channel(conn, tenant_id=outbox.tenant_id, channel_id=channel_id)
    assert channel is not None
    assert channel.consecutive_failures == 0
    assert channel.last_delivered_at is not None


async def test_the_same_notice_is_owed_once(outbox: Outbox, receiver: Receiver) -> None:
    channel_id, incident_id = await outbox.channel(receiver.url()), await outbox.incident()
    first = await outbox.owe(channel_id, incident_id)
    await outbox.owe(channel_id, incident_id)
    async with working(outbox.database):
        await outbox.emptied()
    assert [request.delivery_id for request in receiver.received] == [str(first)]


async def test_a_failure_is_tried_again_with_the_same_id_and_the_same_bytes(outbox: Outbox, receiver: Receiver) -> None:
    receiver.script.extend([answer(500), hang, answer(200)])
    _, delivery_id = await one_owed(outbox, receiver)
    async with working(outbox.database):
        for count in (1, 2):
            await outbox.attempted(delivery_id, count)
            await outbox.fall_due()
        await outbox.ended(delivery_id)
    assert {(r.delivery_id, r.body) for r in receiver.received} == {(str(delivery_id), receiver.received[0].body)}
    assert [r.attempt for r in receiver.received] == [1, 2, 3]
    assert [a.outcome for a in await outbox.log(delivery_id)] == ["retry", "retry", "delivered"]


async def test_the_wait_follows_the_schedule_until_the_delivery_is_dead(outbox: Outbox, receiver: Receiver) -> None:
    receiver.otherwise = answer(503, b"busy")
    channel_id, delivery_id = await one_owed(outbox, receiver)
    async with working(outbox.database):
        for tried in range(1, len(WAITS)):
            await outbox.attempted(delivery_id, tried)
            wait = WAITS[tried].total_seconds()
            assert wait - 2 <= await outbox.seconds_to_due(delivery_id) <= wait + 2
            await outbox.fall_due()
        view = await outbox.ended(delivery_id)
    assert view.state == "dead"
    assert view.reason == "Given up after 7 attempts. The last: The receiver answered 503"
    log = await outbox.log(delivery_id)
    assert [(a.outcome, a.response) for a in log] == [("retry", "busy")] * 6 + [("dead", "busy")]
    async with outbox.database.app() as conn:
        channel = await channels.channel(conn, tenant_id=outbox.tenant_id, channel_id=channel_id)
    assert channel is not None
    assert (channel.consecutive_failures, channel.last_error) == (7, "The receiver answered 503")


async def test_retry_after_puts_the_next_attempt_off(outbox: Outbox, receiver: Receiver) -> None:
    receiver.script.append(answer(429, Retry_After="3600"))
    _, delivery_id = await one_owed(outbox, receiver)
    async with working(outbox.database):
        await outbox.attempted(delivery_id, 1)
    assert 3590 <= await outbox.seconds_to_due(delivery_id) <= 3602


async def test_a_permanent_failure_is_dead_at_once_and_can_be_replayed(outbox: Outbox, receiver: Receiver) -> None:
    receiver.script.append(answer(410))
    _, delivery_id = await one_owed(outbox, receiver)
    async with working(outbox.database):
        assert (await outbox.ended(delivery_id)).state == "dead"
        revived = await replay_delivery(outbox.database, tenant_id=outbox.tenant_id, delivery_id=delivery_id)
        assert revived.state == "pending"
        assert (await outbox.ended(delivery_id)).state == "delivered"
    assert len({(r.delivery_id, r.body) for r in receiver.received}) == 1
    with pytest.raises(Conflict, match="dead"):
        await replay_delivery(outbox.database, tenant_id=outbox.tenant_id, delivery_id=delivery_id)


async def test_a_replayed_delivery_has_its_whole_schedule_again(outbox: Outbox, receiver: Receiver) -> None:
    receiver.otherwise = answer(500)
    _, delivery_id = await one_owed(outbox, receiver)
    async with working(outbox.database):
        for tried in range(1, len(WAITS)):
            await outbox.attempted(delivery_id, tried)
            await outbox.fall_due()
        await outbox.ended(delivery_id)
        await replay_delivery(outbox.database, tenant_id=outbox.tenant_id, delivery_id=delivery_id)
        await outbox.attempted(delivery_id, 8)
    assert 10 <= await outbox.seconds_to_due(delivery_id) <= 16


async def test_a_stranger_cannot_replay(outbox: Outbox, receiver: Receiver) -> None:
    _, delivery_id = await one_owed(outbox, receiver)
    stranger = await Outbox.make(outbox.database, "Stranger")
    with pytest.raises(NotFound):
        await replay_delivery(outbox.database, tenant_id=TenantId(stranger.tenant_id), delivery_id=delivery_id)


async def test_notices_of_one_incident_go_strictly_in_order(outbox: Outbox, receiver: Receiver) -> None:
    receiver.script.append(answer(500))
    channel_id, incident_id = await outbox.channel(receiver.url()), await outbox.incident()
    owed = [await outbox.owe(channel_id, incident_id)]
    owed += [await outbox.owe(channel_id, incident_id, "reminder", ordinal=n) for n in (1, 2, 3)]
    owed.append(await outbox.owe(channel_id, incident_id, "resolved"))
    async with working(outbox.database, workers=3):
        await outbox.attempted(owed[0], 1)
        assert [r.delivery_id for r in receiver.received] == [str(owed[0])], "the others wait for the opening"
        await outbox.fall_due()
        await outbox.emptied()
    assert [r.delivery_id for r in receiver.received] == [str(owed[0]), *map(str, owed)]


async def test_after_a_backlog_the_newest_incident_is_told_first(outbox: Outbox, receiver: Receiver) -> None:
    channel_id = await outbox.channel(receiver.url())
    owed = [await outbox.owe(channel_id, await outbox.incident()) for _ in range(12)]
    async with working(outbox.database):
        await outbox.emptied()
    first_four = {r.delivery_id for r in receiver.received[:4]}
    assert first_four == {str(delivery_id) for delivery_id in owed[-4:]}


async def test_when_the_opening_is_dead_its_recovery_is_cancelled(outbox: Outbox, receiver: Receiver) -> None:
    receiver.script.append(answer(410))
    channel_id, incident_id = await outbox.channel(receiver.url()), await outbox.incident()
    opening = await outbox.owe(channel_id, incident_id)
    recovery = await outbox.owe(channel_id, incident_id, "resolved")
    async with working(outbox.database):
        await outbox.emptied()
    assert (await outbox.view(opening)).state == "dead"
    withheld = await outbox.view(recovery)
    assert (withheld.state, withheld.reason, withheld.attempts) == (
        "cancelled",
        "This channel was not told of the incident",
        0,
    )
    assert len(receiver.received) == 1


async def test_a_recovery_owed_after_its_opening_died_is_withheld_from_the_start(
    outbox: Outbox, receiver: Receiver
) -> None:
    receiver.script.append(answer(410))
    channel_id, incident_id = await outbox.channel(receiver.url()), await outbox.incident()
    opening = await outbox.owe(channel_id, incident_id)
    async with working(outbox.database):
        await outbox.ended(opening)
    recovery = await outbox.owe(channel_id, incident_id, "resolved")
    assert (await outbox.view(recovery)).state == "cancelled"


async def test_a_recovery_goes_to_those_who_were_told_by_a_reminder(outbox: Outbox, receiver: Receiver) -> None:
    receiver.script.append(answer(410))
    channel_id, incident_id = await outbox.channel(receiver.url()), await outbox.incident()
    await outbox.owe(channel_id, incident_id)
    reminder = await outbox.owe(channel_id, incident_id, "reminder", ordinal=1)
    recovery = await outbox.owe(channel_id, incident_id, "resolved")
    async with working(outbox.database):
        await outbox.emptied()
    assert [(await outbox.view(each)).state for each in (reminder, recovery)] == ["delivered", "delivered"]


async def test_several_workers_send_each_delivery_once(outbox: Outbox, receiver: Receiver) -> None:
    owed = []
    for number in range(4):
        channel_id = await outbox.channel(receiver.url(f"/{number}"), name=f"Hook {number}")
        owed += [await outbox.owe(channel_id, await outbox.incident()) for _ in range(25)]
    async with working(outbox.database, workers=4):
        await outbox.emptied(deadline_s=60)
    assert sorted(r.delivery_id for r in receiver.received) == sorted(map(str, owed))


async def test_a_receiver_that_hangs_harms_nobody_else(outbox: Outbox, receiver: Receiver) -> None:
    receiver.paths["/hang"] = hang
    hanging = await outbox.channel(receiver.url("/hang"), name="Hanging")
    for _ in range(30):
        await outbox.owe(hanging, await outbox.incident())
    async with working(outbox.database):
        await receiver.wait_for(4)
        other = await Outbox.make(outbox.database, "Other")
        channel_id = await other.channel(receiver.url("/well"))
        started = time.monotonic()
        delivery_id = await other.owe(channel_id, await other.incident())
        assert (await other.ended(delivery_id)).state == "delivered"
        assert time.monotonic() - started < 1.5
        under_way = sum(r.path == "/hang" for r in receiver.received)
    assert under_way <= 8, "a channel has few sends under way at a time"


async def test_a_worker_that_comes_back_late_can_change_nothing(outbox: Outbox, receiver: Receiver) -> None:
    release = asyncio.Event()
    receiver.script.extend([answer_after(release), answer(200)])
    _, delivery_id = await one_owed(outbox, receiver)
    async with working(outbox.database):
        await receiver.wait_for(1)
        await outbox.execute("UPDATE deliveries SET lease_until = clock_timestamp() - interval '1 s'")
        assert (await outbox.ended(delivery_id)).state == "delivered"
        release.set()
    log = await outbox.log(delivery_id)
    assert [(a.attempt, a.outcome) for a in log] == [(1, "unknown"), (2, "delivered")]
    assert [r.attempt for r in receiver.received] == [1, 2]


async def test_a_disabled_channel_gets_nothing_and_a_deleted_one_neither(outbox: Outbox, receiver: Receiver) -> None:
    _, first = await one_owed(outbox, receiver)
    await outbox.execute("UPDATE channels SET enabled = false")
    async with working(outbox.database):
        assert (await outbox.ended(first)).reason == "The channel was disabled"
    second_channel = await outbox.channel(receiver.url(), name="Second")
    second = await outbox.owe(second_channel, await outbox.incident())
    await outbox.execute("DELETE FROM channels WHERE id = $1", second_channel)
    async with working(outbox.database):
        assert (await outbox.ended(second)).reason == "The channel was deleted"
    assert receiver.received == []


async def test_secrets_that_no_longer_open_are_a_failure_that_is_tried_again(
    outbox: Outbox, receiver: Receiver
) -> None:
    _, delivery_id = await one_owed(outbox, receiver)
    await outbox.execute("UPDATE channels SET sealed = '\\x00'::bytea || sealed")
    async with working(outbox.database):
        (attempt,) = await outbox.attempted(delivery_id, 1)
    assert (attempt.outcome, attempt.http_status) == ("retry", None)
    assert attempt.error == "The channel's stored secrets cannot be opened: save them again"


async def test_people_who_change_a_channel_and_workers_that_deliver_to_it_never_wait_in_a_circle(
    outbox: Outbox, receiver: Receiver
) -> None:
    channel_id = await outbox.channel(receiver.url())
    owed = [await outbox.owe(channel_id, await outbox.incident()) for _ in range(40)]

    async def toggle(enabled: bool) -> None:
        await change_channel(
            outbox.database,
            sealer=SEALER,
            transports=transports(WHOLE),
            tenant_id=outbox.tenant_id,
            channel_id=channel_id,
            change=ChannelChange(enabled=enabled),
            write_source="api",
            check_revision=lambda _revision: None,
        )

    async with working(outbox.database, workers=2):
        for _ in range(10):
            await toggle(False)
            await toggle(True)
        await outbox.emptied()
    states = {(await outbox.view(delivery_id)).state for delivery_id in owed}
    assert states <= {"delivered", "cancelled"}


async def test_a_worker_that_is_told_to_stop_ends_what_it_began(outbox: Outbox, receiver: Receiver) -> None:
    release = asyncio.Event()
    receiver.otherwise = answer_after(release)
    _, delivery_id = await one_owed(outbox, receiver)
    task = asyncio.create_task(deliverer(outbox.database).run(look_soon))
    await receiver.wait_for(1)
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    release.set()
    await asyncio.wait([task], timeout=5)
    assert task.cancelled()
    assert (await outbox.view(delivery_id)).state == "delivered"
    assert len(receiver.received) == 1


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        ({"url": "gopher://hooks.example.com/x"}, "cannot be used"),
        ({"secret": "short"}, "at least 16 characters"),
        ({"headers": {"X-Näme": "1"}}, "headers"),
    ],
    ids=["url", "secret", "header"],
)
async def test_a_stored_configuration_that_cannot_be_sent_with_is_dead_with_its_reason(
    outbox: Outbox, receiver: Receiver, broken: dict[str, object], told: str
) -> None:
    channel_id, incident_id = await outbox.channel(receiver.url()), await outbox.incident()
    secrets = {"url": receiver.url(), "headers": {}, "secret": SECRET} | broken
    sealed = SEALER.seal(msgspec.json.encode(secrets), context=f"channel:{outbox.tenant_id}:{channel_id}")
    await outbox.execute("UPDATE channels SET sealed = $1", sealed)
    first = await outbox.owe(channel_id, incident_id)
    async with working(outbox.database):
        view = await outbox.ended(first)
    assert view.state == "dead"
    assert told in (view.reason or "")


async def test_a_delivery_whose_attempts_never_end_is_given_up(outbox: Outbox, receiver: Receiver) -> None:
    _, delivery_id = await one_owed(outbox, receiver)
    await outbox.execute(
        "INSERT INTO delivery_attempts (tenant_id, delivery_id, attempt, at, duration_ms, outcome)"
        " SELECT tenant_id, id, n, now(), 0, 'unknown' FROM deliveries, generate_series(1, $1) AS n",
        UNKNOWN_LIMIT,
    )
    await outbox.execute("UPDATE deliveries SET attempts = $1", UNKNOWN_LIMIT)
    async with working(outbox.database):
        view = await outbox.ended(delivery_id)
    assert (view.state, receiver.received) == ("dead", [])
    assert view.reason == f"The worker ended in the middle of {UNKNOWN_LIMIT} attempts"


async def test_replaying_a_dead_opening_revives_the_recovery_that_was_withheld_with_it(
    outbox: Outbox, receiver: Receiver
) -> None:
    receiver.script.append(answer(410))
    channel_id, incident_id = await outbox.channel(receiver.url()), await outbox.incident()
    opening = await outbox.owe(channel_id, incident_id)
    recovery = await outbox.owe(channel_id, incident_id, "resolved")
    async with working(outbox.database):
        await outbox.emptied()
        assert (await outbox.view(recovery)).state == "cancelled"
        await replay_delivery(outbox.database, tenant_id=outbox.tenant_id, delivery_id=opening)
        await outbox.emptied()
    assert [r.delivery_id for r in receiver.received[1:]] == [str(opening), str(recovery)]


async def test_replaying_a_dead_reminder_revives_nothing_that_was_cancelled_with_its_channel(
    outbox: Outbox, receiver: Receiver
) -> None:
    receiver.script.append(answer(410))
    channel_id, incident_id = await outbox.channel(receiver.url()), await outbox.incident()
    opening = await outbox.owe(channel_id, incident_id)
    async with working(outbox.database):
        await outbox.ended(opening)
    recovery = await outbox.owe(channel_id, incident_id, "resolved")
    await outbox.execute("UPDATE deliveries SET reason = 'The channel was disabled' WHERE id = $1", recovery)
    async with working(outbox.database):
        await replay_delivery(outbox.database, tenant_id=outbox.tenant_id, delivery_id=opening)
        await outbox.emptied()
    assert (await outbox.view(recovery)).state == "cancelled"
