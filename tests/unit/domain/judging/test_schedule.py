"""When a monitor's regions look, and how long what they say lives."""

from __future__ import annotations

from collections import Counter
from uuid import UUID, uuid4

import pytest

from control_plane.domain.judging.schedule import phase_ms, vote_window_ms

TENANT = UUID("0193c5f0-7a3e-7d1a-9b4c-0123456789ab")


def phases(count: int, *, interval_ms: int, number: int = 7) -> list[int]:
    return [phase_ms(TENANT, number, region_index=i, region_count=count, interval_ms=interval_ms) for i in range(count)]


@pytest.mark.parametrize(("regions", "gap"), [(1, 0), (2, 30_000), (3, 20_000), (4, 15_000), (5, 12_000)])
def test_the_regions_of_one_monitor_are_staggered_evenly(regions: int, gap: int) -> None:
    first, *rest = phases(regions, interval_ms=60_000)

    assert [(phase - first) % 60_000 for phase in rest] == [gap * (i + 1) for i in range(regions - 1)]


@pytest.mark.parametrize("interval_ms", [10_000, 60_000, 3_600_000, 86_400_000])
def test_a_phase_lies_within_the_interval(interval_ms: int) -> None:
    assert all(0 <= phase < interval_ms for phase in phases(5, interval_ms=interval_ms))


def test_a_phase_stays_what_it_is() -> None:
    assert phases(3, interval_ms=60_000) == phases(3, interval_ms=60_000)


def in_each_second(tenants: dict[UUID, range], *, interval_ms: int, regions: int = 3) -> Counter[int]:
    """How many checks all regions together start in each second of the interval."""
    return Counter(
        phase_ms(tenant, number, region_index=index, region_count=regions, interval_ms=interval_ms) // 1000
        for tenant, numbers in tenants.items()
        for number in numbers
        for index in range(regions)
    )


@pytest.mark.parametrize("interval_ms", [10_000, 60_000])
@pytest.mark.parametrize("step", [1, 2, 3, 7])
def test_ten_thousand_monitors_start_evenly_over_the_seconds(interval_ms: int, step: int) -> None:
    tenants = {uuid4(): range(1, 10_000 * step, step)}
    seconds = in_each_second(tenants, interval_ms=interval_ms)

    assert len(seconds) == interval_ms // 1000
    assert max(seconds.values()) <= 1.2 * seconds.total() / len(seconds)


def test_many_small_tenants_do_not_start_together() -> None:
    tenants = {UUID(int=(number << 64) + number * 0x5851F42D4C957F2D): range(1, 5) for number in range(2500)}
    seconds = in_each_second(tenants, interval_ms=60_000)

    assert max(seconds.values()) <= 1.2 * seconds.total() / len(seconds)


def test_a_vote_lives_two_cadences_the_timeout_and_thirty_seconds() -> None:
    assert vote_window_ms(cadence_ms=60_000, timeout_ms=10_000) == 160_000
    assert vote_window_ms(cadence_ms=300_000, timeout_ms=1_000) == 631_000
