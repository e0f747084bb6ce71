"""An agent behind a proxy that takes only small bodies: batches shrink until they pass, and nothing is given up."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import pytest
from aiohttp import web

from agent.link.client import Client
from agent.shipping import shipper as shipping
from agent.shipping.shipper import Shipper
from agent.shipping.spool import Spool
from agent.tally import Tally
from shared.results import CheckResult, Detail, Outcome
from tests.support.fake_control_plane import KEY, FakeControlPlane
from tests.support.waiting import until


class NarrowProxy(FakeControlPlane):
    """Answers like a proxy, in HTML and before the control plane sees it, where a batch has more than `most` items."""

    def __init__(self, *, status: int, most: int) -> None:
        super().__init__()
        self.status = status
        self.most = most
        self.is_own_answer = False
        self.widens = False
        """Takes everything once a first batch has passed."""
        self.sizes: list[int] = []
        self.bytes: list[int] = []

    async def _results(self, request: web.Request) -> web.StreamResponse:  # type: ignore[override]
        request = request.clone(client_max_size=1 << 24)
        body = await request.read()
        self.sizes.append(body.count(b'"monitor_id"'))
        self.bytes.append(len(body))
        if self.sizes[-1] > self.most:
            self.fails_as_proxy = not self.is_own_answer
            return self._failure(self.status)
        if self.widens:
            self.most = 10_000
        return await super()._results(request)


@asynccontextmanager
async def shipper(url: str, directory: Path, *, backlog: int = 0, spool: Spool | None = None) -> AsyncIterator[Shipper]:
    """One that sends, with so many results on disk from before."""
    spool = spool or Spool(directory)
    if backlog:
        spool.append([shipping._encode(a_result(number)) for number in range(backlog)])
    tally = Tally()
    async with Client(url=url, key=lambda: KEY) as client:
        made = Shipper(client=client, spool=spool, tally=tally, now_ms=lambda: time.time() * 1000)
        made.is_allowed.set()
        tasks = [asyncio.create_task(made.write()), asyncio.create_task(made.send())]
        try:
            yield made
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await made.close()


def a_result(number: int, message: str = "") -> CheckResult:
    return CheckResult(
        monitor_id=UUID(int=number), check_version=1, slot=1000, outcome=Outcome.UP, detail=Detail(message=message)
    )


@pytest.mark.parametrize(("status", "is_own_answer"), [(413, False), (408, False), (408, True)])
async def test_a_batch_too_large_for_a_proxy_arrives_in_smaller_ones(
    tmp_path: Path, status: int, is_own_answer: bool
) -> None:
    plane = NarrowProxy(status=status, most=300)
    plane.is_own_answer = is_own_answer
    async with plane.serving() as url, shipper(url, tmp_path, backlog=1000) as made:
        await until(lambda: made.pending == 0, "all are settled", timeout=15)
        assert made._tally.given_up == 0
    assert len(plane.stored) == 1000


async def test_a_limit_of_the_control_plane_itself_is_remembered_for_the_next_batch(tmp_path: Path) -> None:
    plane = NarrowProxy(status=413, most=300)
    plane.is_own_answer = True
    async with plane.serving() as url, shipper(url, tmp_path, backlog=2500) as made:
        await until(lambda: made.pending == 0, "all are settled", timeout=15)
        assert made._tally.given_up == 0
    assert sum(size > 300 for size in plane.sizes) == 7  # 2000, its halves and their halves


async def test_a_single_result_is_kept_for_as_long_as_a_proxy_refuses_it(tmp_path: Path) -> None:
    plane = NarrowProxy(status=413, most=0)
    async with plane.serving() as url, shipper(url, tmp_path, backlog=2) as made:
        await until(lambda: plane.sizes[-2:] == [1, 1], "it is refused alone, twice", timeout=15)
        assert (made.pending, made._tally.given_up) == (2, 0)
        plane.most = 1
        await until(lambda: made.pending == 0, "both are settled", timeout=15)
    assert len(plane.stored) == 2


async def test_batches_grow_again_step_by_step_once_larger_ones_pass(tmp_path: Path) -> None:
    plane = NarrowProxy(status=413, most=100)
    plane.widens = True
    async with plane.serving() as url, shipper(url, tmp_path, backlog=700) as made:
        await until(lambda: made.pending == 0, "all are settled", timeout=15)
    passed = plane.sizes[next(index for index, size in enumerate(plane.sizes) if size <= 100) : -1]
    assert len(passed) > 4
    assert all(before < after <= before * 1.1 for before, after in itertools.pairwise(passed))


class SlowDisk(Spool):
    """Writes acknowledgements only when it is let."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.may_write = threading.Event()
        self.is_asked = threading.Event()

    def acknowledge(self, numbers: Iterable[int]) -> None:
        self.is_asked.set()
        self.may_write.wait(5)
        super().acknowledge(numbers)


async def test_a_stop_while_an_acknowledgement_is_written_sends_nothing_twice(tmp_path: Path) -> None:
    plane = NarrowProxy(status=413, most=10_000)
    disk = SlowDisk(tmp_path)
    async with plane.serving() as url, shipper(url, tmp_path, spool=disk) as made:
        made.put(a_result(1), urgent=True)
        await until(disk.is_asked.is_set, "the acknowledgement is on its way to disk")
        asyncio.get_running_loop().call_later(0.1, disk.may_write.set)
    assert plane.sizes == [1]


async def test_a_batch_holds_no_more_than_four_megabytes(tmp_path: Path) -> None:
    plane = NarrowProxy(status=413, most=10_000)
    async with plane.serving() as url, shipper(url, tmp_path) as made:
        made.is_allowed.clear()
        for number in range(9000):
            made.put(a_result(number, "e" * 500), urgent=False)
        await until(lambda: len(made._tail) == 9000, "they are written", timeout=15)
        made.is_allowed.set()
        await until(lambda: made.pending == 0, "all are settled", timeout=15)
    assert len(plane.bytes) == 2
    assert max(plane.bytes) <= shipping.BATCH_BYTES + 100
