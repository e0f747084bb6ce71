"""However edges are added one by one, what is let through never has a way round, and what is refused had one."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from control_plane.domain.judging.dependency_graph import distances, find_cycle

nodes = st.integers(1, 9).map(lambda number: UUID(int=number))
changes = st.lists(st.tuples(nodes, st.lists(nodes, max_size=4, unique=True)), max_size=30)


def is_acyclic(edges: dict[UUID, list[UUID]]) -> bool:
    try:
        TopologicalSorter(edges).prepare()
    except CycleError:
        return False
    return True


@given(changes)
def test_exactly_what_keeps_the_graph_acyclic_is_let_through(asked: list[tuple[UUID, list[UUID]]]) -> None:
    edges: dict[UUID, list[UUID]] = {}
    for monitor, wanted in asked:
        path = find_cycle(edges, start=monitor, wanted=wanted)
        assert (path is None) == is_acyclic({**edges, monitor: wanted})
        if path is None:
            edges[monitor] = wanted
            continue
        assert path[0] == path[-1] == monitor
        assert path[1] in wanted
        assert all(after in edges[before] for before, after in pairwise(path[1:]))
        assert len(set(path)) == len(path) - 1


@given(changes, nodes)
def test_distances_reach_exactly_what_is_below(asked: list[tuple[UUID, list[UUID]]], start: UUID) -> None:
    edges: dict[UUID, list[UUID]] = {}
    for monitor, wanted in asked:
        if find_cycle(edges, start=monitor, wanted=wanted) is None:
            edges[monitor] = wanted
    found = distances(edges, start)
    assert {upstream for upstream, steps in found.items() if steps == 1} == set(edges.get(start, []))
    for upstream, steps in found.items():
        if steps > 1:
            assert any(upstream in edges.get(one, []) for one, before in found.items() if before == steps - 1)
