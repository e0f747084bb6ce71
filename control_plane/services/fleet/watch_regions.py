"""The part of the watch that looks at whole regions: which are silent, which fall behind, and whether it is many."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct, field

from control_plane.domain.fleet import fleet_regions
from control_plane.domain.fleet.fleet import SKEWED, Alert, Sign
from control_plane.domain.fleet.fleet_regions import (
    COVERAGE_LOST,
    EXPIRED_FOR,
    GATHER_FOR,
    MONITORS_SILENT,
    REGION_SILENT,
    SETTLED_AFTER,
    SEVERITIES,
    Expired,
    Group,
    Noted,
    RegionState,
)
from control_plane.services.fleet.write_operator_incidents import Change, Place, ending
from control_plane.services.installation.identity import new_id
from control_plane.store import fleet_regions as rows
from control_plane.store.operator_incidents import OperatorIncident
from control_plane.store.pool import Connection
from shared.clock import to_unix_ms

INSTALLATION = "installation"
"""The subject of what concerns no region in particular."""

RESOLVED_WORDS: Mapping[str, str] = {
    "recovered": "It is well again",
    "disabled": "It was disabled",
    "removed": "It was removed",
    "unassigned": "It has no monitors any more",
}


class Regions(Struct, frozen=True, kw_only=True):
    """The regions as the watch finds them."""

    states: Sequence[RegionState]
    noted: Mapping[int, Noted]
    groups: Sequence[Group]
    expired: Mapping[int, Expired]
    now: datetime
    watched_since: datetime
    monitors: Mapping[int, int] = field(default_factory=dict)
    signs: Mapping[int, Sign] = field(default_factory=dict)

    @property
    def silent(self) -> frozenset[int]:
        """Regions whose silence is, or may soon be, or only just was one."""
        return frozenset(key for key, sign in self.signs.items() if sign is not Sign.ABSENT)

    @property
    def shared(self) -> frozenset[int]:
        return frozenset(region.id for region in self.states if region.private_to is None)

    @property
    def is_settled(self) -> bool:
        """Whether what agents had kept while nobody listened has had time to arrive."""
        return self.now - self.watched_since >= SETTLED_AFTER


class Judged(Struct, frozen=True):
    changes: list[Change] = field(default_factory=list)
    reworded: list[tuple[UUID, str, dict[str, Any]]] = field(default_factory=list)


async def read_regions(conn: Connection, *, now: datetime, watched_since: datetime) -> Regions:
    """Read all there is to know of the regions."""
    states, before = await rows.region_states(conn), await rows.noted(conn)
    groups = await rows.groups(conn, now_ms=to_unix_ms(now))
    found = ((region.id, fleet_regions.note(region, before.get(region.id), now=now)) for region in states)
    noted = {key: one for key, one in found if one is not None}
    live = {key: to_unix_ms(max(one.since, watched_since)) for key, one in noted.items() if one.live}
    expired = await rows.expired(
        conn, live_since_ms=live, overdue_ms=int(EXPIRED_FOR.total_seconds() * 1000), now_ms=to_unix_ms(now)
    )
    monitors: dict[int, int] = {}
    for group in groups:
        for key in group.regions:
            monitors[key] = monitors.get(key, 0) + group.monitors
    return Regions(
        states=states,
        noted=noted,
        groups=groups,
        expired=expired,
        now=now,
        watched_since=watched_since,
        monitors=monitors,
        signs={
            region.id: fleet_regions.silence_of(region, noted.get(region.id), now=now, watched_since=watched_since)
            for region in states
            if monitors.get(region.id)
        },
    )


def judge_regions(regions: Regions, held: Sequence[OperatorIncident]) -> Judged:
    """What should change, given the open incidents of all kinds."""
    open_ = {(one.kind, one.subject): one for one in held}
    judged = Judged()
    is_many = _judge_monitors(regions, open_.pop((MONITORS_SILENT, INSTALLATION), None), judged)
    told_before = {subject for kind, subject in open_ if kind == REGION_SILENT}
    is_gathering = not is_many and _is_gathering(regions, told_before)
    skewed = {(one.private_to, one.region) for one in held if one.kind == SKEWED}
    for region in regions.states:
        is_hushed = region.private_to is None and (is_many or is_gathering)
        mine = open_.pop((REGION_SILENT, str(region.id)), None)
        _settle(regions, region, mine, _silent(regions, region, mine, may_open=not is_hushed), into=judged)
        mine = open_.pop((COVERAGE_LOST, str(region.id)), None)
        may_open = not is_hushed and region.id not in regions.silent and (region.private_to, region.slug) not in skewed
        _settle(regions, region, mine, _uncovered(regions, region, mine, may_open=may_open), into=judged)
    gone = [one for (kind, _), one in open_.items() if kind in (REGION_SILENT, COVERAGE_LOST)]
    judged.changes.extend(_ended(one, "removed") for one in gone)
    return judged


def _judge_monitors(regions: Regions, mine: OperatorIncident | None, judged: Judged) -> bool:
    """Whether so many monitors are silent that one incident stands for all."""
    mute = _disabled(regions) | _mute(regions, (Sign.CONFIRMED,) if mine is None else _ANY_SILENCE)
    share = fleet_regions.share_of(
        regions.groups, shared=regions.shared, mute=mute, is_settled=regions.is_settled or mine is not None
    )
    if mine is None:
        if share.is_large:
            judged.changes.append(
                _opening(fleet_regions.told_monitors(share, None), Place(), INSTALLATION, "all regions")
            )
        return share.is_large
    stays, clear_since = fleet_regions.is_open_still(is_so=share.is_large, details=mine.details, now=regions.now)
    if stays:
        _reword(judged, mine, fleet_regions.told_monitors(share, clear_since))
    else:
        judged.changes.append(_ended(mine, "recovered"))
    return stays


def _is_gathering(regions: Regions, told_before: Collection[str]) -> bool:
    """Whether regions that may soon be silent would make the silent ones a part of something larger."""
    longest = max(
        (
            fleet_regions.silent_for(regions.noted[key], now=regions.now, watched_since=regions.watched_since)
            for key in _mute(regions, (Sign.CONFIRMED,))
            if str(key) not in told_before
        ),
        default=None,
    )
    if longest is None or longest >= GATHER_FOR:
        return False
    soon = _disabled(regions) | _mute(regions, (Sign.CONFIRMED, Sign.PENDING))
    share = fleet_regions.share_of(regions.groups, shared=regions.shared, mute=soon, is_settled=regions.is_settled)
    return share.is_large


_ANY_SILENCE = (Sign.CONFIRMED, Sign.PENDING, Sign.FADING)


def _mute(regions: Regions, signs: Collection[Sign]) -> frozenset[int]:
    return frozenset(key for key in regions.shared if regions.signs.get(key, Sign.ABSENT) in signs)


def _disabled(regions: Regions) -> frozenset[int]:
    return frozenset(region.id for region in regions.states if region.private_to is None and not region.enabled)


def _silent(regions: Regions, region: RegionState, mine: OperatorIncident | None, *, may_open: bool) -> Alert | None:
    sign = regions.signs.get(region.id, Sign.ABSENT)
    is_so = sign is Sign.CONFIRMED and may_open if mine is None else sign is not Sign.ABSENT
    return fleet_regions.told_silent(regions.noted[region.id], regions.monitors[region.id]) if is_so else None


def _uncovered(regions: Regions, region: RegionState, mine: OperatorIncident | None, *, may_open: bool) -> Alert | None:
    monitors = regions.monitors.get(region.id, 0)
    found = regions.expired.get(region.id) or Expired(region_id=region.id, monitors=0, unknown=0)
    if mine is None:
        return fleet_regions.told_coverage(found, monitors, None) if found.monitors and may_open else None
    if not region.enabled or not monitors:
        return None
    stays, clear_since = fleet_regions.is_open_still(is_so=found.monitors > 0, details=mine.details, now=regions.now)
    return fleet_regions.told_coverage(found, monitors, clear_since) if stays else None


def _settle(
    regions: Regions, region: RegionState, mine: OperatorIncident | None, alert: Alert | None, *, into: Judged
) -> None:
    """What is open becomes what should be."""
    if alert is None:
        if mine is not None:
            into.changes.append(_ended(mine, _resolution(region, regions)))
    elif mine is not None:
        _reword(into, mine, alert)
    else:
        place = Place(region_id=region.id, region=region.slug, region_name=region.name, private_to=region.private_to)
        into.changes.append(_opening(alert, place, str(region.id), region.slug))


def _resolution(region: RegionState, regions: Regions) -> str:
    if not region.enabled:
        return "disabled"
    return "recovered" if regions.monitors.get(region.id) else "unassigned"


def _reword(judged: Judged, mine: OperatorIncident, alert: Alert) -> None:
    details = {**mine.details, **alert.details}
    if (mine.reason, mine.details) != (alert.reason, details):
        judged.reworded.append((mine.id, alert.reason, details))


def _opening(alert: Alert, place: Place, subject: str, region: str) -> Change:
    return Change(
        id=new_id(),
        kind=alert.kind,
        subject=subject,
        severity=SEVERITIES[alert.kind],
        place=place,
        cause=fleet_regions.cause_of(alert.kind, region, alert.reason),
        reason=alert.reason,
        details={"region": place.region, **alert.details},
    )


def _ended(incident: OperatorIncident, resolution: str) -> Change:
    """Of a region that is gone, what is left is what was noted."""
    region = incident.region or incident.details.get("region")
    place = Place(region=region, region_name=incident.region_name, private_to=incident.private_to)
    return ending(
        incident,
        cause=fleet_regions.cause_of(incident.kind, region or "?", incident.reason),
        reason=RESOLVED_WORDS[resolution],
        place=place,
        resolution=resolution,
    )


def told(regions: Regions) -> Iterator[tuple[str, int, int, int]]:
    """Of each shared region: slug, live agents, monitors, monitors whose vote there has expired."""
    for region in regions.states:
        if region.private_to is None:
            late = regions.expired.get(region.id)
            yield region.slug, region.live, regions.monitors.get(region.id, 0), late.monitors if late else 0
