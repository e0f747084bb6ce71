"""From the story to what Farwatch would have decided: changes of verdict and incidents. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from control_plane.services.demo.story import OFF, Spell, Verdict, Work

PROVEN_AFTER = timedelta(seconds=22)
"""From the first failure that anybody saw to the verdict, and from the first good answer to the recovery."""

_RANK: Mapping[Verdict, int] = {"unknown": 3, "down": 2, "degraded": 1, "up": 0}


class Stretch(Struct, frozen=True):
    """One verdict, until the next stretch begins."""

    since: datetime
    verdict: Verdict
    reason: str


class Told(Struct, frozen=True, kw_only=True):
    """An incident: a spell of a monitor, or what a composite's members came to. `resolved_at` by recovery."""

    key: str
    started_at: datetime
    opened_at: datetime
    resolved_at: datetime
    cause: str
    ended: str
    """What its recovery says."""
    spell: Spell | None = None


def cause(spell: Spell) -> str:
    """As an incident says it."""
    if spell.key in SOLE:
        return f"{spell.verdict.capitalize()}: {spell.message}"
    return f"{spell.verdict.capitalize()} from {len(spell.regions)} of 3 regions: {spell.message}"


SOLE = frozenset({"backup", "invoices", "seats"})
"""Those that wait to be pinged: there is no vote between regions to wait for."""


def up(key: str) -> str:
    """What a recovery says, as judging explains it."""
    return "Up: pinged in time" if key in SOLE else "Up from all regions"


def proven(at: datetime, key: str) -> datetime:
    """When a verdict follows from what was first seen at this instant."""
    return at if key in SOLE else at + PROVEN_AFTER


def stretches(key: str, spells: Sequence[Spell], *, since: datetime, now: datetime) -> list[Stretch]:
    """The verdicts of a monitor from its beginning on, in order, none like the one before.

    They end with nobody knowing: the invented past is over, and no region has checked yet.
    """
    bad = [(proven(s.begins(now), key), proven(s.ends(now), key), s.verdict, cause(s)) for s in spells]
    if key not in SOLE:
        bad.append((*off(now), "unknown", "No region has reported of late"))
    bad.append((now, now + PROVEN_AFTER, "unknown", "Waiting for the first results"))
    edges = sorted({since, *(edge for begins, ends, *_ in bad for edge in (begins, ends) if since < edge <= now)})
    found: list[Stretch] = []
    for edge in edges:
        over = [(verdict, reason) for begins, ends, verdict, reason in bad if begins <= edge < ends]
        verdict, reason = max(over, key=lambda each: _RANK[each[0]], default=("up", up(key)))
        if not found or found[-1].verdict != verdict:
            found.append(Stretch(edge, verdict, reason))
    return found


def off(now: datetime) -> tuple[datetime, datetime]:
    """When Farwatch itself was off, [from, to)."""
    days, at, minutes = OFF
    begins = Spell(key="", days=days, at=at, minutes=minutes, message="").begins(now)
    return begins, begins + timedelta(minutes=minutes)


def incidents(key: str, spells: Sequence[Spell], *, now: datetime) -> list[Told]:
    """Those of a monitor: of each outage that was neither outvoted nor held back."""
    return [
        Told(
            key=key,
            started_at=spell.begins(now),
            opened_at=proven(spell.begins(now), key),
            resolved_at=proven(spell.ends(now), key),
            ended=up(spell.key),
            cause=cause(spell),
            spell=spell,
        )
        for spell in spells
        if spell.verdict == "down" and not spell.outvoted and not spell.held
    ]


def composite(members: Mapping[str, Sequence[Stretch]], *, at_least: int) -> list[Stretch]:
    """A composite's verdicts: up while so many members are up, degraded ones being up too."""
    found: list[Stretch] = []
    for edge in sorted({stretch.since for each in members.values() for stretch in each}):
        said = {name: _at(each, edge) for name, each in members.items()}
        verdict = _of(list(said.values()), at_least)
        if not found or found[-1].verdict != verdict:
            found.append(Stretch(edge, verdict, _words(said, at_least)))
    return found


def composite_incidents(key: str, told: Sequence[Stretch], work: Sequence[Work], *, now: datetime) -> list[Told]:
    """Those of a composite: of each outage outside planned work."""
    planned = [(each.begins(now), each.ends(now)) for each in work if key in each.keys]
    return [
        Told(
            key=key,
            started_at=one.since,
            opened_at=one.since,
            resolved_at=following.since,
            cause=f"Down: {one.reason}",
            ended=f"{following.verdict.capitalize()}: {following.reason}",
        )
        for one, following in itertools.pairwise(told)
        if one.verdict == "down" and not any(begins <= one.since < ends for begins, ends in planned)
    ]


def _at(told: Sequence[Stretch], at: datetime) -> Verdict:
    held: Verdict = "unknown"
    for one in told:
        if one.since <= at:
            held = one.verdict
    return held


def _of(said: Sequence[Verdict], at_least: int) -> Verdict:
    up = sum(each in ("up", "degraded") for each in said)
    if up >= at_least:
        return "up"
    return "down" if up + said.count("unknown") < at_least else "unknown"


def _words(said: Mapping[str, Verdict], at_least: int) -> str:
    up = [name for name, each in said.items() if each in ("up", "degraded")]
    down = [name for name, each in said.items() if each == "down"]
    words = f"{len(up)} of {len(said)} up, {at_least} needed"
    return f"{words}; down: {', '.join(down)}" if down else words
