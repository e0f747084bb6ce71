"""How much to measure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Options:
    rounds: int = 5
    quick: bool = False

    def scaled(self, whole: int, *, quick: int) -> int:
        return quick if self.quick else whole
