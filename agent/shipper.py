"""Results on their way: encoded once, written to the spool, sent in batches, forgotten item by item once settled.

Two loops. The writer puts what has come in on disk, within a second, at once for what is urgent. The sender sends
what is written: live results first and then, at a bounded rate, what an outage left on disk. Memory holds a bounded
tail of the live results; the disk holds all of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import islice
from time import perf_counter
from typing import Any

import msgspec
import structlog

from agent.client import Client, NotAccepted, Refused, TooLarge, Unreachable
from agent.spool import Item, Spool
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

_GROWTH = 16
"""A batch limit that was halved grows by this fraction of itself with each full batch that passes."""

_KEPT_IN_MEMORY = 20_000
_PARTING_S = 2.0
_BASE_WAIT, _LONGEST_WAIT = timedelta(seconds=0.5), timedelta(seconds=15)

_encode = msgspec.json.Encoder().encode


class Shipper:
    def __init__(
        self, *, client: Client, spool: Spool, tally: Tally, now_ms: Callable[[], float], max_items: int = 10_000
    ) -> None:
        self.is_allowed = asyncio.Event()
        """Cleared while the key is refused: results then stay on disk."""
        self._client = client
        self._spool = spool
        self._tally = tally
        self._now_ms = now_ms
        self._batch_limit = max_items
        self._max_items = max_items
        self._incoming: list[bytes] = []
        self._written: deque[Item] = deque()
        self._gathered = asyncio.Event()
        self._to_send = asyncio.Event()
        self._is_fresh = asyncio.Event()
        """Set when live results have come since the sender last looked."""
        self._backlog_at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="spool")
        self._written_to = spool.next_number
        self._failures = 0
        self._on_refusal: Callable[[Refused], None] = lambda _refused: None
        if spool.pending:
            self._to_send.set()

    def on_refusal(self, call: Callable[[Refused], None]) -> None:
        self._on_refusal = call

    @property
    def pending(self) -> int:
        """Results that the control plane has not settled yet."""
        return len(self._incoming) + self._spool.pending

    @property
    def dropped(self) -> int:
        """Results lost on disk."""
        return self._spool.dropped

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
            # The disk is full or gone: these live in memory alone, under numbers that are nobody's.
            log.warning("results cannot be written to the spool", error=str(error), count=len(items))
            self._tally.unwritten += len(items)
            numbers = [-1] * len(items)
        self._written.extend(map(Item, numbers, items))
        self._written_to = max(self._written_to, numbers[-1] + 1)
        while len(self._written) > _KEPT_IN_MEMORY:
            self._park(self._written.popleft())
        self._to_send.set()
        self._is_fresh.set()

    def _park(self, item: Item) -> None:
        """Leave an item to the disk; it comes back with the backlog."""
        if item.number < 0:
            self._tally.given_up += 1

    async def send(self) -> None:
        """The sender: runs until cancelled."""
        while True:
            await self._to_send.wait()
            await self.is_allowed.wait()
            try:
                self._is_fresh.clear()
                await self._send_live()
                await self._send_backlog_in_turn()
            except Unreachable as error:
                await self._wait_after(error)
            except Refused as refused:
                self.is_allowed.clear()
                self._on_refusal(refused)

    async def _send_live(self) -> None:
        while self._written:
            await self._send(_up_to(BATCH_BYTES, islice(self._written, self._batch_limit)))

    async def _send_backlog_in_turn(self) -> None:
        """A batch of the backlog when its time has come; until then live results are waited for."""
        started = perf_counter()
        if started < self._backlog_at:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._backlog_at - started):
                    await self._is_fresh.wait()
            return
        sent = await self._send_backlog()
        ended = perf_counter()
        self._backlog_at = ended + max(ended - started, sent / BACKLOG_RATE) if sent else 0.0

    async def _send_backlog(self) -> int:
        """One batch of what lies on disk; how many it held."""
        before = next((item.number for item in self._written if item.number >= 0), self._written_to)
        limit = min(BACKLOG_ITEMS, self._batch_limit)
        backlog = await self._on_disk(self._oldest, before, limit)
        if backlog:
            batch = _up_to(BATCH_BYTES, backlog)
            await self._send(batch)
            return len(batch)
        if not self._written:
            self._to_send.clear()
        return 0

    def _oldest(self, before: int, limit: int) -> Sequence[Item]:
        return self._spool.oldest(before=before, limit=limit)

    async def _send(self, batch: Sequence[Item]) -> None:
        """Send and settle. Raises Unreachable or Refused; nothing is forgotten then."""
        try:
            receipt = await self._client.results([item.data for item in batch], sent_at=int(self._now_ms()))
        except NotAccepted as error:
            await self._shrink(batch, error)
            return
        except TooLarge:
            self._batch_limit = max(1, len(batch) // 2)
            raise
        self._failures = 0
        self._grow(len(batch))
        self._tally.settled(receipt.statuses)
        await self._settle(batch)

    def _grow(self, passed: int) -> None:
        """Only a full batch says that more may pass; slowly, because a lasting limit is met again at every excess."""
        if passed >= self._batch_limit:
            self._batch_limit = min(self._max_items, passed + max(1, passed // _GROWTH))

    async def _shrink(self, batch: Sequence[Item], error: NotAccepted) -> None:
        """A batch is not accepted: find the item that spoils it by halving, and give up that one."""
        half = len(batch) // 2
        if error.status == 413:  # the other refusals say nothing about size
            self._batch_limit = max(1, half)
        if half:
            await self._send(batch[:half])
            await self._send(batch[half:])
            return
        log.error("the control plane does not accept a result", error=str(error), item=batch[0].data[:300].decode())
        self._tally.given_up += 1
        await self._settle(batch)

    async def _settle(self, batch: Sequence[Item]) -> None:
        # First out of memory: a stop that comes while the disk works must not send them a second time.
        done = {id(item) for item in batch}
        # The writer may have parked some of them in the meantime; those still there are at the front.
        while self._written and id(self._written[0]) in done:
            self._written.popleft()
        try:
            await self._on_disk(self._spool.acknowledge, [item.number for item in batch if item.number >= 0])
        except OSError as error:
            log.warning("an acknowledgement cannot be written; the results may be sent again", error=str(error))

    async def _wait_after(self, error: Unreachable) -> None:
        self._failures += 1
        self._tally.send_failures += 1
        if self._failures in (1, 10, 100):
            log.warning("results wait: the control plane is away", error=str(error), pending=self.pending)
        wait = exponential(
            attempt=self._failures,
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
        if self.is_allowed.is_set() and not self._failures:
            with contextlib.suppress(Unreachable, Refused, TimeoutError):
                async with asyncio.timeout(_PARTING_S):
                    await self._send_live()
        await self._on_disk(self._spool.close)
        self._disk.shutdown(wait=True)


def _up_to(size: int, items: Iterable[Item]) -> list[Item]:
    """The first items, at least one, that together have no more than `size` bytes."""
    taken: list[Item] = []
    left = size
    for item in items:
        left -= len(item.data) + 1  # and a comma
        if taken and left < 0:
            break
        taken.append(item)
    return taken
