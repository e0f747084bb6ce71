"""Work in several processes: the main process tells each worker its part, and passes on what they report.

A monitor belongs to the worker that its crowd falls to, so that the caps on crowds hold over all workers. A worker that
dies is replaced and told everything anew; what it had under way is a gap, or another slot's.
"""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import zlib
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from time import perf_counter
from uuid import UUID

import msgspec
import structlog

from agent.checks import crowd_of
from agent.server_clock import ServerClock
from agent.settings import AgentSettings
from agent.tally import Tally
from agent.work import Held, WorkStats
from agent.workers.messages import (
    Clock,
    Drain,
    Drained,
    Grant,
    Order,
    Pause,
    Put,
    Ran,
    Remove,
    Report,
    Send,
    ShareAmong,
    Start,
    Tested,
    news,
    write,
)
from shared.checks import Check
from shared.protocol import Assignment, Dispatch, RegionGrant
from shared.results import CheckResult, Outcome, Reason

log = structlog.get_logger()

_CHUNK = 1000
"""Assignments in one frame."""

_ERRANDS_KEPT = 256
_REPLACED_AFTER_S = 1.0
_MOVED_MS = 0.05
"""A smaller correction of the clock is not worth telling."""

_PARTING_S = 5.0


class Holding(msgspec.Struct, frozen=True):
    """An assignment, and the number of the worker that has it."""

    assignment: Assignment
    worker: int


