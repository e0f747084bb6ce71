"""The simulator's rules see mistakes in the verdict code. TEST_FARWATCH_MUTANTS=all makes all of them, else a few."""

from __future__ import annotations

import os

import pytest

from tests.simulation.mutants import MUTANTS, hunt_aside

A_FEW = (
    "a vote never expires",
    "one slot too few makes a down vote",
    "half of the regions are a majority",
    "holds do not hold",
)


def chosen() -> tuple[str, ...]:
    return tuple(MUTANTS) if os.environ.get("TEST_FARWATCH_MUTANTS") == "all" else A_FEW


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", chosen())
def test_a_mistake_in_the_verdict_code_is_seen(name: str) -> None:
    is_caught, told = hunt_aside(name)
    assert is_caught, f"{name}: {told}"


def test_every_mutant_still_has_its_place_in_the_code() -> None:
    places = {name: mutant.source().count(mutant.old) for name, mutant in MUTANTS.items()}
    assert {name: found for name, found in places.items() if found != 1} == {}
