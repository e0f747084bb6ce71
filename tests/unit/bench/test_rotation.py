"""Turns, and what is computed from them."""

from __future__ import annotations

import asyncio
import math

import pytest

from tests.bench.rotation import Spread, Turn, is_void, percentile, ratios, rotate, spread_of


def test_contestants_take_turns() -> None:
    order: list[str] = []

    async def turn(name: str) -> Turn:
        order.append(name)
        return Turn({"cpu": 1.0}, len(order))

    turns = asyncio.run(rotate({name: lambda name=name: turn(name) for name in "ABC"}, rounds=2))  # type: ignore[misc]
    assert "".join(order) == "ABCABC"
    assert [each.count for each in turns["B"]] == [2, 5]


def test_a_cost_is_cpu_of_the_named_parts_per_thing_done() -> None:
    turn = Turn({"agent": 1.0, "database": 3.0}, 1_000_000)
    assert turn.per_item_us("agent") == 1.0
    assert turn.per_item_us() == 4.0


def test_a_spread_has_least_median_and_most() -> None:
    assert spread_of([5, 1, 3]) == Spread(1, 3, 5)


def test_ratios_compare_within_a_round() -> None:
    assert ratios([2, 9], [1, 3]) == [2, 3]


def test_a_floor_too_short_to_measure_makes_no_ratio_look_good() -> None:
    assert ratios([1.0, 0.0], [0.0, 0.0]) == [math.inf, math.inf]


def test_ratios_need_as_many_rounds_of_the_floor() -> None:
    with pytest.raises(ValueError, match="zip"):
        ratios([1, 2], [1])


@pytest.mark.parametrize(("floor", "void"), [([4, 4, 4], False), ([4, 4, 5], False), ([4, 4, 5.1], True)])
def test_a_run_is_void_when_its_floor_varies_by_more_than_a_quarter(floor: list[float], void: bool) -> None:
    assert is_void(floor) is void


@pytest.mark.parametrize(
    ("share", "expected"), [(0.0, 1.0), (0.5, 50.0), (0.99, 99.0), (1.0, 100.0)], ids=["least", "median", "p99", "most"]
)
def test_a_percentile_is_a_value_that_was_measured(share: float, expected: float) -> None:
    assert percentile([float(n) for n in range(100, 0, -1)], share) == expected


def test_the_p99_of_few_values_is_the_greatest() -> None:
    assert percentile([3.0, 1.0, 2.0], 0.99) == 3.0
