"""A timer wheel: a hundred thousand timers for the price of one, because the loop is woken per tick, not per timer.

Two levels of buckets: ticks of 4 ms for what is due within the span under way, a quarter of a second, and whole spans
for the rest. An item never comes early and at most one tick late. Who changes when an item is due puts it in again; the
entry that is stale then is dropped on the way, or passed over by the owner, who knows when the item is really due.
"""

from __future__ import annotations

from typing import Generic, Protocol, TypeVar

TICK_MS = 4
_SPAN = 64
"""Ticks of a span. A span is entered in one go, which must not hold up what is due."""

_SUSPENDED = 60_000 // TICK_MS
"""When the clock has moved on by more ticks, buckets are searched instead of the ticks in between."""


class Timed(Protocol):
    due: int


T = TypeVar("T", bound=Timed)


class Wheel(Generic[T]):
    """`add` and `pop_due` take Unix milliseconds that never go back between calls (else `reset` first)."""

    def __init__(self, now: float) -> None:
        self._near: dict[int, list[T]] = {}
        self._far: dict[int, list[T]] = {}
        self._cursor = int(now // TICK_MS)

    def reset(self, now: float) -> list[T]:
        """Begin anew at `now`, empty; gives what it held, stale entries included."""
        held = [item for level in (self._near, self._far) for items in level.values() for item in items]
        self._near.clear()
        self._far.clear()
        self._cursor = int(now // TICK_MS)
        return held

    def add(self, item: T) -> None:
        """Take an item that is due at `item.due`."""
        tick = max(-(-item.due // TICK_MS), self._cursor)
        if tick // _SPAN == self._cursor // _SPAN:
            bucket = self._near.get(tick)
            if bucket is None:
                self._near[tick] = [item]
            else:
                bucket.append(item)
        else:
            self._far.setdefault(tick // _SPAN, []).append(item)

    def pop_due(self, now: float) -> list[T]:
        """The items whose tick is over, in order of ticks."""
        target = int(now // TICK_MS)
        if target - self._cursor > _SUSPENDED:
            self._search(target)
        due: list[T] = []
        while self._cursor <= target:
            due += self._near.pop(self._cursor, ())
            self._cursor += 1
            if self._cursor % _SPAN == 0:
                self._enter_span()
        return due

    def next_at(self) -> int | None:
        """When `pop_due` will next have something (or a new span has to be entered); None when empty."""
        if self._near:
            tick = self._cursor
            while tick not in self._near:
                tick += 1
            return tick * TICK_MS
        return min(self._far) * _SPAN * TICK_MS if self._far else None

    def _enter_span(self) -> None:
        span, near = self._cursor // _SPAN, self._near
        for item in self._far.pop(span, ()):
            tick = -(-item.due // TICK_MS)
            if tick // _SPAN != span:
                continue  # stale
            bucket = near.get(tick)
            if bucket is None:
                near[tick] = [item]
            else:
                bucket.append(item)

    def _search(self, target: int) -> None:
        """Jump to `target`, keeping what lies behind it as due now."""
        items = [item for level in (self._near, self._far) for key in sorted(level) for item in level[key]]
        self._near.clear()
        self._far.clear()
        self._cursor = target
        for item in items:
            self.add(item)
