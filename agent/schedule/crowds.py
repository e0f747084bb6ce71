"""Fairness towards targets: of one crowd only so many checks are under way at once, and who is over that waits.

A crowd is what a check burdens (see agent.checks.check.Crowd): a tenant's host and port, or a registry over all
tenants. Who waits keeps its slot for as long as that lasts; the scheduler then makes a gap of it, never an outcome.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar
from uuid import UUID

from agent.checks.check import Crowd
from shared.checks import Check

Key = tuple[int, str] | str
"""With the number of the tenant's id, which unlike the id itself is hashed at no cost."""

T = TypeVar("T")


class Crowds(Generic[T]):
    """`per_target`: places of one tenant at one host and port. `per_registry`: places at one registry."""

    def __init__(self, *, crowd_of: Callable[[Check], Crowd], per_target: int = 10, per_registry: int = 2) -> None:
        self._crowd_of = crowd_of
        self._per_target = per_target
        self._per_registry = per_registry
        self._inside: dict[Key, int] = {}
        self._waiting: dict[Key, deque[T]] = {}

    @property
    def waiting(self) -> int:
        """How many wait for a place."""
        return sum(map(len, self._waiting.values()))

    def key_of(self, check: Check, tenant_id: UUID) -> Key:
        crowd = self._crowd_of(check)
        return (tenant_id.int, crowd.key) if crowd.per_tenant else crowd.key

    def enter(self, key: Key) -> bool:
        """Take a place; False when there is none."""
        inside = self._inside.get(key)
        if inside is None:
            self._inside[key] = 1  # nobody has less than one place
            return True
        if inside >= self._places(key):
            return False
        self._inside[key] = inside + 1
        return True

    def wait(self, key: Key, item: T) -> None:
        self._waiting.setdefault(key, deque()).append(item)

    def is_full(self, key: Key) -> bool:
        return self._inside.get(key, 0) >= self._places(key)

    def leave(self, key: Key, *, is_wanted: Callable[[T], bool]) -> list[T]:
        """Give a place back. Returns those who waited longest, as many as there are places now; they enter anew.

        Who is not wanted any more is forgotten: a place that is given back must not be lost on them.
        """
        inside = self._inside[key] - 1
        if inside:
            self._inside[key] = inside
        else:
            del self._inside[key]
        waiting = self._waiting.get(key) if self._waiting else None
        if waiting is None:
            return []
        called: list[T] = []
        while waiting and len(called) < self._places(key) - inside:
            item = waiting.popleft()
            if is_wanted(item):
                called.append(item)
        if not waiting:
            del self._waiting[key]
        return called

    def disband(self) -> list[T]:
        """Send everyone who waits away."""
        items = [item for waiting in self._waiting.values() for item in waiting]
        self._waiting.clear()
        return items

    def _places(self, key: Key) -> int:
        return self._per_registry if isinstance(key, str) else self._per_target
