"""When it is the fleet that has too much to do."""

from __future__ import annotations

from uuid import UUID

import pytest

from control_plane.domain.fleet.fleet_saturation import is_saturated, told

AGENTS = [UUID(int=n) for n in range(10)]


@pytest.mark.parametrize(
    ("live", "saturated", "so"),
    [(0, 0, False), (1, 1, False), (2, 1, False), (2, 2, True), (4, 2, True), (5, 2, False), (10, 5, True)],
)
def test_half_of_the_live_agents_and_at_least_two(live: int, saturated: int, so: bool) -> None:
    assert is_saturated(live=AGENTS[:live], saturated=AGENTS[:saturated]) is so


def test_agents_that_are_gone_do_not_count() -> None:
    assert not is_saturated(live=AGENTS[:4], saturated=[AGENTS[0], *AGENTS[7:]])
    assert told(live=AGENTS[:4], saturated=[AGENTS[0], AGENTS[1], AGENTS[9]]).startswith("2 of 4 agents")
