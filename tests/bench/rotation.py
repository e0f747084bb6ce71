"""Contestants take turns, A B C A B C …, and what their turns say together."""

from __future__ import annotations

import math
import statistics
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

MAX_FLOOR_SPREAD = 0.25
"""A run is void when its floor varies by more than this share of its median."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn: CPU seconds by part, things done, and how many of the answers were wrong."""

    cpu: Mapping[str, float]
    count: int
    wrong: int = 0
    extra: Mapping[str, float] = field(default_factory=dict)
    because: Mapping[str, int] = field(default_factory=dict)
    """What the wrong answers said, and how many said so."""

    def per_item_us(self, *parts: str) -> float:
        """CPU microseconds per thing done, of these parts or of all."""
        return sum(self.cpu[part] for part in parts or self.cpu) / self.count * 1e6


@dataclass(frozen=True, slots=True)
class Spread:
    """Least, middle and most of some rounds."""

    low: float
    middle: float
    high: float


def spread_of(values: Sequence[float]) -> Spread:
    return Spread(min(values), statistics.median(values), max(values))


def ratios(values: Sequence[float], floor: Sequence[float]) -> list[float]:
    """Round by round: what was measured in one round is compared within it.

    The kernel counts CPU in ticks: a floor too short to have one has no ratio, which is infinite and reaches nothing.
    """
    return [value / below if below else math.inf for value, below in zip(values, floor, strict=True)]


def is_void(floor: Sequence[float]) -> bool:
    """Whether the floor itself varied so much that this run says nothing."""
    spread = spread_of(floor)
    return spread.high - spread.low > MAX_FLOOR_SPREAD * spread.middle


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of all do not exceed (nearest rank)."""
    ordered = sorted(values)
    rank = -(-len(ordered) * round(share * 1000) // 1000)
    return ordered[max(rank, 1) - 1]


async def rotate(contestants: Mapping[str, Callable[[], Awaitable[Turn]]], *, rounds: int) -> dict[str, list[Turn]]:
    """The turns of each contestant, one per round."""
    turns: dict[str, list[Turn]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, take_turn in contestants.items():
            turns[name].append(await take_turn())
    return turns
