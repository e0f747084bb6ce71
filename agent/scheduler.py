"""What is to run now: all assignments of the region are known, those of this agent's share are on the wheel.

Invariants: at most one check of a monitor is under way at a time, and of a crowd only so many (see agent.crowds); a
slot is started once, within its interval, or is a gap, which is counted and never made up for; what is due longest
starts first. Time is the caller's, in server ms.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from uuid import UUID

from agent.crowds import Crowds, Key
from agent.rendezvous import Share
from agent.slots import slot_after, slot_on_gain, slot_until
from agent.wheel import Wheel
from shared.checks import Check
from shared.protocol import Assignment, Dispatch

NEVER = 2**62
_PATIENCE_MS = 5_000
"""After the server's clock was set back, a monitor may wait this much longer than its interval for a slot that is new;
when that is not enough, slots are run again, because unwatched monitors are worse than results nobody needs."""

_CHUNK = 2000
"""Entries handled between two looks at the network, so that a large change delays no check by more than some ms."""


class Entry:
    """An assignment and where its schedule stands. `due` is NEVER while another agent runs it."""

    __slots__ = ("assignment", "due", "is_busy", "last", "pending", "waiting")

    def __init__(self, assignment: Assignment) -> None:
        self.assignment = assignment
        self.due = NEVER
        self.last = 0
        self.pending: int | None = None
        self.waiting: list[Errand] | None = None
        self.is_busy = False


class Errand:
    """A dispatch on its way: work outside the schedule."""

    __slots__ = ("dispatch", "due")

    def __init__(self, dispatch: Dispatch) -> None:
        self.dispatch = dispatch
        self.due = dispatch.slot


@dataclass(frozen=True, slots=True)
class Job:
    """One check to run now."""

    monitor_id: UUID
    check: Check
    check_version: int
    slot: int
    entry: Entry | None
    crowd: Key
    dispatch: Dispatch | None = None
    unavailable: str | None = None
    late_ms: float = 0.0
    """How much later than its slot it starts."""

    @property
    def is_first(self) -> bool:
        """Whether somebody may be waiting for the first result of a new check."""
        return self.entry is not None and self.slot == self.entry.assignment.first_slot


class Scheduler:
    def __init__(self, *, me: UUID, now_ms: Callable[[], float], crowds: Crowds[Entry | Errand]) -> None:
        self.entries: dict[UUID, Entry] = {}
        self.paused: str | None = None
        self.gaps = 0
        """Slots given up because this agent had no room."""
        self.crowded_gaps = 0
        """Slots given up because their crowd was full: too many checks of one tenant at one target."""
        self.dropped_errands = 0
        self.lag_ms = 0.0
        """How late the latest check started, at worst; whoever reports it sets it back."""
        self.crowds = crowds
        self._now = now_ms
        self._share = Share((), me)
        self._wheel: Wheel[Entry | Errand] = Wheel(now_ms())
        self._ready: deque[Entry] = deque()
        self._urgent: deque[Errand] = deque()

    # -- what changes

    async def replace(self, assignments: Iterable[Assignment]) -> None:
        """Take a snapshot: what is not in it is forgotten."""
        wanted = {assignment.monitor_id: assignment for assignment in assignments}
        for monitor_id in self.entries.keys() - wanted.keys():
            self.remove(monitor_id)
        for count, assignment in enumerate(wanted.values(), 1):
            self.put(assignment)
            if count % _CHUNK == 0:
                await asyncio.sleep(0)

    def put(self, assignment: Assignment) -> None:
        """Add or change one. A new check version begins anew with its first slot; other changes keep the schedule."""
        entry = self.entries.get(assignment.monitor_id)
        if entry is None:
            entry = self.entries[assignment.monitor_id] = Entry(assignment)
        known, entry.assignment = entry.assignment, assignment
        if known is not assignment and _has_same_slots(known, assignment):
            return
        if known.check_version != assignment.check_version:
            entry.last, entry.pending = 0, None
        if self._share.has(assignment.monitor_id):
            self._begin(entry)

    def remove(self, monitor_id: UUID) -> None:
        entry = self.entries.pop(monitor_id, None)
        if entry is not None:
            _rest(entry)

    async def share_among(self, agents: Iterable[UUID], me: UUID) -> None:
        """The live agents changed: gain and give up what moved."""
        share = Share(agents, me)
        if share.agents == self._share.agents and share.me == self._share.me:
            return
        self._share = share
        for count, entry in enumerate(list(self.entries.values()), 1):
            self._settle(entry, share)
            if count % _CHUNK == 0:
                await asyncio.sleep(0)

    def _settle(self, entry: Entry, share: Share) -> None:
        if share is not self._share:
            return  # overtaken by a newer change
        monitor_id = entry.assignment.monitor_id
        if not share.has(monitor_id):
            _rest(entry)
        elif entry.due == NEVER and monitor_id in self.entries:
            self._begin(entry)

    def clock_set_back(self) -> None:
        """The server's clock was set back: put everything where it belongs by the new time.

        One set forward needs nothing: what it made due is due.
        """
        now = self._now()
        for item in self._wheel.reset(now):
            if isinstance(item, Errand):
                self._wheel.add(item)
        for entry in self.entries.values():
            if entry.due != NEVER:
                self._plan_anew(entry, now)

    def _plan_anew(self, entry: Entry, now: float) -> None:
        assignment = entry.assignment
        entry.due = slot_after(assignment, max(now, entry.last))
        if entry.due > now + assignment.cadence + _PATIENCE_MS:
            entry.last = min(entry.last, int(now))
            entry.due = slot_after(assignment, now)
        self._wheel.add(entry)

    def send(self, dispatch: Dispatch) -> None:
        """Take on an errand; it runs at its slot, before what the schedule asks for."""
        self._wheel.add(Errand(dispatch))

    def _begin(self, entry: Entry) -> None:
        entry.due = slot_on_gain(entry.assignment, now=self._now(), last=entry.last)
        self._wheel.add(entry)

    # -- what is due

    def next_at(self) -> int | None:
        """When `advance` should be called next, in server ms."""
        return self._wheel.next_at()

    def advance(self) -> None:
        """Queue all that has become due."""
        now = self._now()
        for item in self._wheel.pop_due(now):
            if isinstance(item, Errand):
                self._urgent.append(item)
            elif item.due <= now:
                self._fire(item, now)

    def _fire(self, entry: Entry, now: float) -> None:
        assignment = entry.assignment
        slot = slot_until(assignment, now)
        assert slot is not None
        if slot > entry.due and not self.paused:
            self.gaps += (slot - entry.due) // assignment.cadence
        entry.due = slot_after(assignment, now)
        self._wheel.add(entry)
        if self.paused:
            return
        if entry.pending is not None:
            self._give_up(entry)  # its turn did not come within its interval
        elif not entry.is_busy:
            self._ready.append(entry)
        entry.pending = slot

    def _give_up(self, entry: Entry) -> None:
        if not entry.is_busy and self.crowds.is_full(self._crowd_of(entry)):
            self.crowded_gaps += 1
        else:
            self.gaps += 1

    def take(self) -> Job | None:
        """The next check to start, or None. Whoever takes one calls `finished` when it has ended."""
        if self.paused:
            self._urgent.clear()
            self._ready.extend(item for item in self.crowds.disband() if isinstance(item, Entry))
            return None
        now = self._now()
        while self._urgent:
            job = self._take_errand(self._urgent.popleft(), now)
            if job is not None:
                return job
        while self._ready:
            job = self._take_entry(self._ready.popleft(), now)
            if job is not None:
                return job
        return None

    def _take_entry(self, entry: Entry, now: float) -> Job | None:
        slot, assignment = entry.pending, entry.assignment
        if slot is None or entry.is_busy:
            return None
        if now >= slot + assignment.cadence:
            self._give_up(entry)
            entry.pending = None
            return None
        crowd = self._crowd_of(entry)
        if not self.crowds.enter(crowd):
            self.crowds.wait(crowd, entry)
            return None
        entry.pending = None
        entry.is_busy = True
        entry.last = slot
        late_ms = now - slot
        self.lag_ms = max(self.lag_ms, late_ms)
        return _job(entry, slot, crowd, late_ms=late_ms)

    def _take_errand(self, errand: Errand, now: float) -> Job | None:
        dispatch = errand.dispatch
        if now > dispatch.expires_at:
            self.dropped_errands += 1
            return None
        if dispatch.check is not None and dispatch.kind == "test":
            crowd = self.crowds.key_of(dispatch.check, dispatch.tenant_id)
            if self._enters(crowd, errand):
                return Job(dispatch.id, dispatch.check, 1, dispatch.slot, None, crowd, dispatch, dispatch.unavailable)
            return None
        entry = None if dispatch.monitor_id is None else self.entries.get(dispatch.monitor_id)
        if entry is None or dispatch.check_version not in (None, entry.assignment.check_version):
            self.dropped_errands += 1
            return None
        if entry.is_busy:
            entry.waiting = [*(entry.waiting or ()), errand]
            return None
        crowd = self._crowd_of(entry)
        if not self._enters(crowd, errand):
            return None
        entry.is_busy = True
        return _job(entry, dispatch.slot, crowd, dispatch)

    def _crowd_of(self, entry: Entry) -> Key:
        return self.crowds.key_of(entry.assignment.check, entry.assignment.tenant_id)

    def _enters(self, crowd: Key, errand: Errand) -> bool:
        entered = self.crowds.enter(crowd)
        if not entered:
            self.crowds.wait(crowd, errand)
        return entered

    def finished(self, job: Job) -> None:
        """The check of a job has ended; what waited for it may go."""
        for item in reversed(self.crowds.leave(job.crowd, is_wanted=_is_wanted)):
            if isinstance(item, Errand):
                self._urgent.appendleft(item)
            else:
                self._ready.appendleft(item)  # it has been due for longer than those behind it
        entry = job.entry
        if entry is None:
            return
        entry.is_busy = False
        if entry.waiting:
            self._urgent.extend(entry.waiting)
            entry.waiting = None
        if entry.pending is not None:
            self._ready.append(entry)


def _is_wanted(item: Entry | Errand) -> bool:
    """Whether someone who waits for a place would start now: not removed, nor under way for another reason."""
    return isinstance(item, Errand) or (item.pending is not None and not item.is_busy)


def _job(entry: Entry, slot: int, crowd: Key, dispatch: Dispatch | None = None, *, late_ms: float = 0.0) -> Job:
    known = entry.assignment
    return Job(
        known.monitor_id, known.check, known.check_version, slot, entry, crowd, dispatch, known.unavailable, late_ms
    )


def _rest(entry: Entry) -> None:
    entry.due = NEVER
    entry.pending = None


def _has_same_slots(a: Assignment, b: Assignment) -> bool:
    return (a.check_version, a.cadence, a.phase, a.first_slot) == (
        b.check_version,
        b.cadence,
        b.phase,
        b.first_slot,
    )
