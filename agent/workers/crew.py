"""Work in several processes: the main process tells each worker its part, and passes on what they report.

A monitor belongs to the worker that its crowd falls to, so that the caps on crowds hold over all workers. A worker that
dies or hangs is replaced and told everything anew; what it had under way is a gap, or another slot's.
"""

from __future__ import annotations

import asyncio
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from time import perf_counter
from uuid import UUID

import msgspec

from agent.checks import crowd_of
from agent.link.server_clock import ServerClock
from agent.settings import AgentSettings
from agent.tally import Tally
from agent.work import Held, WorkStats
from agent.workers.member import Member
from agent.workers.messages import (
    Clock,
    Grant,
    Order,
    Pause,
    Ran,
    Remove,
    Report,
    Send,
    ShareAmong,
    Start,
    Tested,
)
from shared.checks import Check
from shared.protocol import Assignment, Dispatch, RegionGrant
from shared.results import CheckResult, Outcome, Reason

_MOVED_MS = 0.05
"""A smaller correction of the clock is not worth telling."""


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
        if dispatch.check is not None:  # a test, which may be of another target than its monitor's
            self._members[self._worker_for(dispatch.check, dispatch.tenant_id)].tell(Send(dispatch))
        elif held is not None:
            self._members[held.worker].tell(Send(dispatch))

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
