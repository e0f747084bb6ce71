"""When the operator is told of an agent. Values and `now` in, values out.

| kind | opens | ends |
|---|---|---|
| agent_offline | its lease ended 30 s ago (after a goodbye: 10 min), or its self-test fails for 20 s | well for 30 s |
| agent_skewed | its clock, or what it sends, is off by more than 30 s for 20 s | right for 30 s |
| agent_saturated | for 60 s all places are taken, checks start 5 s late, or slots are given up | none of it for 60 s |
| agent_outdated | its major and minor version are older than ours | it says hello with a newer one |

The worst comes first, and while it is so, or may soon be, the lesser ones neither open nor end: one trouble, one alert.
While a whole region is silent its agents' own agent_offline does not open: the region's says it (domain/fleet_regions).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Any
from uuid import UUID

from msgspec import Struct

from shared.ids import RegionSlug, TenantId

OFFLINE, SKEWED = "agent_offline", "agent_skewed"
SATURATED, OUTDATED = "agent_saturated", "agent_outdated"

SILENT_FOR = timedelta(seconds=30)
LEFT_FOR = timedelta(minutes=10)
"""Long enough to restart or replace an agent that was stopped on purpose."""
UNHEALTHY_FOR = timedelta(seconds=20)
WELL_FOR = timedelta(seconds=30)
SKEWED_FOR = timedelta(seconds=20)
RIGHT_FOR = timedelta(seconds=30)
STRAINED_FOR = timedelta(seconds=60)
EASED_FOR = timedelta(seconds=60)
UNWATCHED_FOR = timedelta(seconds=40)
"""After a longer break of the watch itself (no control plane ran, or the database was away) no silence is held against
anybody: agents could not be heard. They are given as long as usual from then on."""
UNOBSERVED_FOR = timedelta(seconds=40)
"""A live agent tells how it is every 10 s. Until one that is back has done so, nothing ends."""


class AgentState(Struct, frozen=True, kw_only=True):
    """What is known of an agent: see the columns of `agents`. Durations in ms."""

    id: UUID
    name: str
    region_id: int
    region: RegionSlug
    region_name: str
    private_to: TenantId | None
    enabled: bool
    version: str | None
    last_seen_at: datetime | None
    lease_until: datetime | None
    left_at: datetime | None
    observed_at: datetime | None
    healthy: bool
    health_since: datetime | None
    health_reason: str | None
    skewed: bool
    skewed_since: datetime | None
    clock_offset_ms: int | None
    sent_skew_ms: int | None
    strained: bool
    strained_since: datetime | None
    saturation: float | None
    lag_ms: float | None
    gaps: int | None

    def is_live(self, now: datetime) -> bool:
        return self.lease_until is not None and self.lease_until > now


class Sign(Enum):
    """How far a trouble is: `PENDING` may become an alert, `FADING` may be over."""

    ABSENT = auto()
    FADING = auto()
    PENDING = auto()
    CONFIRMED = auto()


class Alert(Struct, frozen=True):
    """What should be open, in words, with what a program may want to know."""

    kind: str
    reason: str
    details: Mapping[str, Any]


def alerts_of(
    agent: AgentState,
    *,
    open_kinds: Mapping[str, Mapping[str, Any]],
    now: datetime,
    watched_since: datetime,
    release: str,
    in_silent_region: bool = False,
) -> dict[str, Alert]:
    """The alerts that should be open, by kind, given those that are (with their details).

    `watched_since`: since when agents could be heard. `release`: our own version. `in_silent_region`: the region as a
    whole is silent, or may soon be.
    """
    held: dict[str, Alert] = {}
    if not agent.enabled or agent.last_seen_at is None:
        return held
    is_suppressed = False
    for kind, alert in _KINDS.items():
        newest = _newest(release, open_kinds.get(OUTDATED))
        sign = _sign(kind, agent, now, watched_since=watched_since, release=newest)
        keeps = is_suppressed or sign in (Sign.PENDING, Sign.FADING) or (in_silent_region and sign is Sign.CONFIRMED)
        holds = kind in open_kinds if keeps else sign is Sign.CONFIRMED
        if holds:
            held[kind] = alert(agent, now, release)
        is_suppressed |= sign in (Sign.PENDING, Sign.CONFIRMED) or holds
    return held


def severity_of(kind: str) -> str:
    """The severity of an operator's incident."""
    return "major" if kind in (OFFLINE, SKEWED) else "minor"


def _sign(kind: str, agent: AgentState, now: datetime, *, watched_since: datetime, release: str) -> Sign:
    if kind == OFFLINE:
        return _offline(agent, now, watched_since)
    if not agent.is_live(now):
        return Sign.FADING  # what it said last is no news
    match kind:
        case "agent_skewed":
            return _lasting(agent.skewed, agent.skewed_since, now, opens=SKEWED_FOR, ends=RIGHT_FOR)
        case "agent_saturated":
            return _lasting(agent.strained, agent.strained_since, now, opens=STRAINED_FOR, ends=EASED_FOR)
        case _:
            return Sign.CONFIRMED if is_older(agent.version, release) else Sign.ABSENT


