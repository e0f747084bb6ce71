"""Plain counters of what this agent does; metrics.py shows them, and nothing else reads them."""

from __future__ import annotations

from collections import Counter

from shared.results import Outcome, Reason


class Tally:
    """Counts since start."""

    def __init__(self) -> None:
        self.checks: Counter[tuple[Outcome, Reason]] = Counter()
        self.shipped: Counter[str] = Counter()
        self.send_failures = 0
        self.unwritten = 0
        self.given_up = 0
        self.succeeded_at = float("-inf")
        """When a check last found its target well (perf_counter)."""

    def count(self, outcome: Outcome, reason: Reason) -> None:
        self.checks[outcome, reason] += 1

    def settled(self, statuses: tuple[str, ...]) -> None:
        """Statuses of a receipt: stored, duplicate, late, rejected:CODE."""
        self.shipped.update(statuses)
