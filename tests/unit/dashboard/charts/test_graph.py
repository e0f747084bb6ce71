from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from itertools import combinations

import pytest

from control_plane.dashboard.charts.graph import BOX_HEIGHT, BOX_WIDTH, Drawing, draw, layers_of


def drawn(edges: Mapping[str, Sequence[str]], keys: str = "") -> Drawing:
    return draw(list(keys or sorted({*edges, *"".join("".join(ups) for ups in edges.values())})), edges)


def layer(drawing: Drawing, key: str) -> int:
    return next(box.layer for box in drawing.boxes if box.key == key)


def test_what_depends_on_another_stands_to_its_right() -> None:
    drawing = drawn({"b": ["a"], "c": ["b"], "d": ["a", "c"]})
    assert [layer(drawing, key) for key in "abcd"] == [0, 1, 2, 3]
    x = {box.key: box.x for box in drawing.boxes}
    assert x["a"] < x["b"] < x["c"] < x["d"]


def test_every_edge_between_known_monitors_is_one_line() -> None:
    drawing = drawn({"b": ["a", "a", "gone"], "c": ["a"]}, "abc")
    assert {(line.upstream, line.downstream) for line in drawing.lines} == {("a", "b"), ("a", "c")}
    assert len(drawing.lines) == 2


def test_a_line_begins_at_the_upstreams_right_side_and_ends_at_the_downstreams_left() -> None:
    drawing = drawn({"b": ["a"], "c": ["b", "a"]})
    at = {box.key: (box.x, box.y + BOX_HEIGHT / 2) for box in drawing.boxes}
    for line in drawing.lines:
        numbers = [float(each) for each in re.findall(r"-?[\d.]+", line.path)]
        assert numbers[:2] == [at[line.upstream][0] + BOX_WIDTH, at[line.upstream][1]]
        assert numbers[-2:] == list(at[line.downstream])


def test_a_long_edge_keeps_clear_of_the_boxes_that_it_passes() -> None:
    drawing = drawn({"b": ["a"], "c": ["b", "a"]})
    line = next(line for line in drawing.lines if (line.upstream, line.downstream) == ("a", "c"))
    middle = next(box for box in drawing.boxes if box.key == "b")
    [height] = [float(y) for y in re.findall(r"([\d.]+)H", line.path.replace(" ", "|").replace("|", " "))]
    assert not middle.y <= height <= middle.y + BOX_HEIGHT


def test_a_circle_is_drawn_as_well() -> None:
    drawing = drawn({"a": ["b"], "b": ["a"], "c": []}, "abc")
    assert {box.key for box in drawing.boxes} == set("abc")
    assert len(drawing.lines) == 2


def test_nothing_is_an_empty_drawing() -> None:
    assert draw([], {}).boxes == []


@pytest.mark.parametrize("seed", range(6))
def test_no_two_boxes_touch_and_all_lie_within(seed: int) -> None:
    keys, edges = anything(seed, 60)
    drawing = draw(keys, edges)
    for one, other in combinations(drawing.boxes, 2):
        apart = abs(one.x - other.x) >= BOX_WIDTH or abs(one.y - other.y) >= BOX_HEIGHT
        assert apart, (one, other)
    for box in drawing.boxes:
        assert 0 <= box.x <= drawing.width - BOX_WIDTH
        assert 0 <= box.y <= drawing.height - BOX_HEIGHT


@pytest.mark.parametrize("seed", range(6))
def test_every_monitor_lies_behind_all_that_it_depends_on(seed: int) -> None:
    keys, edges = anything(seed, 60)
    found = layers_of(keys, edges)
    assert all(found[up] < found[key] for key in keys for up in edges[key])
    assert all(any(found[up] == found[key] - 1 for up in edges[key]) for key in keys if found[key])


def test_the_same_graph_is_the_same_drawing() -> None:
    keys, edges = anything(1, 80)
    assert draw(keys, edges) == draw(list(keys), {key: list(ups) for key, ups in edges.items()})


def test_five_hundred_monitors_are_drawn_whole() -> None:
    keys, edges = anything(7, 500)
    drawing = draw(keys, edges)
    assert len(drawing.boxes) == 500
    assert len(drawing.lines) == sum(len(ups) for ups in edges.values())


def anything(seed: int, many: int) -> tuple[list[int], dict[int, list[int]]]:
    """A graph without circles: each depends on up to four of those before it."""
    chance = random.Random(seed)
    keys = list(range(many))
    edges = {key: sorted(chance.sample(range(key), min(key, chance.randrange(5)))) for key in keys}
    return keys, edges
