"""What depends on what, as a graph without cycles. Pure: edges in, paths and distances out.

`edges` are what each monitor depends on directly. Every function looks at each edge once, however many ways lead to it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

Edges = Mapping[UUID, Sequence[UUID]]

_NAMED = 10
"""How many monitors of a long way round are named."""


def find_cycle(edges: Edges, *, start: UUID, wanted: Iterable[UUID]) -> tuple[UUID, ...] | None:
    """The shortest way round that `start` depending on `wanted` would close, from start to start; None if none.

    What `start` depends on so far does not matter: `wanted` takes its place.
    """
    came_from: dict[UUID, UUID] = {}
    queue: deque[UUID] = deque()
    for upstream in wanted:
        if came_from.setdefault(upstream, start) == start:
            queue.append(upstream)
    while queue and start not in came_from:
        monitor = queue.popleft()
        for upstream in edges.get(monitor, ()):
            if upstream not in came_from:
                came_from[upstream] = monitor
                queue.append(upstream)
    return _way_round(came_from, start) if start in came_from else None


def _way_round(came_from: Mapping[UUID, UUID], start: UUID) -> tuple[UUID, ...]:
    path = [start]
    monitor = came_from[start]
    while monitor != start:
        path.append(monitor)
        monitor = came_from[monitor]
    return (start, *reversed(path))


def cycle_words(path: Sequence[UUID], names: Mapping[UUID, str]) -> str:
    """The way round by names: "A → B → A"; the middle of a long one is counted."""
    words = [f"“{names.get(monitor, str(monitor))}”" for monitor in path]
    if len(words) > _NAMED:
        left_out = len(words) - _NAMED
        words[_NAMED // 2 : _NAMED // 2 + left_out] = [f"{left_out} more"]
    return " → ".join(words)


def distances(edges: Edges, start: UUID) -> dict[UUID, int]:
    """How many steps each monitor that is reached from `start` lies away, by the shortest way; without `start`."""
    found: dict[UUID, int] = {start: 0}
    queue = deque([start])
    while queue:
        monitor = queue.popleft()
        for neighbour in edges.get(monitor, ()):
            if neighbour not in found:
                found[neighbour] = found[monitor] + 1
                queue.append(neighbour)
    del found[start]
    return found
