"""A way round is found and told; distances are the shortest."""

from __future__ import annotations

from itertools import pairwise
from uuid import UUID

from control_plane.domain.judging.dependency_graph import cycle_words, distances, find_cycle


def ids(*names: int) -> list[UUID]:
    return [UUID(int=name) for name in names]


A, B, C, D = ids(1, 2, 3, 4)


def test_a_chain_closes_nothing() -> None:
    assert find_cycle({B: [C], C: [D]}, start=A, wanted=[B]) is None


def test_a_monitor_that_depends_on_itself_is_the_shortest_way_round() -> None:
    assert find_cycle({}, start=A, wanted=[A]) == (A, A)


def test_the_way_round_is_told_from_start_to_start_by_the_shortest_path() -> None:
    edges = {B: [C, D], C: [D], D: [A]}
    assert find_cycle(edges, start=A, wanted=[B]) == (A, B, D, A)


def test_what_the_monitor_depended_on_before_does_not_matter() -> None:
    assert find_cycle({A: [D], D: [A], B: [C]}, start=A, wanted=[B]) is None


def test_two_ways_to_one_upstream_are_no_way_round() -> None:
    assert find_cycle({B: [D], C: [D]}, start=A, wanted=[B, C]) is None


def test_many_ways_through_few_monitors_are_looked_at_once_each() -> None:
    layers = [ids(*range(10 * layer, 10 * layer + 10)) for layer in range(1, 40)]
    edges = {monitor: below for above, below in pairwise(layers) for monitor in above}
    assert find_cycle(edges, start=A, wanted=layers[0]) is None  # ten to the thirty-eighth ways


def test_a_way_round_is_told_by_names() -> None:
    assert cycle_words([A, B, A], {A: "API", B: "DB"}) == "“API” → “DB” → “API”"


def test_the_middle_of_a_long_way_round_is_counted() -> None:
    path = ids(*range(1, 31), 1)
    words = cycle_words(path, {monitor: f"m{monitor.int}" for monitor in path})
    assert words.startswith("“m1” → “m2”")
    assert "21 more" in words
    assert words.endswith("“m1”")
    assert words.count("→") == 10


def test_distances_are_the_shortest() -> None:
    assert distances({A: [B, C], B: [C], C: [D]}, A) == {B: 1, C: 1, D: 2}
    assert distances({}, A) == {}
