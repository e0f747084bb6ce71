"""Hints within one process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from uuid import UUID, uuid4

from control_plane.web.hub import ASSIGNMENTS, CHANNELS, QUEUE_LIMIT, WATCH_S, Hint, Hub
from shared.ids import TenantId

TENANT = TenantId(UUID("0197a2f0-0000-7000-8000-000000000001"))


class Channels:
    """The listening side of a Database, played by hand."""

    def __init__(self) -> None:
        self.callbacks: dict[str, Callable[[str], None]] = {}

    async def listen(self, channel: str, callback: Callable[[str], None]) -> None:
        self.callbacks[channel] = callback


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def started(clock: Clock | None = None) -> tuple[Hub, Channels]:
    hub, channels = Hub(clock=clock or Clock()), Channels()
    await hub.start(channels)
    return hub, channels


async def test_it_listens_on_every_channel() -> None:
    _, channels = await started()
    assert set(channels.callbacks) == set(CHANNELS)


async def test_a_notification_wakes_those_who_wait_for_its_topic_and_nobody_else() -> None:
    hub, channels = await started()
    with hub.subscribe("farwatch_dispatch:7") as seven, hub.subscribe("farwatch_dispatch:8") as eight:
        channels.callbacks["farwatch_dispatch"]("7")
        assert await seven.get(1) == Hint("farwatch_dispatch:7", "7")
        assert await eight.get(0) is None


async def test_waiting_ends_with_the_hint_or_with_the_time() -> None:
    hub, channels = await started()
    waiting = asyncio.create_task(hub.wait("farwatch_tests:x", 5))
    await asyncio.sleep(0)
    channels.callbacks["farwatch_tests"]("x")
    assert await waiting is True
    assert await hub.wait("farwatch_tests:x", 0.001) is False


async def test_a_hint_that_still_waits_is_not_doubled() -> None:
    hub, channels = await started()
    with hub.subscribe("farwatch_events:t") as hints:
        for _ in range(10 * QUEUE_LIMIT):
            channels.callbacks["farwatch_events"]("t")
        assert await hints.get(0) is not None
        assert await hints.get(0) is None
        assert not hints.overrun


async def test_a_subscriber_that_falls_behind_is_cut_off_and_others_are_not() -> None:
    hub, _ = await started()
    with hub.subscribe("topic") as slow, hub.subscribe("topic") as quick:
        for count in range(QUEUE_LIMIT + 1):
            hub.publish("topic", str(count))
            assert await quick.get(0) == Hint("topic", str(count))
        assert slow.overrun
        assert [hint.payload async for hint in slow] == [str(count) for count in range(QUEUE_LIMIT)]


async def test_a_subscription_that_is_over_is_forgotten() -> None:
    hub, _ = await started()
    with hub.subscribe("topic", "other") as hints:
        pass
    hub.publish("topic")
    assert await hints.get(0) is None
    assert hints.closed


async def test_closing_ends_every_wait_at_once() -> None:
    hub, _ = await started()
    waiting = asyncio.create_task(hub.wait("topic", 60))
    await asyncio.sleep(0)
    hub.close()
    assert await asyncio.wait_for(waiting, 1) is False
    assert await asyncio.wait_for(hub.wait("topic", 60), 1) is False


async def test_a_tenant_is_watched_for_thirty_seconds_after_it_was_said() -> None:
    clock = Clock()
    hub, channels = await started(clock)
    assert hub.watched_tenants() == frozenset()
    channels.callbacks["farwatch_watch"](str(TENANT))
    assert hub.watched_tenants() == {str(TENANT)}
    clock.now += WATCH_S
    assert hub.watched_tenants() == frozenset()


async def test_live_checks_go_to_their_tenants_topic() -> None:
    hub, channels = await started()
    with hub.subscribe(f"farwatch_checks:{TENANT}") as hints:
        channels.callbacks["farwatch_checks"](f'{TENANT} [{{"slot":1}}]')
        assert await hints.get(0) == Hint(f"farwatch_checks:{TENANT}", '[{"slot":1}]')


async def test_a_change_between_two_long_polls_is_told_once() -> None:
    clock = Clock()
    hub, channels = await started(clock)
    topic, agent = f"{ASSIGNMENTS}:7", uuid4()
    channels.callbacks[ASSIGNMENTS]("7")
    clock.now += 1
    assert not hub.missed(topic, agent), "an agent never seen before has just read everything"
    clock.now += 1
    channels.callbacks[ASSIGNMENTS]("7")
    assert hub.missed(topic, agent)
    clock.now += 1
    hub.looked(topic, agent)
    assert not hub.missed(topic, agent)
