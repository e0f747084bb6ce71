"""A graph of dependencies as a drawing: layers from left to right, boxes that never overlap, edges as paths. Pure.

Sugiyama's way in its plain form: the longest way from a root gives the layer; an edge over several layers gets a lane
of its own in each one between, shared by all edges of its source; a few sweeps by the mean of the neighbours order a
layer. The same graph is always the same drawing.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import TypeVar

from msgspec import Struct

K = TypeVar("K", bound=Hashable)
Edges = Mapping[K, Sequence[K]]

BOX_WIDTH, BOX_HEIGHT = 190.0, 34.0
COLUMN, ROW, LANE = 290.0, 46.0, 14.0
MARGIN = 12.0
_SWEEPS = 4


class Box(Struct, frozen=True):
    """Where a node stands: its upper left corner."""

    key: Hashable
    layer: int
    x: float
    y: float


class Line(Struct, frozen=True):
    """An edge from what is depended on to what depends on it."""

    upstream: Hashable
    downstream: Hashable
    path: str


class Drawing(Struct, frozen=True):
    """All boxes and lines, and how large it is."""

    boxes: Sequence[Box]
    lines: Sequence[Line]
    width: float
    height: float


class _Slot(Struct, frozen=True):
    """A place in a layer: of the node itself, or of the lane of edges that leave `key` for later layers."""

    key: Hashable
    layer: int
    lane: bool


def draw(keys: Sequence[K], edges: Edges[K]) -> Drawing:
    """The drawing of these nodes in this order of preference. `edges`: what each depends on; unknown ends are left out.

    Nodes of a circle, which nothing stored is, come last.
    """
    known = set(keys)
    upstreams = {key: [each for each in dict.fromkeys(edges.get(key, ())) if each in known] for key in keys}
    layers = layers_of(keys, upstreams)
    slots = _slots(keys, upstreams, layers)
    _order(slots, upstreams, layers)
    places = _places(slots)
    boxes = [Box(slot.key, slot.layer, *places[slot]) for column in slots for slot in column if not slot.lane]
    lines = [Line(up, key, _path(up, key, layers, places)) for key in keys for up in upstreams[key]]
    height = max((y + BOX_HEIGHT for _, y in places.values()), default=0.0) + MARGIN
    return Drawing(boxes, lines, MARGIN * 2 + COLUMN * max(0, len(slots) - 1) + BOX_WIDTH, height)


def layers_of(keys: Sequence[K], upstreams: Edges[K]) -> dict[K, int]:
    """The longest way from a node without upstreams, in steps."""
    waits = {key: len(upstreams[key]) for key in keys}
    downstreams: dict[K, list[K]] = {key: [] for key in keys}
    for key in keys:
        for up in upstreams[key]:
            downstreams[up].append(key)
    layers = {key: 0 for key in keys if not waits[key]}
    ready = list(layers)
    for key in ready:  # grows while it is walked
        for down in downstreams[key]:
            layers[down] = max(layers.get(down, 0), layers[key] + 1)
            waits[down] -= 1
            if not waits[down]:
                ready.append(down)
    last = max(layers.values(), default=0)
    return {key: layers[key] if not waits[key] else last + 1 for key in keys}


def _slots(keys: Sequence[K], upstreams: Edges[K], layers: Mapping[K, int]) -> list[list[_Slot]]:
    columns: list[list[_Slot]] = [[] for _ in range(max(layers.values(), default=-1) + 1)]
    for key in keys:
        columns[layers[key]].append(_Slot(key, layers[key], lane=False))
    reach = dict(layers)
    for key in keys:
        for up in upstreams[key]:
            reach[up] = max(reach[up], layers[key])
    for key in keys:
        for layer in range(layers[key] + 1, reach[key]):
            columns[layer].append(_Slot(key, layer, lane=True))
    return columns


def _order(columns: list[list[_Slot]], upstreams: Edges[K], layers: Mapping[K, int]) -> None:
    """Sort each layer by the mean place of its neighbours, to and fro."""
    near = _neighbours(columns, upstreams, layers)
    for sweep in range(_SWEEPS):
        forth = sweep % 2 == 0
        for index in range(1, len(columns)) if forth else range(len(columns) - 2, -1, -1):
            beside = {slot: at for at, slot in enumerate(columns[index - 1 if forth else index + 1])}
            own = {slot: at for at, slot in enumerate(columns[index])}
            columns[index].sort(key=lambda slot: (_mean(near[slot], beside, own[slot]), own[slot]))


def _mean(neighbours: Iterable[_Slot], beside: Mapping[_Slot, int], otherwise: int) -> float:
    found = [beside[each] for each in neighbours if each in beside]
    return sum(found) / len(found) if found else float(otherwise)


def _neighbours(
    columns: Sequence[Sequence[_Slot]], upstreams: Edges[K], layers: Mapping[K, int]
) -> dict[_Slot, list[_Slot]]:
    near: dict[_Slot, list[_Slot]] = {slot: [] for column in columns for slot in column}
    pairs = dict.fromkeys(
        pair for key, ups in upstreams.items() for up in ups for pair in _steps(_way(up, key, layers))
    )
    for left, right in pairs:
        near[left].append(right)
        near[right].append(left)
    return near


def _way(up: Hashable, key: Hashable, layers: Mapping[K, int]) -> list[_Slot]:
    """The places that an edge leads through; in a circle it may lead nowhere forward."""
    first, last = layers[up], layers[key]  # type: ignore[index]
    between = [_Slot(up, layer, lane=True) for layer in range(first + 1, last)]
    return [_Slot(up, first, lane=False), *between, _Slot(key, last, lane=False)]


def _steps(way: Sequence[_Slot]) -> list[tuple[_Slot, _Slot]]:
    return list(pairwise(way))


def _places(columns: Sequence[Sequence[_Slot]]) -> dict[_Slot, tuple[float, float]]:
    """One below the other; a shorter layer stands in the middle of the tallest."""
    heights = [sum(LANE if slot.lane else ROW for slot in column) for column in columns]
    tallest = max(heights, default=0.0)
    places = {}
    for index, column in enumerate(columns):
        y = MARGIN + (tallest - heights[index]) / 2
        for slot in column:
            places[slot] = (MARGIN + index * COLUMN, y)
            y += LANE if slot.lane else ROW
    return places


def _path(up: Hashable, key: Hashable, layers: Mapping[K, int], places: Mapping[_Slot, tuple[float, float]]) -> str:
    way = _way(up, key, layers)
    x, y = places[way[0]]
    parts = [f"M{x + BOX_WIDTH:.0f} {y + BOX_HEIGHT / 2:.1f}"]
    at = (x + BOX_WIDTH, y + BOX_HEIGHT / 2)
    for slot in way[1:]:
        x, y = places[slot]
        middle = y + (LANE if slot.lane else BOX_HEIGHT) / 2
        half = (x - at[0]) / 2
        parts.append(f"C{at[0] + half:.0f} {at[1]:.1f} {x - half:.0f} {middle:.1f} {x:.0f} {middle:.1f}")
        if slot.lane:
            parts.append(f"H{x + BOX_WIDTH:.0f}")
        at = (x + BOX_WIDTH if slot.lane else x, middle)
    return "".join(parts)
