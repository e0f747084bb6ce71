"""The scheduler by itself, in a process of its own:

    python -m tests.bench.schedule_alone cost|memory MONITORS CADENCE_MS [SECONDS]  ->  JSON

`cost` runs it by the real clock, woken as the agent wakes it, and every check ends at once. `memory` counts what it
allocates for monitors that somebody else holds already.
"""

from __future__ import annotations

import asyncio
import math
import resource
import sys
import time
import tracemalloc
from array import array
from collections import Counter
from collections.abc import Callable
from uuid import UUID

import msgspec
import uvloop

from agent.checks import crowd_of
from agent.link.server_clock import ServerClock
from agent.schedule.crowds import Crowds
from agent.schedule.scheduler import Scheduler
from shared.checks.http import HttpCheck
from shared.protocol import Assignment
from tests.bench.rotation import percentile
from tests.bench.sink import Load, assignments

_ME = UUID(int=1)
_TENANTS = 100
_DENSITY_MS = 10


class ScheduleCost(msgspec.Struct, frozen=True):
    """`started`: checks; `wrong`: those that came early, twice, out of their slot, or were missed."""

    started: int
    wrong: int
    cpu_s: float
    seconds: float
    late_p99_ms: float
    late_first_ms: float
    late_last_ms: float
    """The medians of the first and of the last tenth: what grows between them is drift."""
    busiest: float
    """The busiest 10 ms against the mean."""


class ScheduleMemory(msgspec.Struct, frozen=True):
    bytes_each: float


def monitors(count: int, cadence_ms: int) -> list[Assignment]:
    """At distinct targets, as a region's are."""
    checks = [HttpCheck(url=f"https://site-{number}.example/") for number in range(count)]
    tenants = [UUID(int=number) for number in range(1, _TENANTS + 1)]
    return assignments(Load(checks, cadence_ms, concurrency=0, tenants=tenants))


def a_scheduler(now_ms: Callable[[], float]) -> Scheduler:
    return Scheduler(me=_ME, now_ms=now_ms, crowds=Crowds(crowd_of=crowd_of, per_target=10))


class _Drive:
    """Wakes a scheduler as the agent does (see agent.work) and ends what it starts at once."""

    def __init__(self, scheduler: Scheduler, clock: ServerClock, *, room: int) -> None:
        self.late = array("f", bytes(4 * room))
        self.slots = array("q", bytes(8 * room))
        self.started = 0
        self._scheduler = scheduler
        self._clock = clock

    def wake(self) -> None:
        scheduler = self._scheduler
        scheduler.advance()
        started, late, slots = self.started, self.late, self.slots
        while (job := scheduler.take()) is not None:
            late[started] = job.late_ms
            slots[started] = job.slot
            started += 1
            scheduler.finished(job)
        self.started = started
        next_at = scheduler.next_at()
        assert next_at is not None
        wait = math.ceil(next_at - self._clock.now_ms()) + 1
        asyncio.get_running_loop().call_later(max(wait, 1) / 1000, self.wake)


async def cost(count: int, cadence_ms: int, seconds: float) -> ScheduleCost:
    clock = ServerClock()
    scheduler, known = a_scheduler(clock.now_ms), monitors(count, cadence_ms)
    await scheduler.share_among((_ME,), _ME)
    await scheduler.replace(known)
    drive = _Drive(scheduler, clock, room=round(count * (seconds + 5) * 1000 / cadence_ms) + count)
    drive.wake()
    await asyncio.sleep(1)
    first, before, begun = drive.started, _cpu_s(), time.monotonic()
    await asyncio.sleep(seconds)
    used, passed, last = _cpu_s() - before, time.monotonic() - begun, drive.started
    late, slots = drive.late[first:last], drive.slots[first:last]
    due = Counter(each.phase for each in known)
    tenth = max(1, (last - first) // 10)
    return ScheduleCost(
        started=last - first,
        wrong=scheduler.gaps + sum(each < 0 for each in late) + _missed(slots, due, cadence_ms),
        cpu_s=used,
        seconds=passed,
        late_p99_ms=percentile(late, 0.99),
        late_first_ms=percentile(late[:tenth], 0.5),
        late_last_ms=percentile(late[-tenth:], 0.5),
        busiest=_busiest(slots),
    )


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _missed(slots: array[int], due: Counter[int], cadence_ms: int) -> int:
    """Of all slots in the middle of the window: how many checks too many or too few each of them had."""
    counts = Counter(slots)
    ordered = sorted(counts)
    middle = range(ordered[0] + 20, ordered[-1] - 20)
    return sum(abs(counts[slot] - due[slot % cadence_ms]) for slot in middle)


def _busiest(slots: array[int]) -> float:
    counts = Counter(slot // _DENSITY_MS for slot in slots)
    middle = range(min(counts) + 1, max(counts))
    return max(counts[ten] for ten in middle) * len(middle) / sum(counts[ten] for ten in middle)


def memory(count: int, cadence_ms: int) -> ScheduleMemory:
    """Beyond the monitor and the table by which it is found, which the agent needs whatever runs it."""
    known = {each.monitor_id: each for each in monitors(count, cadence_ms)}
    for each in known.values():
        crowd_of(each.check)  # what a kind of check remembers is its own
    now = time.time() * 1000
    scheduler = a_scheduler(lambda: now)
    asyncio.run(scheduler.share_among((_ME,), _ME))
    tracemalloc.start()
    for each in known.values():
        scheduler.put(each)
    for _ in range(2 * cadence_ms // _DENSITY_MS):
        now += _DENSITY_MS
        scheduler.advance()
        while (job := scheduler.take()) is not None:
            scheduler.finished(job)
    held, _ = tracemalloc.get_traced_memory()
    return ScheduleMemory((held - sys.getsizeof(scheduler.entries)) / count)


def main() -> None:
    what, count, cadence_ms = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    told: ScheduleCost | ScheduleMemory = (
        uvloop.run(cost(count, cadence_ms, float(sys.argv[4]))) if what == "cost" else memory(count, cadence_ms)
    )
    sys.stdout.write(msgspec.json.encode(told).decode())


if __name__ == "__main__":
    main()
