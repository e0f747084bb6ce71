"""Uptime is time: from changes of verdict and the periods that do not count, to seconds of each state.

Every millisecond of a range has one state, by precedence paused > maintenance > verdict. Uptime is (up + degraded) /
known, where known is up + degraded + down; without known time there is none. Instants are Unix ms, ranges half-open.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from typing import Literal, NamedTuple, assert_never

import msgspec
from msgspec import Struct

Kind = Literal["maintenance", "paused"]
Shown = Literal["up", "degraded", "down", "maintenance", "paused", "unknown"]
SlaState = Literal["met", "at_risk", "breached"]

AT_RISK = Fraction(1, 4)
"""A budget of which less than this share is left is at risk."""


class Change(NamedTuple):
    """The verdict from `at_ms` on."""

    at_ms: int
    verdict: str


class Period(NamedTuple):
    """Time that does not count. `end_ms` None: it has not ended."""

    kind: str
    start_ms: int
    end_ms: int | None


class History(Struct, frozen=True, kw_only=True):
    """What uptime is computed from. `changes` in order, with the last one before any range asked for.

    `since_ms` is where the monitor's time begins: when it was created, or how far back is kept, whichever is later.
    """

    since_ms: int
    changes: Sequence[Change] = ()
    periods: Sequence[Period] = ()


class Span(NamedTuple):
    """One state, from its start to the start of the next."""

    start_ms: int
    end_ms: int
    state: Shown


class Durations(Struct, frozen=True, kw_only=True):
    """How long of each state, in ms or in whole seconds."""

    up: int = 0
    degraded: int = 0
    down: int = 0
    maintenance: int = 0
    paused: int = 0
    unknown: int = 0

    @property
    def total(self) -> int:
        return sum(msgspec.structs.astuple(self))

    @property
    def known(self) -> int:
        return self.up + self.degraded + self.down

    def __add__(self, other: Durations) -> Durations:
        pairs = zip(msgspec.structs.astuple(self), msgspec.structs.astuple(other), strict=True)
        return Durations(**dict(zip(STATES, (a + b for a, b in pairs), strict=True)))


STATES: tuple[str, ...] = Durations.__struct_fields__


class Sla(Struct, frozen=True):
    """Whole seconds of known time that may be down, what is left of them (negative: overspent), and how that stands."""

    budget_s: int
    left_s: int
    state: SlaState | None


def durations(history: History, *, start_ms: int, end_ms: int, now_ms: int) -> Durations:
    """Milliseconds of each state in [start, end), as far as it lies in the monitor's time and in the past."""
    return durations_of(spans(history, start_ms=start_ms, end_ms=end_ms, now_ms=now_ms))


def durations_of(spans: Iterable[Span]) -> Durations:
    """Milliseconds of each state in these spans."""
    found = dict.fromkeys(STATES, 0)
    for span in spans:
        found[span.state] += span.end_ms - span.start_ms
    return Durations(**found)


def durations_between(history: History, edges: Sequence[int], *, now_ms: int) -> list[Durations]:
    """`durations` of each range between two neighbouring edges, which ascend, in one pass."""
    found = [dict.fromkeys(STATES, 0) for _ in edges[1:]]
    at = 0
    for span in spans(history, start_ms=edges[0], end_ms=edges[-1], now_ms=now_ms):
        start = span.start_ms
        while start < span.end_ms:
            while edges[at + 1] <= start:
                at += 1
            until = min(span.end_ms, edges[at + 1])
            found[at][span.state] += until - start
            start = until
    return [Durations(**each) for each in found]


def spans(history: History, *, start_ms: int, end_ms: int, now_ms: int) -> Iterator[Span]:
    """The states of the range in order, without a break. Neighbours may have the same state."""
    start, end = clipped(history, start_ms=start_ms, end_ms=end_ms, now_ms=now_ms)
    if start >= end:
        return
    verdict, open_ = "unknown", {"maintenance": 0, "paused": 0}
    at = start
    for when, what in sorted(_steps(history), key=_when) if history.periods else history.changes:
        if when >= end:
            break
        if when > at:
            yield Span(at, when, _shown(verdict, open_))
            at = when
        match what:
            case str():
                verdict = what
            case (kind, by):
                open_[kind] += by
            case _:
                assert_never(what)
    yield Span(at, end, _shown(verdict, open_))


def clipped(history: History, *, start_ms: int, end_ms: int, now_ms: int) -> tuple[int, int]:
    """The part of [start, end) that has happened in the monitor's time; empty when the two are one."""
    end = min(end_ms, now_ms)
    return min(max(start_ms, history.since_ms), end), end


def whole_seconds(of: Durations) -> Durations:
    """The same in seconds, whose sum is that of the milliseconds rounded down: largest remainders are rounded up."""
    values = msgspec.structs.astuple(of)
    seconds = [value // 1000 for value in values]
    short = sum(values) // 1000 - sum(seconds)
    by_remainder = sorted(range(len(values)), key=lambda n: (-(values[n] % 1000), n))
    for n in by_remainder[:short]:
        seconds[n] += 1
    return Durations(**dict(zip(STATES, seconds, strict=True)))


def uptime_pct(of: Durations) -> float | None:
    """Per cent of known time, rounded down to three decimals: any outage keeps it under 100. None: nothing is known."""
    if not of.known:
        return None
    return (of.known - of.down) * 100_000 // of.known / 1000


def sla(of: Durations, *, target: float) -> Sla:
    """What a target (per cent) leaves of `of`, which is in ms. The state is None while nothing is known.

    The budget is of known time, so that it is overspent exactly when uptime is under the target.
    """
    if not of.known:
        return Sla(0, 0, None)
    budget = of.known * (100 - Fraction(str(target))) / 100
    left = budget - of.down
    state: SlaState = "breached" if left < 0 else "at_risk" if left < budget * AT_RISK else "met"
    return Sla(int(budget / 1000), left // 1000, state)


def _shown(verdict: str, open_: dict[str, int]) -> Shown:
    if open_["paused"]:
        return "paused"
    if open_["maintenance"]:
        return "maintenance"
    return verdict  # type: ignore[return-value]  # monitor_states_verdict_known


def _when(step: tuple[int, object]) -> int:
    return step[0]


def _steps(history: History) -> Iterable[tuple[int, str | tuple[str, int]]]:
    for change in history.changes:
        yield change.at_ms, change.verdict
    for period in history.periods:
        if period.end_ms is None or period.end_ms > period.start_ms:
            yield period.start_ms, (period.kind, 1)
            if period.end_ms is not None:
                yield period.end_ms, (period.kind, -1)
