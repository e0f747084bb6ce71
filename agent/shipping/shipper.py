"""Results on their way: encoded once, written to the spool, sent in batches, forgotten item by item once settled.

Three loops. The writer puts what has come in on disk, within a second, at once for what is urgent. One sender sends
live results, the newest first, so that after an outage what holds now is known before what held then. Another one
drains, at a bounded rate, what the outage left on disk, and waits while the first gets no answer. Memory holds a
bounded tail of the live results; the disk holds all of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from time import perf_counter
from typing import Any

import msgspec
import structlog

from agent.link.client import Client, Refused, Unreachable
from agent.shipping.courier import Courier
from agent.shipping.spool import Item, Spool
from agent.shipping.tail import Tail, up_to
from agent.tally import Tally
from shared.backoff import exponential
from shared.results import CheckResult

log = structlog.get_logger()

GATHER_S = 1.0
"""How long an ordinary result waits for company."""

_BREATH_S = 0.005
"""Even what is urgent waits this long: failures seldom come alone."""

BATCH_ITEMS = 500
BACKLOG_ITEMS = 2000
BATCH_BYTES = 4_000_000
"""The most that one batch holds, before compression; a single result goes whatever its size."""

BACKLOG_RATE = 10_000
"""Results a second of the backlog at most; and at most half of the time goes to it, so that a control plane that has
just come back, and answers slowly, is not held down by those who waited for it."""

_PARTING_S = 2.0
_BASE_WAIT, _LONGEST_WAIT = timedelta(seconds=0.5), timedelta(seconds=15)

_encode = msgspec.json.Encoder().encode


class Shipper:
    def __init__(
        self, *, client: Client, spool: Spool, tally: Tally, now_ms: Callable[[], float], max_items: int = 10_000
    ) -> None:
        self.is_allowed = asyncio.Event()
        """Cleared while the key is refused: results then stay on disk."""
        self._spool = spool
        self._tally = tally
        self._courier = Courier(client=client, tally=tally, now_ms=now_ms, max_items=max_items, settle=self._settle)
        self._incoming: list[bytes] = []
        self._tail = Tail()
        self._in_flight: Sequence[Item] = ()
        """The live batch that is being sent: some of it may have left the tail meanwhile."""
        self._gathered = asyncio.Event()
        self._has_live = asyncio.Event()
        self._has_backlog = asyncio.Event()
        self._is_answered = asyncio.Event()
        """Cleared while live results cannot be delivered."""
        self._is_answered.set()
        self._timer: asyncio.TimerHandle | None = None
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="spool")
        self._is_disk_well = True
        self._written_to = spool.next_number
        self._on_refusal: Callable[[Refused], None] = lambda _refused: None
        if spool.pending:
            self._has_backlog.set()

    def on_refusal(self, call: Callable[[Refused], None]) -> None:
        self._on_refusal = call

    @property
    def pending(self) -> int:
        """Results that the control plane has not settled yet."""
        return len(self._incoming) + self._tail.unsafe + self._spool.pending

    @property
    def dropped(self) -> int:
        """Results lost on disk."""
        return self._spool.dropped

    # -- writing

    def put(self, result: CheckResult, *, urgent: bool) -> None:
        """Take a result. An urgent one does not wait for company."""
        self.put_encoded((_encode(result),), urgent=urgent)

    def put_encoded(self, items: Iterable[bytes], *, urgent: bool) -> None:
        """The same for results that another process has encoded."""
        self._incoming += items
        if urgent or len(self._incoming) >= BATCH_ITEMS:
            self._gathered.set()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(GATHER_S, self._gathered.set)

    async def write(self) -> None:
        """The writer: runs until cancelled."""
        while True:
            await self._gathered.wait()
            await asyncio.sleep(_BREATH_S)
            self._gathered.clear()
            await self._write_incoming()

    async def _write_incoming(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        items, self._incoming = self._incoming, []
        if not items:
            return
        try:
            numbers = await self._on_disk(self._spool.append, items)
        except OSError as error:
            self._notice_disk(error)
            self._tally.unwritten += len(items)
            numbers = [-1] * len(items)  # these live in memory alone, under numbers that are nobody's
        else:
            self._notice_disk(None)
        parked = self._tail.add(map(Item, numbers, items))
        self._tally.given_up += sum(item.number < 0 for item in parked)  # the others come back with the backlog
        self._written_to = max(self._written_to, numbers[-1] + 1)
        self._has_live.set()
        self._has_backlog.set()

    def _notice_disk(self, error: OSError | None) -> None:
        """Tell once that the disk refuses, and once that it takes results again."""
        if error is not None and self._is_disk_well:
            log.warning("results cannot be written to the spool; they are kept in memory", error=str(error))
        elif error is None and not self._is_disk_well:
            log.info("results can be written to the spool again", unwritten=self._tally.unwritten)
        self._is_disk_well = error is None

    # -- sending

    async def send(self) -> None:
        """The senders: run until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._repeat(self._has_live, self._send_live))
            tasks.create_task(self._repeat(self._has_backlog, self._send_backlog))

    async def _repeat(self, wanted: asyncio.Event, send: Callable[[], Awaitable[None]]) -> None:
        failures = 0
        while True:
            await wanted.wait()
            await self.is_allowed.wait()
            try:
                await send()
            except Unreachable as error:
                failures += 1
                await self._wait_after(error, failures)
            except Refused as refused:
                self.is_allowed.clear()
                self._on_refusal(refused)
            else:
                failures = 0

    async def _send_live(self) -> None:
        try:
            while self._tail:
                self._in_flight = self._tail.newest(limit=self._courier.limit, size=BATCH_BYTES)
                await self._courier.take(self._in_flight)
                self._is_answered.set()
        except Unreachable:
            self._is_answered.clear()
            raise
        finally:
            self._in_flight = ()
        self._has_live.clear()

    async def _send_backlog(self) -> None:
        """One batch of it, and the pause that it is worth."""
        await self._is_answered.wait()
        started = perf_counter()
        self._has_backlog.clear()
        backlog = await self._on_disk(self._oldest, self._backlog_end(), min(BACKLOG_ITEMS, self._courier.limit))
        if not backlog:
            return
        self._has_backlog.set()
        batch = up_to(BATCH_BYTES, backlog, limit=BACKLOG_ITEMS)
        await self._courier.take(batch)
        await asyncio.sleep(max(perf_counter() - started, len(batch) / BACKLOG_RATE))

    def _backlog_end(self) -> int:
        """The first number on disk that is not the backlog's, because it is on its way from memory."""
        in_flight = next((item.number for item in self._in_flight if item.number >= 0), None)
        found = [number for number in (in_flight, self._tail.first_number) if number is not None]
        return min(found, default=self._written_to)

    def _oldest(self, before: int, limit: int) -> Sequence[Item]:
        return self._spool.oldest(before=before, limit=limit)

    async def _settle(self, batch: Sequence[Item]) -> None:
        # First out of memory: a stop that comes while the disk works must not send them a second time.
        self._tail.remove(batch)
        numbers = [item.number for item in batch if item.number >= 0]
        if not numbers:
            return
        try:
            await self._on_disk(self._spool.acknowledge, numbers)
        except OSError as error:
            self._notice_disk(error)

    async def _wait_after(self, error: Unreachable, failures: int) -> None:
        self._tally.send_failures += 1
        if failures in (1, 10, 100):
            log.warning("results wait: the control plane is away", error=str(error), pending=self.pending)
        wait = exponential(
            attempt=failures,
            base=_BASE_WAIT,
            cap=_LONGEST_WAIT,
            jitter=random.random(),  # noqa: S311
        )
        await asyncio.sleep(max(wait.total_seconds(), error.retry_after_s))

    async def _on_disk(self, call: Callable[..., Any], *args: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._disk, call, *args)

    async def close(self) -> None:
        """Write what has come in and try once to send it; what is not settled goes at the next start."""
        await self._write_incoming()
        if self.is_allowed.is_set() and self._is_answered.is_set():
            with contextlib.suppress(Unreachable, Refused, TimeoutError):
                async with asyncio.timeout(_PARTING_S):
                    await self._send_live()
        await self._on_disk(self._spool.close)
        self._disk.shutdown(wait=True)
