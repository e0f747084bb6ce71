"""What is so: how each target really is, seen from each region, at every instant. Nothing else decides it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from random import Random
from typing import Literal

from msgspec import Struct

Condition = Literal["up", "slow", "down"]

SECOND, MINUTE, HOUR = 1_000, 60_000, 3_600_000


class Spell(Struct, frozen=True):
    """A time, [start, end) in Unix ms, in which the target is not well. `takes_ms`: what a check takes meanwhile."""

    start: int
    end: int
    condition: Condition
    takes_ms: int


class Lie(Struct, frozen=True):
    """A time in which a region tells something else than it sees."""

    start: int
    end: int
    tells: Literal["down", "up", "opposite", "anything"]


class View:
    """A target as one region sees it."""

    __slots__ = ("_ends", "_starts", "spells")

    def __init__(self, spells: Iterable[Spell] = ()) -> None:
        self.spells = sorted(spells, key=lambda spell: spell.start)
        self._starts = [spell.start for spell in self.spells]

    def at(self, instant: int) -> Spell | None:
        """The spell at this instant; None while all is well."""
        n = bisect_right(self._starts, instant) - 1
        if n < 0:
            return None
        spell = self.spells[n]
        return spell if instant < spell.end else None


class Target(Struct, kw_only=True):
    """A target: by region, how it is seen, and which lies are told about it."""

    views: dict[int, View]
    lies: dict[int, list[Lie]] = {}

    def suffer(self, other: Target) -> None:
        """Fail with another target, wherever this one is not unwell already."""
        for region_id, view in self.views.items():
            more = other.views[region_id].spells if region_id in other.views else []
            new = [s for s in more if all(s.end <= own.start or own.end <= s.start for own in view.spells)]
            self.views[region_id] = View([*view.spells, *new])

    def lie_at(self, region_id: int, instant: int) -> Lie | None:
        return next((lie for lie in self.lies.get(region_id, ()) if lie.start <= instant < lie.end), None)

    def honest(self, region_id: int) -> bool:
        return region_id not in self.lies

    def outages(self, r: int, *, honest: bool = False) -> list[tuple[int, int]]:
        """The times in which at least `r` regions cannot reach it; `honest`: that many which tell the truth."""
        edges: list[tuple[int, int]] = []
        for region_id, view in self.views.items():
            if not honest or self.honest(region_id):
                for spell in view.spells:
                    if spell.condition == "down":
                        edges += [(spell.start, 1), (spell.end, -1)]
        edges.sort()
        found: list[tuple[int, int]] = []
        depth, began = 0, 0
        for at, step in edges:
            before, depth = depth, depth + step
            if before < r <= depth:
                began = at
            elif depth < r <= before and at > began:
                if found and found[-1][1] == began:
                    found[-1] = (found[-1][0], at)
                else:
                    found.append((began, at))
        return found


class Habits(Struct, frozen=True, kw_only=True):
    """What a target is prone to: weights of what befalls it, and how long it is well in between (ms, on average)."""

    well_ms: int
    weights: dict[str, float]


def spells_of(
    rng: Random, habits: Habits, *, regions: list[int], start: int, end: int, timeout: int
) -> dict[int, View]:
    """A script from `start` to `end`, after which all is well."""
    found: dict[int, list[Spell]] = {region_id: [] for region_id in regions}
    at = start + int(rng.expovariate(1 / habits.well_ms))
    kinds, weights = list(habits.weights), list(habits.weights.values())
    while at < end:
        kind = rng.choices(kinds, weights)[0]
        at = _befall(rng, kind, found, at=at, end=end, timeout=timeout)
        at += int(rng.expovariate(1 / habits.well_ms)) + SECOND
    return {region_id: View(spells) for region_id, spells in found.items()}


def _befall(rng: Random, kind: str, found: dict[int, list[Spell]], *, at: int, end: int, timeout: int) -> int:
    regions = list(found)
    takes = timeout if rng.random() < 0.3 else rng.randint(5, 500)
    match kind:
        case "outage":
            until = at + int(rng.lognormvariate(0, 1.2) * 15 * MINUTE)
            return _add(found, regions, Spell(at, min(until, end), "down", takes))
        case "partial":
            some = rng.sample(regions, rng.randint(1, len(regions)))
            until = at + int(rng.lognormvariate(0, 1.2) * 15 * MINUTE)
            return _add(found, some, Spell(at, min(until, end), "down", takes))
        case "blip":
            some = regions if rng.random() < 0.5 else rng.sample(regions, rng.randint(1, len(regions)))
            until = min(at + rng.randint(200, 20 * SECOND), end)
            return _add(found, some, Spell(at, until, "down", takes))
        case "slow":
            some = regions if rng.random() < 0.7 else rng.sample(regions, rng.randint(1, len(regions)))
            until = at + int(rng.lognormvariate(0, 1) * 20 * MINUTE)
            return _add(found, some, Spell(at, min(until, end), "slow", rng.randint(2_000, 4_000)))
        case _:
            return _flap(rng, found, at=at, end=end, takes=takes)


def _flap(rng: Random, found: dict[int, list[Spell]], *, at: int, end: int, takes: int) -> int:
    until = min(at + rng.randint(5 * MINUTE, 40 * MINUTE), end)
    beat = rng.randint(3 * SECOND, 4 * MINUTE)
    while at < until:
        spell = Spell(at, min(at + rng.randint(beat // 2, beat), end), "down", takes)
        at = _add(found, list(found), spell)
        at += rng.randint(beat // 2, beat)
    return at


def _add(found: dict[int, list[Spell]], regions: list[int], spell: Spell) -> int:
    """Let these regions see the spell; when it is over."""
    for region_id in regions:
        if spell.start < spell.end:
            found[region_id].append(spell)
    return max(spell.start, spell.end)
