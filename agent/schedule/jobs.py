"""What the scheduler handles: monitors and their next slots, errands beside the schedule, and checks made of them."""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct

from agent.schedule.crowds import Key
from shared.checks import Check
from shared.protocol import Assignment, Dispatch

NEVER = 2**62


class Entry(Struct, eq=False, gc=False):
    """An assignment and its next slot, NEVER while another agent runs it.

    There may be a hundred thousand: what only some have at a time is in tables of the scheduler.
    """

    assignment: Assignment
    due: int = NEVER


class Errand:
    """A dispatch on its way: work outside the schedule."""

    __slots__ = ("dispatch", "due")

    def __init__(self, dispatch: Dispatch) -> None:
        self.dispatch = dispatch
        self.due = dispatch.slot


class Job(Struct, frozen=True, eq=False, gc=False):
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


def job_of(entry: Entry, slot: int, crowd: Key, dispatch: Dispatch | None = None, *, late_ms: float = 0.0) -> Job:
    known = entry.assignment
    return Job(
        known.monitor_id, known.check, known.check_version, slot, entry, crowd, dispatch, known.unavailable, late_ms
    )
