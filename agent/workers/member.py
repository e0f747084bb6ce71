"""One worker process, as the main process sees it: started, told, listened to, and replaced when it dies or hangs."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterable
from itertools import islice

import msgspec
import structlog

from agent.work import WorkStats
from agent.workers.messages import Drain, Drained, Order, Put, Ran, Report, Send, Start, Tested, news, write
from shared.protocol import Assignment

log = structlog.get_logger()

_CHUNK = 1000
"""Assignments in one frame."""

_ERRANDS_KEPT = 256
_REPLACED_AFTER_S = 1.0
_PARTING_S = 5.0

_SILENT_S = 30
"""A worker reports every second. One that says nothing for so long hangs, and its monitors with it."""


class Member:
    """One worker process, replaced when it dies. `brief` is called with each new one, before anything else is told."""

    def __init__(
        self,
        number: int,
        begin: Start,
        *,
        hear: Callable[[Ran | Tested | Report], None],
        brief: Callable[[Member], None],
    ) -> None:
        self.number = number
        self.begin = begin
        self.health_reason: str | None = None
        self._hear = hear
        self._brief = brief
        self._writer: asyncio.StreamWriter | None = None
        self._life: asyncio.Task[None] | None = None
        self._waiting: deque[Send] = deque(maxlen=_ERRANDS_KEPT)
        self._drained = asyncio.Event()
        self._is_stopping = False
        self._has_spoken = False
        self._stats = WorkStats()
        self._before = WorkStats()
        """What processes that died had counted."""

    def start(self) -> None:
        self._life = asyncio.create_task(self._live())

    def tell(self, order: Order) -> None:
        """While it is being replaced nobody listens: errands wait for the new one, which is told all else anyway."""
        if self._writer is not None:
            write(self._writer, order)
        elif isinstance(order, Send):
            self._waiting.append(order)

    def put(self, assignments: Iterable[Assignment]) -> None:
        rest = iter(assignments)
        while chunk := tuple(islice(rest, _CHUNK)):
            self.tell(Put(chunk))

    def stats(self, *, anew: bool) -> WorkStats:
        stats = self._stats
        if anew:
            self._stats = msgspec.structs.replace(stats, late_ms=0.0, lag_ms=0.0)
        return msgspec.structs.replace(
            stats, gaps=stats.gaps + self._before.gaps, crowded_gaps=stats.crowded_gaps + self._before.crowded_gaps
        )

    async def drain(self, seconds: float) -> None:
        if self._writer is None:
            return
        self._drained.clear()
        self.tell(Drain(seconds))
        try:
            async with asyncio.timeout(seconds + 1.0):
                await self._drained.wait()
        except TimeoutError:
            log.warning("a worker does not come to an end", worker=self.number)

    async def stop(self) -> None:
        self._is_stopping = True
        if self._life is not None:
            self._life.cancel()
            await asyncio.gather(self._life, return_exceptions=True)

    async def _live(self) -> None:
        while not self._is_stopping:
            try:
                await self._live_once()
            except OSError as error:
                log.error("a worker process cannot be started", worker=self.number, error=str(error))
            if not self._is_stopping:
                log.error("a worker process died; it is replaced", worker=self.number)
                self.health_reason = "a worker process died"
                self._before = msgspec.structs.replace(self.stats(anew=True), saturation=0.0)
                self._stats = WorkStats()
                await asyncio.sleep(_REPLACED_AFTER_S)

    async def _live_once(self) -> None:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            # Not asyncio's own: a start that is cancelled half-way must leave no process behind.
            process = subprocess.Popen(  # noqa: ASYNC220, S603 (some milliseconds, when the agent starts)
                [sys.executable, "-m", "agent.workers.process", str(theirs.fileno())], pass_fds=[theirs.fileno()]
            )
            theirs.close()
            watch = asyncio.create_task(self._watch(process))
            try:
                await self._listen(*await asyncio.open_connection(sock=ours))
            finally:
                watch.cancel()
                ours.close()
                await _end(process)

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Until the process is gone."""
        self._writer = writer
        try:
            self._brief(self)
            while self._waiting:
                write(writer, self._waiting.popleft())
            async for message in news(reader):
                self._take(message)
        finally:
            self._writer = None
            self._drained.set()
            writer.close()

    async def _watch(self, process: subprocess.Popen[bytes]) -> None:
        """End a worker that hangs. Its silence is counted in seconds on which we were awake to hear it ourselves."""
        silent = 0
        while silent < _SILENT_S:
            await asyncio.sleep(1.0)
            silent = 0 if self._has_spoken else silent + 1
            self._has_spoken = False
        log.error("a worker process hangs; it is ended", worker=self.number)
        process.kill()

    def _take(self, message: Ran | Tested | Report | Drained) -> None:
        self._has_spoken = True
        if isinstance(message, Drained):
            self._drained.set()
            return
        if isinstance(message, Report):
            stats = message.stats
            self.health_reason = message.health_reason
            self._stats = msgspec.structs.replace(
                stats,
                late_ms=max(stats.late_ms, self._stats.late_ms),
                lag_ms=max(stats.lag_ms, self._stats.lag_ms),
            )
        self._hear(message)


async def _end(process: subprocess.Popen[bytes]) -> None:
    """It ends by itself once its connection is closed; one that does not is ended."""
    try:
        await asyncio.to_thread(process.wait, _PARTING_S)
    except subprocess.TimeoutExpired:
        process.kill()
        await asyncio.to_thread(process.wait)
