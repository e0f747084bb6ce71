"""When a monitor's regions look, and how long what they say lives."""

from __future__ import annotations

import random
from uuid import UUID

import pytest

from control_plane.domain.schedule import phase_ms, vote_window_ms

MONITOR = UUID("0193c5f0-7a3e-7d1a-9b4c-0123456789ab")


def phases(count: int, *, interval_ms: int, monitor: UUID = MONITOR) -> list[int]:
    return [phase_ms(monitor, region_index=i, region_count=count, interval_ms=interval_ms) for i in range(count)]


@pytest.mark.parametrize(("regions", "gap"), [(1, 0), (2, 30_000), (3, 20_000), (4, 15_000), (5, 12_000)])
def test_the_regions_of_one_monitor_are_staggered_evenly(regions: int, gap: int) -> None:
    first, *rest = phases(regions, interval_ms=60_000)

    assert [(phase - first) % 60_000 for phase in rest] == [gap * (i + 1) for i in range(regions - 1)]


@pytest.mark.parametrize("interval_ms", [10_000, 60_000, 3_600_000, 86_400_000])
def test_a_phase_lies_within_the_interval(interval_ms: int) -> None:
    assert all(0 <= phase < interval_ms for phase in phases(5, interval_ms=interval_ms))


def test_a_phase_stays_what_it_is() -> None:
    assert phases(3, interval_ms=60_000) == phases(3, interval_ms=60_000)


def test_monitors_made_in_the_same_instant_are_spread_over_the_interval() -> None:
    draw = random.Random(7)
    made = [UUID(int=(MONITOR.int >> 62 << 62) | draw.getrandbits(62)) for _ in range(600)]

    first = [phase_ms(each, region_index=0, region_count=1, interval_ms=60_000) for each in made]

    per_tenth = [sum(1 for phase in first if phase // 6_000 == tenth) for tenth in range(10)]
    assert max(per_tenth) <= 1.5 * 60


def test_a_vote_lives_two_cadences_the_timeout_and_thirty_seconds() -> None:
    assert vote_window_ms(cadence_ms=60_000, timeout_ms=10_000) == 160_000
    assert vote_window_ms(cadence_ms=300_000, timeout_ms=1_000) == 631_000