class Crew:
    """`deliver` gets encoded results, `report_test` what tests saw; `on_health` is called with each worker's report."""

    def __init__(
        self,
        *,
        settings: AgentSettings,
        me: UUID,
        grant: RegionGrant,
        clock: ServerClock,
        tally: Tally,
        deliver: Callable[[Iterable[bytes], bool], None],
        report_test: Callable[[Dispatch, CheckResult], None],
        on_health: Callable[[], None],
    ) -> None:
        self.entries: Mapping[UUID, Held] = {}
        self._entries: dict[UUID, Holding] = {}
        self.entries = self._entries
        self._clock = clock
        self._tally = tally
        self._deliver = deliver
        self._report_test = report_test
        self._on_health = on_health
        self._told_base_ms = clock.base_ms
        self._paused: str | None = None
        self._share = ShareAmong((), me)
        count = settings.workers
        self._members = [
            Member(
                number,
                Start(
                    settings=msgspec.structs.replace(settings, key=""),
                    me=me,
                    grant=grant,
                    base_ms=clock.base_ms,
                    concurrency=-(-settings.concurrency // count),
                    number=number,
                ),
                hear=self._hear,
                brief=self._brief,
            )
            for number in range(count)
        ]

    # -- what it is told

    @property
    def paused(self) -> str | None:
        return self._paused

    @paused.setter
    def paused(self, reason: str | None) -> None:
        if reason != self._paused:
            self._paused = reason
            self._tell_all(Pause(reason))

    @property
    def health_reason(self) -> str | None:
        return next((member.health_reason for member in self._members if member.health_reason), None)

    async def start(self) -> None:
        for member in self._members:
            member.start()

    async def replace(self, assignments: Iterable[Assignment]) -> None:
        wanted = {assignment.monitor_id: assignment for assignment in assignments}
        self._remove(self._entries.keys() - wanted.keys())
        parts: dict[int, list[Assignment]] = {member.number: [] for member in self._members}
        for assignment in wanted.values():
            known = self._entries.get(assignment.monitor_id)
            if known is None or known.assignment != assignment:
                parts[self._hold(assignment)].append(assignment)
        for number, part in parts.items():
            self._members[number].put(part)
            await asyncio.sleep(0)

    def put(self, assignment: Assignment) -> None:
        self._members[self._hold(assignment)].put([assignment])

    def remove(self, monitor_id: UUID) -> None:
        self._remove((monitor_id,))

    def _remove(self, monitor_ids: Iterable[UUID]) -> None:
        for monitor_id in list(monitor_ids):
            held = self._entries.pop(monitor_id, None)
            if held is not None:
                self._members[held.worker].tell(Remove((monitor_id,)))

    def _hold(self, assignment: Assignment) -> int:
        """Note who has it; a worker that it leaves, because its target changed, is told."""
        number = self._worker_for(assignment.check, assignment.tenant_id)
        known = self._entries.get(assignment.monitor_id)
        if known is not None and known.worker != number:
            self._members[known.worker].tell(Remove((assignment.monitor_id,)))
        self._entries[assignment.monitor_id] = Holding(assignment, number)
        return number

    def _worker_for(self, check: Check, tenant_id: UUID) -> int:
        crowd = crowd_of(check)
        salt = tenant_id.bytes if crowd.per_tenant else b""
        return zlib.crc32(crowd.key.encode(), zlib.crc32(salt)) % len(self._members)

    async def share_among(self, agents: Iterable[UUID], me: UUID) -> None:
        share = ShareAmong(tuple(sorted(agents)), me)
        if share != self._share:
            self._share = share
            self._tell_all(share)

    def send(self, dispatch: Dispatch) -> None:
        held = None if dispatch.monitor_id is None else self._entries.get(dispatch.monitor_id)
        if held is not None:
            self._members[held.worker].tell(Send(dispatch))
        elif dispatch.check is not None:
            self._members[self._worker_for(dispatch.check, dispatch.tenant_id)].tell(Send(dispatch))

    def clock_set_back(self) -> None:
        self._told_base_ms = self._clock.base_ms
        self._tell_all(Clock(self._told_base_ms, is_set_back=True))

    def take_grant(self, grant: RegionGrant) -> None:
        for member in self._members:
            member.begin = msgspec.structs.replace(member.begin, grant=grant)
        self._tell_all(Grant(grant))

    def wake(self) -> None:
        """The workers mind their schedules themselves; only the clock has to be passed on."""
        if abs(self._clock.base_ms - self._told_base_ms) > _MOVED_MS:
            self._told_base_ms = self._clock.base_ms
            self._tell_all(Clock(self._told_base_ms))

    def look(self, *, anew: bool = False) -> WorkStats:
        every = [member.stats(anew=anew) for member in self._members]
        return WorkStats(
            gaps=sum(stats.gaps for stats in every),
            crowded_gaps=sum(stats.crowded_gaps for stats in every),
            crowded=sum(stats.crowded for stats in every),
            running=sum(stats.running for stats in every),
            saturation=max(stats.saturation for stats in every),
            late_ms=max(stats.late_ms for stats in every),
            lag_ms=max(stats.lag_ms for stats in every),
        )

    def tidy(self) -> None:
        """The workers do that themselves."""

    async def drain(self, seconds: float) -> None:
        """Start nothing more, and let what is under way end, for so long at most."""
        await asyncio.gather(*(member.drain(seconds) for member in self._members))

    async def stop(self) -> None:
        await asyncio.gather(*(member.stop() for member in self._members))

    # -- what it hears

    def _tell_all(self, order: Order) -> None:
        for member in self._members:
            member.tell(order)

    def _brief(self, member: Member) -> None:
        """Tell a new worker process all that it has to know."""
        member.tell(msgspec.structs.replace(member.begin, base_ms=self._clock.base_ms))
        if self._paused:
            member.tell(Pause(self._paused))
        member.put([held.assignment for held in self._entries.values() if held.worker == member.number])
        member.tell(self._share)

    def _hear(self, message: Ran | Tested | Report) -> None:
        match message:
            case Ran(items, urgent):
                self._deliver(items, urgent)
            case Tested(dispatch, result):
                self._report_test(dispatch, result)
            case Report():
                counts = Counter({(Outcome(outcome), Reason(reason)): n for outcome, reason, n in message.counts})
                self._tally.checks.update(counts)
                if any(outcome is Outcome.UP for outcome, _ in counts):
                    self._tally.succeeded_at = perf_counter()
                self._on_health()


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
            await self._live_once()
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
            try:
                await self._listen(*await asyncio.open_connection(sock=ours))
            finally:
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

    def _take(self, message: Ran | Tested | Report | Drained) -> None:
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
