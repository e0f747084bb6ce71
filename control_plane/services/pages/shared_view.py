"""What a share link tells of a monitor. None of these types can hold a URL, a header, evidence or what a target said.

Text in them is a name that the tenant chose for people to read, or words of ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from msgspec import Struct

State = Literal["up", "degraded", "down", "unknown", "maintenance", "paused"]
VoteState = Literal["up", "degraded", "down", "silent", "incapable", "none"]


class SharedVote(Struct, frozen=True, kw_only=True):
    """A region's say. `silent` was heard before, `none` never, `incapable` cannot run the check."""

    region: str
    name: str
    state: VoteState


class SharedUptime(Struct, frozen=True, kw_only=True):
    """Uptime in per cent, rounded down; null while nothing is known."""

    period: Literal["24h", "7d", "30d", "90d"]
    uptime_pct: float | None
    down_s: int


class SharedSlice(Struct, frozen=True, kw_only=True):
    """A slice from `t` on, in ms; null without samples."""

    t: datetime
    p50: float | None
    p95: float | None
    samples: int


class SharedLatency(Struct, frozen=True, kw_only=True):
    """Latency of all regions in the last 24 hours, in ms."""

    p50: float | None
    p95: float | None
    bucket_seconds: int
    buckets: Sequence[SharedSlice]


class SharedIncident(Struct, frozen=True, kw_only=True):
    """An incident as the public may know it."""

    title: str
    type: Literal["down", "degraded", "flapping"]
    state: Literal["open", "resolved"]
    started_at: datetime
    resolved_at: datetime | None


class SharedView(Struct, frozen=True, kw_only=True):
    """One monitor, for whoever has the link. `stale_since` is `at` while nothing newer can be read, else null."""

    name: str
    state: State
    sentence: str
    since: datetime
    at: datetime
    votes: Sequence[SharedVote]
    uptime: Sequence[SharedUptime]
    latency: SharedLatency
    incidents: Sequence[SharedIncident]
    stale_since: datetime | None = None


def sentence(state: str, votes: Sequence[SharedVote]) -> str:
    """The state in words, by how many regions say so. What the target answered is no part of it."""
    of = len(votes)
    match state:
        case "paused":
            return "Paused: nothing checks it at the moment."
        case "maintenance":
            return "Maintenance: work on it was announced, and this time does not count."
        case "up" if of:
            return f"Up: {_count(votes, 'up', 'degraded')} of {_regions(of)} reach it."
        case "degraded" if of:
            return f"Degraded: it answers, but not everywhere as it should. {_standing(votes)}"
        case "down" if of:
            return f"Down: {_count(votes, 'down')} of {_regions(of)} cannot reach it."
        case "up":
            return "Up: all is as it should be."
        case "degraded":
            return "Degraded: it works, but not as it should."
        case "down":
            return "Down: it does not work."
        case _:
            return "Unknown: too little has been heard lately to say how it is."


def _standing(votes: Sequence[SharedVote]) -> str:
    told = [(_count(votes, state), state) for state in ("up", "degraded", "down")]
    said = ", ".join(f"{count} {state}" for count, state in told if count)
    return f"Regions: {said}." if said else "No region has been heard lately."


def _count(votes: Sequence[SharedVote], *states: str) -> int:
    return sum(vote.state in states for vote in votes)


def _regions(count: int) -> str:
    return "1 region" if count == 1 else f"{count} regions"


def incident_title(public_title: str | None, *, name: str, type_: str) -> str:
    """What its people call it in public; else what is wrong, in a word."""
    word = {"degraded": "degraded", "flapping": "unstable"}.get(type_, "down")
    return public_title or f"{name} is {word}"
