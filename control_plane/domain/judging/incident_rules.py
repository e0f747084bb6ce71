"""What a person may do with an incident, in which state, and what it is then.

Two things about an incident move apart. Its *state* is for those on call: triggered, acknowledged, resolved. Its
*phase* is what the public is told of it. Resolving sets the phase to resolved, reopening to investigating; apart from
that each moves by its own table below. What verdicts do to an incident is in domain/judging/incident.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from control_plane.errors import Conflict

State = Literal["triggered", "acknowledged", "resolved"]
Phase = Literal["investigating", "identified", "monitoring", "resolved", "postmortem"]
Severity = Literal["minor", "major", "critical"]
Verb = Literal["acknowledge", "resolve", "reopen", "note", "narrate", "update"]

STATES: tuple[State, ...] = ("triggered", "acknowledged", "resolved")
PHASES: tuple[Phase, ...] = ("investigating", "identified", "monitoring", "resolved", "postmortem")
SEVERITIES: tuple[Severity, ...] = ("minor", "major", "critical")
VERBS: tuple[Verb, ...] = ("acknowledge", "resolve", "reopen", "note", "narrate", "update")

TITLE_LIMIT = 200
DESCRIPTION_LIMIT = 2_000
UPDATE_LIMIT = 2_000
NOTE_LIMIT = 10_000
MONITORS_LIMIT = 100
"""Monitors that one declared incident may name."""


class Becomes(Struct, frozen=True):
    """The incident is in this state afterwards; the same as before where nothing about it moves."""

    state: State


class No(Struct, frozen=True):
    """Refused with 409: the stable code, and why."""

    code: str
    why: str


_ENDED = No("INCIDENT_RESOLVED", "The incident is resolved. Reopen it first, if it is not over")
_GOES_ON = No("INCIDENT_OPEN", "The incident is open: there is nothing to reopen")

POLICY: Mapping[Verb, Mapping[State, Becomes | No]] = {
    "acknowledge": {
        "triggered": Becomes("acknowledged"),
        "acknowledged": Becomes("acknowledged"),
        "resolved": No("INCIDENT_RESOLVED", "The incident is resolved: there is nothing to acknowledge"),
    },
    "resolve": {
        "triggered": Becomes("resolved"),
        "acknowledged": Becomes("resolved"),
        "resolved": _ENDED,
    },
    "reopen": {
        "triggered": _GOES_ON,
        "acknowledged": _GOES_ON,
        "resolved": Becomes("triggered"),
    },
    # These never move the state, and what has ended may still be explained.
    "note": {state: Becomes(state) for state in STATES},
    "narrate": {state: Becomes(state) for state in STATES},
    "update": {state: Becomes(state) for state in STATES},
}

_OPEN_PHASES: tuple[Phase, ...] = ("investigating", "identified", "monitoring")

PHASE_POLICY: Mapping[Phase, tuple[Phase, ...]] = {
    # An open incident goes back and forth: what was identified may turn out to be something else.
    "investigating": _OPEN_PHASES,
    "identified": _OPEN_PHASES,
    "monitoring": _OPEN_PHASES,
    # A resolved one may be explained, and the explanation mended.
    "resolved": ("resolved", "postmortem"),
    "postmortem": ("postmortem",),
}
"""The phases that a public update may give an incident, by the phase that it has."""


def after(verb: Verb, state: str) -> State:
    """The state after `verb` in `state`. Raises Conflict INCIDENT_RESOLVED or INCIDENT_OPEN."""
    match POLICY[verb][_state(state)]:
        case Becomes(then):
            return then
        case No(code, why):
            raise Conflict(why, code=code, details={"state": state})


def phase_after_update(phase: str, wanted: Phase | None) -> Phase:
    """The phase after a public update that says `wanted`, or nothing of it. Raises Conflict PHASE_NOT_ALLOWED."""
    now = _phase(phase)
    allowed = PHASE_POLICY[now]
    if wanted is None or wanted in allowed:
        return wanted or now
    remedy = "resolve it" if wanted in ("resolved", "postmortem") and now in _OPEN_PHASES else "reopen it"
    if now == "postmortem" and wanted == "resolved":
        remedy = "leave the phase as it is"
    why = f"An incident in the phase {now} cannot be told as {wanted}: {remedy}"
    raise Conflict(why, code="PHASE_NOT_ALLOWED", details={"phase": now, "allowed": list(allowed)})


def hushes(*, type_: str, verdict: str | None) -> bool:
    """Whether a person resolves what the verdict still proves: then none opens until up was proven."""
    return verdict == "down" or (verdict == "degraded" and type_ == "degraded")


def held_open(*, type_: str, verdict: str | None) -> bool:
    """Whether a reopened automatic incident stands against its verdict.

    Without this the next judgement would end at once what a person has just opened. It is a level again as soon as down
    is proven once more.
    """
    return not hushes(type_=type_, verdict=verdict)


def title_of(*, title: str | None, monitor: str | None, type_: str) -> str:
    """What people call it: the title that it was given, or one of its monitor and type."""
    return title or f"{monitor or 'A deleted monitor'} is {type_}"


def urgency(severity: str) -> Literal["low", "high"]:
    """Low for minor, else high."""
    return "low" if severity == "minor" else "high"


def _state(text: str) -> State:
    return next(state for state in STATES if state == text)


def _phase(text: str) -> Phase:
    return next(phase for phase in PHASES if phase == text)
