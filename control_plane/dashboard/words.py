"""Instants and durations in words. Pure; static/clock.js says the same in the browser."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from msgspec import Struct

from control_plane.domain import span_words
from control_plane.domain.uptime.availability import SlaState


class Moment(Struct, frozen=True):
    """An instant as programs take it, in full, as people say it (one unit), and the time passed since (two)."""

    iso: str
    absolute: str
    relative: str
    passed: str


def moment(at: datetime, now: datetime) -> Moment:
    """The instant as a page shows it."""
    utc = at.astimezone(UTC)
    return Moment(
        iso=utc.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        absolute=utc.strftime("%Y-%m-%d %H:%M:%S UTC"),
        relative=relative((now - at).total_seconds()),
        passed=lasting(max(0.0, (now - at).total_seconds())),
    )


def maybe_moment(at: datetime | None, now: datetime) -> Moment | None:
    return None if at is None else moment(at, now)


def relative(seconds: float) -> str:
    """How long ago: "just now", "12 s ago", "3 min ago". What lies ahead is "in 12 s"."""
    if -2 < seconds < 2:
        return "just now"
    words = duration(abs(seconds))
    return f"{words} ago" if seconds > 0 else f"in {words}"


def duration(seconds: float) -> str:
    """How far away, in one unit, rounded down: "59 s", "3 min", "23 h", "5 days". A length is `lasting`."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min"
    if whole < 2 * 86_400:
        return f"{whole // 3600} h"
    return f"{whole // 86_400} days"


def interval(seconds: int) -> str:
    """An interval exactly: "30 s", "5 min", "1 h", "90 s"."""
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds % size == 0:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def lasting(seconds: float | None) -> str:
    """A length in two units at most, rounded down: "42 s", "3 min 20 s", "2 h 5 min", "3 d 4 h"; "–" for none."""
    if seconds is None:
        return "–"
    whole = int(seconds)
    for size, unit, part, smaller in ((86_400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            rest = whole % size // part
            return f"{whole // size} {unit}" + (f" {rest} {smaller}" if rest else "")
    return f"{whole} s"


SLA_STANDS: Mapping[SlaState | None, tuple[str, str]] = {
    "breached": ("down", "Breached"),
    "at_risk": ("degraded", "At risk"),
    "met": ("up", "Met"),
    None: ("unknown", "Nothing known"),
}
"""How a target stands: the shape that says it, and the word."""


def budget_left(seconds: int) -> str:
    """What is left of an error budget; negative where more than all of it was spent."""
    return f"{lasting(seconds)} left" if seconds >= 0 else f"{lasting(-seconds)} over"


def milliseconds(value: float | None) -> str | None:
    """A measured time: "0.02 ms", "8.4 ms", "240 ms", "1.25 s"."""
    return None if value is None else span_words.milliseconds(value)


def count(number: int, noun: str) -> str:
    """ "1 monitor", "2 monitors"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def sentence(text: str) -> str:
    """With a capital, and a full stop where there is no other end."""
    text = text.strip()
    if not text:
        return text
    return text[0].upper() + text[1:] + ("" if text[-1] in ".!?…" else ".")
