"""The pings, runs and state of a heartbeat, as values. What becomes of them is in heartbeat.py."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal
from uuid import UUID

from msgspec import Struct

from shared.clock import from_unix_ms

MAX_OPEN_RUNS = 32
"""Runs of one heartbeat that are open at once. Beyond, the second oldest is given up: the oldest has the deadline."""


class PingKind(StrEnum):
    """What a ping says. `success` is the plain URL and the exit code 0; `fail` is /fail and the other exit codes."""

    SUCCESS = "success"
    START = "start"
    FAIL = "fail"
    LOG = "log"


Phase = Literal["new", "up", "down"]
RunOutcome = Literal["success", "fail", "overdue", "abandoned"]


class Run(Struct, frozen=True):
    """A run that has begun and not ended: `number` is that of its start among the pings."""

    number: int
    started_ms: int
    rid: UUID | None = None


class EndedRun(Struct, frozen=True, kw_only=True):
    """How a run ended. `ended_ms` is None for one that nobody finished."""

    number: int
    outcome: RunOutcome
    ended_ms: int | None = None
    duration_ms: int | None = None
    exit_code: int | None = None


class Ping(Struct, frozen=True, kw_only=True):
    """One signal, at Unix ms."""

    kind: PingKind
    at_ms: int
    rid: UUID | None = None
    exit_code: int | None = None


class Heartbeat(Struct, frozen=True, kw_only=True):
    """The state. `counted_from_ms` is what the next ping is expected after; None while nothing is expected.

    `reason`, `message` and `first_bad_ms` say why it is down. `due_run`: the deadline is that of a run.
    """

    phase: Phase = "new"
    since_ms: int = 0
    counted_from_ms: int | None = None
    due_ms: int | None = None
    due_run: bool = False
    runs: tuple[Run, ...] = ()
    pings: int = 0
    last_ping_ms: int | None = None
    last_kind: str | None = None
    first_bad_ms: int | None = None
    reason: str | None = None
    message: str | None = None


class Applied(Struct, frozen=True, kw_only=True):
    """The state after a ping, the run that it began, and those that ended with it."""

    state: Heartbeat
    started: Run | None = None
    ended: tuple[EndedRun, ...] = ()


def evidence(state: Heartbeat) -> dict[str, Any]:
    """What an incident keeps: when it was pinged last, and what it was waiting for."""
    found: dict[str, Any] = {"pings": state.pings, "last_ping": state.last_kind}
    for name, at_ms in (("last_ping_at", state.last_ping_ms), ("due_at", state.due_ms)):
        found[name] = None if at_ms is None else from_unix_ms(at_ms).isoformat().replace("+00:00", "Z")
    if state.runs:
        found["running_since"] = from_unix_ms(state.runs[0].started_ms).isoformat().replace("+00:00", "Z")
    return found
