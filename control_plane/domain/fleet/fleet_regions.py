"""When the operator is told of whole regions. Values and `now` in, values out; agents are domain/fleet's.

| kind | opens | ends |
|---|---|---|
| monitors_silent | over 25 % of the monitors with several shared regions cannot be judged | at most 25 % for 60 s |
| region_silent | none of its agents has been live and well for 30 s | one has been for 30 s |
| coverage_lost | votes expired 60 s ago or more while its agents were live | there has been none for 60 s |

The larger takes the place of the smaller: under one that is open no smaller one opens, and no agent_offline in a silent
region. What was told before stays open until its own trouble is over: to call it over would be false.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from control_plane.domain.fleet.fleet import SILENT_FOR, WELL_FOR, Alert, Sign
from control_plane.domain.judging.verdict import Policy, quorum
from shared.ids import RegionSlug, TenantId

MONITORS_SILENT, REGION_SILENT, COVERAGE_LOST = "monitors_silent", "region_silent", "coverage_lost"
REGION_KINDS = (MONITORS_SILENT, REGION_SILENT, COVERAGE_LOST)
"""Largest first."""

SEVERITIES: Mapping[str, str] = {MONITORS_SILENT: "critical", REGION_SILENT: "major", COVERAGE_LOST: "minor"}

SILENT_SHARE = 0.25
"""Of the monitors that have several regions: more than this is one incident of the installation."""
EXPIRED_FOR = timedelta(seconds=60)
CLEAR_FOR = timedelta(seconds=60)
"""An end that is taken back within this time was none."""
GATHER_FOR = timedelta(seconds=60)
"""Regions that are lost together are noticed one after another, as their leases end. So long the first ones wait when
those about to follow would make them one incident. With a lease of 15 s and a watch every 10 s: within 90 s."""
SETTLED_AFTER = timedelta(seconds=90)
"""After a time without a watch all votes have expired. Agents are given this long to send what they have."""


class RegionState(Struct, frozen=True, kw_only=True):
    """A region and its agents. `agents` are enabled and have been seen; `live` ones have a lease and are well.

    `lost_at`: when the last of the agents stopped being live, None while one is or none was ever seen.
    """

    id: int
    slug: RegionSlug
    name: str
    private_to: TenantId | None
    enabled: bool
    agents: int
    live: int
    lost_at: datetime | None


class Noted(Struct, frozen=True):
    """What the watch remembers of a region: whether an agent is live, and since when that is so."""

    live: bool
    since: datetime


class Group(Struct, frozen=True, kw_only=True):
    """Monitors that are to be watched from the same regions under the same policy.

    `unheard`: how many are unknown now and had a vote that has run out.
    """

    regions: tuple[int, ...]
    policy: Policy
    monitors: int
    unheard: int


class Expired(Struct, frozen=True, kw_only=True):
    """Monitors whose vote in a region ran out EXPIRED_FOR ago though its agents were live; how many are unknown."""

    region_id: int
    monitors: int
    unknown: int


class Share(Struct, frozen=True):
    """So many of the monitors with several shared regions cannot be judged."""

    silent: int
    of: int

    @property
    def is_large(self) -> bool:
        return self.silent > SILENT_SHARE * self.of


def note(region: RegionState, noted: Noted | None, *, now: datetime) -> Noted | None:
    """What to remember from now on. A region that nobody has ever seen an agent of is not waited for: None."""
    if region.live:
        return noted if noted is not None and noted.live else Noted(True, now)
    if noted is not None and not noted.live:
        return noted
    if noted is None and not region.agents:
        return None
    lost_at = now if region.lost_at is None else min(region.lost_at, now)
    return Noted(False, max(lost_at, noted.since) if noted else lost_at)


def silence_of(region: RegionState, noted: Noted | None, *, now: datetime, watched_since: datetime) -> Sign:
    """How far the silence of a region is that somebody expects to hear from."""
    if not region.enabled or noted is None:
        return Sign.ABSENT
    if noted.live:
        return Sign.ABSENT if now - noted.since >= WELL_FOR else Sign.FADING
    return Sign.CONFIRMED if silent_for(noted, now=now, watched_since=watched_since) >= SILENT_FOR else Sign.PENDING


def silent_for(noted: Noted, *, now: datetime, watched_since: datetime) -> timedelta:
    """For how long a region could have been heard and was not."""
    return now - max(noted.since, watched_since)


def share_of(groups: Sequence[Group], *, shared: Collection[int], mute: Collection[int], is_settled: bool) -> Share:
    """How many monitors with several shared regions cannot be judged: too few regions are left to speak for a proof, or
    too few have spoken. Private regions are their tenants' affair and count as speaking.
    """
    silent = of = 0
    for group in groups:
        if sum(region in shared for region in group.regions) < 2:
            continue
        of += group.monitors
        speaking = sum(region not in mute for region in group.regions)
        if speaking < quorum(group.policy, len(group.regions)):
            silent += group.monitors
        elif is_settled:
            silent += group.unheard
    return Share(silent, of)


def is_open_still(*, is_so: bool, details: Mapping[str, Any], now: datetime) -> tuple[bool, str | None]:
    """Whether an open incident stays, and since when its trouble has been away (RFC 3339), for its details."""
    if is_so:
        return True, None
    clear_since = details.get("clear_since") or now.isoformat()
    return now - datetime.fromisoformat(clear_since) < CLEAR_FOR, clear_since


# -- in words


def told_silent(noted: Noted, monitors: int) -> Alert:
    """A region without a live agent; or one that is only just back."""
    since = f"{noted.since:%Y-%m-%d %H:%M:%S} UTC"
    if noted.live:
        return Alert(
            REGION_SILENT, f"An agent is back since {since}; it has to stay for a while", {"monitors": monitors}
        )
    words = f"No agent of it has been live and well since {since}; it has {_monitors(monitors)}"
    return Alert(REGION_SILENT, words, {"monitors": monitors, "silent_since": since})


def told_coverage(expired: Expired, monitors: int, clear_since: str | None) -> Alert:
    """A region whose agents are live and do not get through all of its monitors."""
    details = {
        "monitors": monitors,
        "expired": expired.monitors,
        "unknown": expired.unknown,
        "clear_since": clear_since,
    }
    if not expired.monitors:
        return Alert(COVERAGE_LOST, "All of its votes are fresh again; it has to stay so for a while", details)
    unknown = f"; the verdict of {expired.unknown} is unknown" if expired.unknown else ""
    words = f"Its agents are live, but votes of {expired.monitors} of its {_monitors(monitors)} have expired{unknown}"
    return Alert(COVERAGE_LOST, words, details)


def told_monitors(share: Share, clear_since: str | None) -> Alert:
    """The installation as a whole."""
    part = share.silent / share.of if share.of else 0.0
    words = f"{share.silent} of {share.of} monitors with several regions cannot be judged ({part:.0%})"
    return Alert(MONITORS_SILENT, words, {"silent": share.silent, "of": share.of, "clear_since": clear_since})


def cause_of(kind: str, region: str, reason: str) -> str:
    """A whole sentence for a notice."""
    match kind:
        case "region_silent":
            return f"Region {region} is silent. {reason}"
        case "coverage_lost":
            return f"Region {region} does not cover its monitors. {reason}"
        case _:
            return f"Many monitors are silent. {reason}"


def _monitors(n: int) -> str:
    return "1 monitor" if n == 1 else f"{n} monitors"
