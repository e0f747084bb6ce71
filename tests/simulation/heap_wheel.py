"""The timers of a simulated agent."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TypeVar

from agent.schedule.wheel import Timed, Wheel

T = TypeVar("T", bound=Timed)


class HeapWheel(Wheel[T]):
    """The wheel's promises without its ticks, each of which would cost time here."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, T]] = []
        self._count = 0

    def add(self, item: T) -> None:
        self._count += 1
        heappush(self._heap, (item.due, self._count, item))

    def reset(self, now: float) -> list[T]:
        held = [item for _, _, item in sorted(self._heap, key=lambda each: each[:2])]
        self._heap.clear()
        return held

    def pop_due(self, now: float) -> list[T]:
        due, heap = [], self._heap
        while heap and heap[0][0] <= now:
            at, _, item = heappop(heap)
            if item.due == at:
                due.append(item)
        return due

    def next_at(self) -> int | None:
        heap = self._heap
        while heap and heap[0][2].due != heap[0][0]:
            heappop(heap)
        return heap[0][0] if heap else None
