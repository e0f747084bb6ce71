"""When an assignment is due: its first slot, then every Unix time k x cadence + phase after it. Pure; all in ms."""

from __future__ import annotations

from shared.protocol import Assignment

CATCH_UP_CADENCE_MS = 3_600_000
"""From this cadence on, an agent that gains a monitor runs its current slot, if not half over, at once."""


def slot_after(assignment: Assignment, at: float) -> int:
    """The first slot later than `at`."""
    if at < assignment.first_slot:
        return assignment.first_slot
    return int((at - assignment.phase) // assignment.cadence + 1) * assignment.cadence + assignment.phase


def next_slot(assignment: Assignment, slot: int) -> int:
    """The slot that follows `slot`, which is one of its own."""
    return slot + assignment.cadence - (slot - assignment.phase) % assignment.cadence


def slot_until(assignment: Assignment, at: float) -> int | None:
    """The latest slot not later than `at`; None before the first one."""
    if at < assignment.first_slot:
        return None
    regular = int((at - assignment.phase) // assignment.cadence) * assignment.cadence + assignment.phase
    return max(regular, assignment.first_slot)


def slot_on_gain(assignment: Assignment, *, now: float, last: int) -> int:
    """The slot with which an agent begins that has just got the assignment; `last` is the last one it ran itself.

    The current slot only if it is the very first, which nobody may have run yet, or if the cadence is so long that
    waiting for the next would leave the monitor unwatched.
    """
    current = slot_until(assignment, now)
    if current is None or current <= last:
        return slot_after(assignment, max(now, last))
    is_first = current == assignment.first_slot
    is_worth_it = assignment.cadence >= CATCH_UP_CADENCE_MS and now - current < assignment.cadence / 2
    return current if is_first or is_worth_it else slot_after(assignment, now)
