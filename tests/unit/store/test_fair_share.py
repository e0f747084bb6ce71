"""Permits shared between tenants: a flood of one leaves the others their turn."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from control_plane.errors import TooMany, Unavailable
from control_plane.store.fair_share import MAX_WAITING, FairShare


class Crowd:
    """Requests of tenants, each of which holds its permit until it is told to go."""

    def __init__(self, size: int) -> None:
        self.share = FairShare(size, patience_s=30)
        self.working: list[str] = []
        self._tasks: list[tuple[str, asyncio.Task[None], asyncio.Event]] = []

    async def come(self, tenant: str, count: int = 1) -> None:
        for _ in range(count):
            go = asyncio.Event()
            self._tasks.append((tenant, asyncio.create_task(self._work(tenant, go)), go))
        await settle()

    async def _work(self, tenant: str, go: asyncio.Event) -> None:
        async with self.share.turn(tenant):
            self.working.append(tenant)
            try:
                await go.wait()
            finally:
                self.working.remove(tenant)

    async def finish(self, tenant: str) -> None:
        """The first of the tenant's requests that works is done."""
        found = next(each for each in self._tasks if each[0] == tenant)
        self._tasks.remove(found)
        found[2].set()
        await found[1]
        await settle()

    async def leave(self) -> None:
        for _, task, _ in self._tasks:
            task.cancel()
        await asyncio.gather(*(task for _, task, _ in self._tasks), return_exceptions=True)

    def count(self, tenant: str) -> int:
        return self.working.count(tenant)


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_one_tenant_takes_half_and_no_more() -> None:
    crowd = Crowd(10)
    await crowd.come("flood", 50)
    assert crowd.count("flood") == 5
    await crowd.leave()


async def test_whoever_comes_next_finds_some_free() -> None:
    crowd = Crowd(10)
    await crowd.come("flood", 50)
    await crowd.come("second", 50)
    await crowd.come("third", 50)
    await crowd.come("quiet")
    assert [crowd.count(name) for name in ("flood", "second", "third", "quiet")] == [5, 3, 1, 1]
    await crowd.leave()


async def test_tenants_that_wait_take_turns() -> None:
    crowd = Crowd(2)
    await crowd.come("flood", 9)
    await crowd.come("other", 2)
    await crowd.come("quiet")
    assert crowd.working == ["flood", "other"]
    await crowd.finish("other")
    assert crowd.working == ["flood", "other"], "flood holds as many as are free"
    await crowd.finish("other")
    assert crowd.working == ["flood", "quiet"]
    await crowd.finish("flood")
    assert crowd.working == ["quiet", "flood"]
    await crowd.leave()


async def test_a_tenants_own_requests_keep_their_order() -> None:
    share, order = FairShare(1, patience_s=30), list[int]()

    async def work(number: int) -> None:
        async with share.turn("acme"):
            order.append(number)
            await asyncio.sleep(0)

    await asyncio.gather(*(work(number) for number in range(20)))
    assert order == list(range(20))


async def test_a_pool_of_one_serves_everybody() -> None:
    crowd = Crowd(1)
    await crowd.come("acme", 3)
    await crowd.come("other")
    await crowd.finish("acme")
    assert crowd.working == ["acme"]
    await crowd.finish("acme")
    assert crowd.working == ["other"]
    await crowd.leave()


async def test_who_goes_away_while_waiting_leaves_no_permit_behind() -> None:
    crowd = Crowd(2)
    await crowd.come("acme", 40)
    await crowd.leave()
    async with AsyncExitStack() as held:
        await held.enter_async_context(crowd.share.turn("acme"))
        await held.enter_async_context(crowd.share.turn("other"))


async def test_a_permit_that_comes_to_nobody_is_handed_on() -> None:
    share = FairShare(1, patience_s=30)
    async with share.turn("acme"):
        waiting = asyncio.create_task(enter(share, "acme"))
        await settle()
    waiting.cancel()  # the permit was granted in the same turn of the loop
    await asyncio.gather(waiting, return_exceptions=True)
    await enter(share, "other")


async def enter(share: FairShare, tenant: str) -> None:
    async with share.turn(tenant):
        pass


async def test_whoever_waits_too_long_is_told_to_come_back() -> None:
    share = FairShare(1, patience_s=0.01)
    async with share.turn("acme"):
        with pytest.raises(Unavailable):
            await enter(share, "other")
    await enter(share, "other")


async def test_a_queue_has_an_end() -> None:
    crowd = Crowd(2)
    await crowd.come("flood", MAX_WAITING + 1)
    with pytest.raises(TooMany) as refusal:
        await enter(crowd.share, "flood")
    assert refusal.value.details == {"scope": "concurrency", "limit": MAX_WAITING}
    await crowd.come("quiet")
    assert crowd.count("quiet") == 1
    await crowd.leave()
