"""When a triggered incident is told again: reminders to those who know of it, and escalation to those who do not yet.

Instants come from what is stored, never from a timer, so any process finds what is due, and a wait (verdict unknown, a
hold that began after the opening, a pause, the kill switch) only delays: what fell due meanwhile comes once, when the
wait ends, and the usual distances follow from there.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from control_plane.domain.span_words import span

LOOK_AGAIN = timedelta(seconds=15)
"""How soon a wait is looked at again: whoever waits is told at most so long after the wait has ended."""

MAX_STEPS = 10
MAX_CHANNELS = 10
LEAST_AFTER_S = 60
MAX_AFTER_S = 30 * 86_400

ESCALATION_ORDINALS = 1_000_000
"""Notices “escalated” of steps are numbered from here on: below are those of incidents that became worse."""

STEPS_APART = 100
"""Room that each reopening has for the ordinals of its steps."""

REMINDERS_APART = 1_000
"""Room that each reopening has for the ordinals of its reminders, of which there are at most 100."""

DECLARED_EVERY_S, DECLARED_REPEATS = 3600, 10
"""Reminders of a declared incident that names no monitor: every so many seconds, so often at most."""


class Step(Struct, frozen=True):
    """One step of an escalation: from 1 on, `after_s` seconds after the incident opened."""

    number: int
    after_s: int


class Rules(Struct, frozen=True):
    """What the monitor asks for: a reminder every `interval_s` seconds (0: none), `steps` in their order."""

    interval_s: int
    max_repeats: int
    steps: tuple[Step, ...] = ()


class Progress(Struct, frozen=True, kw_only=True):
    """What was told since `opened_at`, the last opening or reopening. `escalated`: the number of the last step told."""

    opened_at: datetime
    reminders: int = 0
    reminded_at: datetime | None = None
    escalated: int = 0
    escalated_at: datetime | None = None


class Turn(Struct, frozen=True):
    """What is told now: the reminder of this number, this step, both or neither; how far the incident is told then.

    `due_at`: when to look again; None: nothing is to come.
    """

    reminder: int | None
    step: Step | None
    progress: Progress
    due_at: datetime | None


class About(Struct, frozen=True, kw_only=True):
    """A monitor that an incident is about. `held_since`: since when a window or an upstream holds it."""

    verdict: str
    enabled: bool
    held_since: datetime | None
    interval_s: int
    max_repeats: int


def rules_for(about: Sequence[About]) -> tuple[int, int]:
    """(seconds, repeats) of the monitor that reminds most often; of a declared incident without any, the defaults."""
    if not about:
        return DECLARED_EVERY_S, DECLARED_REPEATS
    reminding = [one for one in about if one.interval_s > 0 and one.max_repeats > 0]
    return min(((one.interval_s, one.max_repeats) for one in reminding), default=(0, 0))


def waits(about: Sequence[About], *, declared: bool, held_open: bool, opened_at: datetime) -> bool:
    """Whether nothing is told for now. A declared incident waits only while each of its monitors rests.

    An automatic one waits, besides, while its verdict is unknown, and while it only waits for calm after flapping.
    """
    resting = [not one.enabled or (one.held_since is not None and one.held_since > opened_at) for one in about]
    if declared:
        return bool(resting) and all(resting)
    if not about or any(resting):
        return True
    verdict = about[0].verdict
    return verdict == "unknown" or (verdict == "up" and not held_open)


def take_turn(rules: Rules, progress: Progress, *, now: datetime, waiting: bool) -> Turn:
    """What is due now, and when the next is."""
    reminder_at, step = _reminder_at(rules, progress), _next_step(rules, progress)
    step_at = None if step is None else _step_at(rules, progress, step)
    due = [at for at in (reminder_at, step_at) if at is not None]
    if not due:
        return Turn(None, None, progress, None)
    if min(due) > now:
        return Turn(None, None, progress, min(due))
    if waiting:
        return Turn(None, None, progress, now + LOOK_AGAIN)
    reminds = reminder_at is not None and reminder_at <= now
    told = step if step_at is not None and step_at <= now else None
    after = Progress(
        opened_at=progress.opened_at,
        reminders=progress.reminders + reminds,
        reminded_at=now if reminds else progress.reminded_at,
        escalated=progress.escalated if told is None else told.number,
        escalated_at=progress.escalated_at if told is None else now,
    )
    return Turn(after.reminders if reminds else None, told, after, next_at(rules, after))


def next_at(rules: Rules, progress: Progress) -> datetime | None:
    """When something is due next, if nothing keeps it waiting."""
    step = _next_step(rules, progress)
    found = [_reminder_at(rules, progress), None if step is None else _step_at(rules, progress, step)]
    return min((at for at in found if at is not None), default=None)


def _reminder_at(rules: Rules, progress: Progress) -> datetime | None:
    if rules.interval_s == 0 or progress.reminders >= rules.max_repeats:
        return None
    return (progress.reminded_at or progress.opened_at) + timedelta(seconds=rules.interval_s)


def _next_step(rules: Rules, progress: Progress) -> Step | None:
    return next((step for step in rules.steps if step.number > progress.escalated), None)


def _step_at(rules: Rules, progress: Progress, step: Step) -> datetime:
    """Steps keep their distance, however late the one before was told."""
    planned = progress.opened_at + timedelta(seconds=step.after_s)
    if progress.escalated_at is None:
        return planned
    before = next((one.after_s for one in rules.steps if one.number == progress.escalated), step.after_s)
    return max(planned, progress.escalated_at + timedelta(seconds=step.after_s - before))


def reminder_ordinal(*, reopened: int, reminder: int) -> int:
    """The ordinal of the notice `reminder`: one for each reopening and repeat."""
    return reopened * REMINDERS_APART + reminder


def escalation_ordinal(*, reopened: int, step: int) -> int:
    """The ordinal of the notice `escalated` that a step brings: one for each reopening and step."""
    return ESCALATION_ORDINALS + reopened * STEPS_APART + step


def reminder_reason(
    verdict: str | None, *, type_: str, opened_at: datetime, now: datetime, number: int, most: int
) -> str:
    """“Still down after 2 h: reminder 2 of 10”. `verdict` None: of no monitor, or of several."""
    still = verdict if verdict in ("down", "degraded") else "flapping" if type_ == "flapping" else "open"
    return f"Still {still} after {span(now - opened_at)}: reminder {number} of {most}"


def escalation_reason(*, opened_at: datetime, now: datetime, step: int) -> str:
    """“Not acknowledged for 15 min: escalated to step 2”."""
    return f"Not acknowledged for {span(now - opened_at)}: escalated to step {step}"
