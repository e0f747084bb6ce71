"""What is to run now: all assignments of the region are known, those of this agent's share are on the wheel.

Invariants: at most one check of a monitor is under way at a time, and of a crowd only so many (agent.schedule.crowds);
a slot is started once, within its interval, or is a gap, which is counted and never made up for; what is due longest
starts first. Time is the caller's, in server ms.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from uuid import UUID

from agent.schedule.crowds import Crowds, Key
from agent.schedule.jobs import NEVER, Entry, Errand, Job, job_of
from agent.schedule.rendezvous import Share
from agent.schedule.slots import next_slot, slot_after, slot_on_gain, slot_until
from agent.schedule.wheel import Wheel
from shared.protocol import Assignment, Dispatch

_PATIENCE_MS = 5_000
"""After the server's clock was set back, a monitor may wait this much longer than its interval for a slot that is new;
when that is not enough, slots are run again, because unwatched monitors are worse than results nobody needs."""

_CHUNK = 2000
"""Entries handled between two looks at the network, so that a large change delays no check by more than some ms."""


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
        """How late checks started at worst, for want of room here, not at their target; who reports it sets it back."""
        self.crowds = crowds
        self._now = now_ms
        self._share = Share((), me)
        self._wheel: Wheel[Entry | Errand] = Wheel(now_ms())
        self._ready: deque[Entry] = deque()
        self._urgent: deque[Errand] = deque()
        self._pending: dict[Entry, int] = {}
        """The slot that waits for its turn."""
        self._crowded: set[Entry] = set()
        """Those that had to wait for others at their target."""
        self._busy: set[Entry] = set()
        self._errands: dict[Entry, list[Errand]] = {}
        """What waits for the end of the check under way."""
        self._left: dict[UUID, int] = {}
        """The last slot that was run here before another agent took over."""

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
        known = entry.assignment
        if known is not assignment and _has_same_slots(known, assignment):
            entry.assignment = assignment
            return
        last = self._last(entry)
        entry.assignment = assignment
        if known.check_version != assignment.check_version:
            last = 0
            self._pending.pop(entry, None)
            self._left.pop(assignment.monitor_id, None)
        if self._share.has(assignment.monitor_id):
            self._begin(entry, last)

    def remove(self, monitor_id: UUID) -> None:
        entry = self.entries.pop(monitor_id, None)
        if entry is not None:
            self._rest(entry)
            self._left.pop(monitor_id, None)

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
            self._rest(entry)
        elif entry.due == NEVER and monitor_id in self.entries:
            self._begin(entry, self._last(entry))

    def _rest(self, entry: Entry) -> None:
        if entry.due != NEVER:
            self._left[entry.assignment.monitor_id] = self._last(entry)
            entry.due = NEVER
        self._crowded.discard(entry)
        self._pending.pop(entry, None)

    def _last(self, entry: Entry) -> int:
        """The last slot that had its turn here, or waits for it no more; 0 when there is none."""
        if entry.due == NEVER:
            return self._left.get(entry.assignment.monitor_id, 0)
        before = self._pending.get(entry, entry.due) - 1
        return slot_until(entry.assignment, before) or 0

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
        entry.due = slot_after(assignment, max(now, self._last(entry)))
        if entry.due > now + assignment.cadence + _PATIENCE_MS:
            entry.due = slot_after(assignment, now)
        self._wheel.add(entry)

    def send(self, dispatch: Dispatch) -> None:
        """Take on an errand; it runs at its slot, before what the schedule asks for."""
        self._wheel.add(Errand(dispatch))

    def _begin(self, entry: Entry, last: int) -> None:
        entry.due = slot_on_gain(entry.assignment, now=self._now(), last=last)
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
        slot = entry.due
        entry.due = next_slot(entry.assignment, slot)
        if entry.due <= now:
            slot = self._pass_over(entry, slot, now)
        self._wheel.add(entry)
        if self.paused:
            return
        if entry in self._pending:
            self._give_up(entry)  # its turn did not come within its interval
        elif entry not in self._busy:
            self._ready.append(entry)
        self._pending[entry] = slot

    def _pass_over(self, entry: Entry, slot: int, now: float) -> int:
        """More than one slot is over, so this process stood still: the latest counts."""
        assignment = entry.assignment
        latest = slot_until(assignment, now) or slot
        if not self.paused:
            self.gaps += (latest - slot) // assignment.cadence
        entry.due = slot_after(assignment, now)
        return latest

    def _give_up(self, entry: Entry) -> None:
        if entry not in self._busy and self.crowds.is_full(self._crowd_of(entry)):
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
        slot, assignment = self._pending.get(entry), entry.assignment
        if slot is None or entry in self._busy:
            return None
        if now >= slot + assignment.cadence:
            self._give_up(entry)
            self._crowded.discard(entry)
            del self._pending[entry]
            return None
        crowds = self.crowds
        crowd = crowds.key_of(assignment.check, assignment.tenant_id)
        if not crowds.enter(crowd):
            crowds.wait(crowd, entry)
            self._crowded.add(entry)
            return None
        del self._pending[entry]
        self._busy.add(entry)
        late_ms = now - slot
        if entry in self._crowded:
            self._crowded.remove(entry)
        elif late_ms > self.lag_ms:
            self.lag_ms = late_ms
        return job_of(entry, slot, crowd, late_ms=late_ms)

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
        if entry in self._busy:
            self._errands.setdefault(entry, []).append(errand)
            return None
        crowd = self._crowd_of(entry)
        if not self._enters(crowd, errand):
            return None
        self._busy.add(entry)
        return job_of(entry, dispatch.slot, crowd, dispatch)

    def _crowd_of(self, entry: Entry) -> Key:
        return self.crowds.key_of(entry.assignment.check, entry.assignment.tenant_id)

    def _enters(self, crowd: Key, errand: Errand) -> bool:
        entered = self.crowds.enter(crowd)
        if not entered:
            self.crowds.wait(crowd, errand)
        return entered

    def finished(self, job: Job) -> None:
        """The check of a job has ended; what waited for it may go."""
        called = self.crowds.leave(job.crowd, is_wanted=self._is_wanted)
        for item in reversed(called) if called else ():
            if isinstance(item, Errand):
                self._urgent.appendleft(item)
            else:
                self._ready.appendleft(item)  # it has been due for longer than those behind it
        entry = job.entry
        if entry is None:
            return
        self._busy.discard(entry)
        if self._errands:
            self._urgent.extend(self._errands.pop(entry, ()))
        if entry in self._pending:
            self._ready.append(entry)

    def _is_wanted(self, item: Entry | Errand) -> bool:
        """Whether someone who waits for a place would start now: not removed, nor under way for another reason."""
        return isinstance(item, Errand) or (item in self._pending and item not in self._busy)


def _has_same_slots(a: Assignment, b: Assignment) -> bool:
    return (a.check_version, a.cadence, a.phase, a.first_slot) == (
        b.check_version,
        b.cadence,
        b.phase,
        b.first_slot,
    )