def _offline(agent: AgentState, now: datetime, watched_since: datetime) -> Sign:
    health = _lasting(not agent.healthy, agent.health_since, now, opens=UNHEALTHY_FOR, ends=WELL_FOR)
    if agent.is_live(now):
        is_heard = agent.observed_at is None or now - agent.observed_at <= UNOBSERVED_FOR
        return health if is_heard or health is not Sign.ABSENT else Sign.FADING
    if agent.lease_until is None:
        return Sign.FADING
    silent_for = now - max(agent.lease_until, watched_since)
    if _has_left(agent):
        return Sign.CONFIRMED if silent_for >= LEFT_FOR else Sign.FADING
    return Sign.CONFIRMED if silent_for >= SILENT_FOR else Sign.PENDING


def _lasting(is_so: bool, since: datetime | None, now: datetime, *, opens: timedelta, ends: timedelta) -> Sign:
    lasted = timedelta.max if since is None else now - since
    if is_so:
        return Sign.CONFIRMED if lasted >= opens else Sign.PENDING
    return Sign.ABSENT if lasted >= ends else Sign.FADING


def _has_left(agent: AgentState) -> bool:
    return agent.left_at is not None and agent.lease_until is not None and agent.left_at >= agent.lease_until


def is_older(version: str | None, release: str) -> bool:
    """Whether major and minor are behind. A patch changes nothing between the two sides, so it does not count;
    a version that we cannot read is not judged.
    """
    theirs, ours = _major_minor(version), _major_minor(release)
    return theirs is not None and ours is not None and theirs < ours


def _major_minor(version: str | None) -> tuple[int, int] | None:
    found = re.match(r"(\d{1,9})\.(\d{1,9})", version or "", re.ASCII)
    return found and (int(found[1]), int(found[2]))


def _newest(release: str, details: Mapping[str, Any] | None) -> str:
    """While control planes are exchanged, an older one must not end what a newer one opened."""
    noted = str((details or {}).get("control_plane", release))
    return noted if is_older(release, noted) else release


# -- in words


def _told_offline(agent: AgentState, now: datetime, _release: str) -> Alert:
    seen = "ever" if agent.last_seen_at is None else f"{agent.last_seen_at:%Y-%m-%d %H:%M:%S} UTC"
    if not agent.is_live(now):
        words = "It was stopped and has not come back" if _has_left(agent) else "Nothing has been heard of it"
        return Alert(OFFLINE, f"{words} since {seen}", {"healthy": None, "last_seen_at": seen})
    if agent.healthy:
        return Alert(OFFLINE, "It is back; its self-test has to pass for a while", {"healthy": True})
    why = agent.health_reason or "it did not say why"
    return Alert(OFFLINE, f"Its self-test fails: {why}", {"healthy": False})


def _told_skewed(agent: AgentState, _now: datetime, _release: str) -> Alert:
    clock, sent = agent.clock_offset_ms or 0, agent.sent_skew_ms or 0
    subject, off = ("Its clock is", clock) if abs(clock) >= abs(sent) else ("What it sends is dated", sent)
    words = f"{subject} {abs(off) / 1000:.0f} s {'ahead of' if off > 0 else 'behind'} the server's clock"
    return Alert(SKEWED, words, {"clock_offset_ms": agent.clock_offset_ms, "sent_skew_ms": agent.sent_skew_ms})


def _told_saturated(agent: AgentState, _now: datetime, _release: str) -> Alert:
    share = "" if agent.saturation is None else f"; {agent.saturation:.0%} of its places are taken"
    late = "" if agent.lag_ms is None else f"; its checks start up to {agent.lag_ms / 1000:.1f} s late"
    given_up = f"; it has given up {agent.gaps} slots since its start" if agent.gaps else ""
    details = {"saturation": agent.saturation, "lag_ms": agent.lag_ms, "gaps": agent.gaps}
    return Alert(SATURATED, f"It has more to do than it can{share}{late}{given_up}", details)


def _told_outdated(agent: AgentState, _now: datetime, release: str) -> Alert:
    words = f"It runs version {agent.version}, the control plane {release}: update farwatch-agent"
    return Alert(OUTDATED, words, {"version": agent.version, "control_plane": release})


_KINDS = {
    OFFLINE: _told_offline,
    SKEWED: _told_skewed,
    SATURATED: _told_saturated,
    OUTDATED: _told_outdated,
}

AGENT_KINDS = tuple(_KINDS)
"""Worst first."""
