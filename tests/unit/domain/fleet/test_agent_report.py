from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from control_plane.domain.fleet.agent_report import Standing, standing_after
from shared.clock import to_unix_ms
from shared.protocol import Observations

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
BEFORE = NOW - timedelta(seconds=10)


def said(**over: Any) -> Observations:
    return Observations(**{"sent_at": to_unix_ms(NOW), "healthy": True, **over})


def known(**over: Any) -> Standing:
    since = NOW - timedelta(hours=1)
    times = {"health_since": since, "skewed_since": since, "strained_since": since, "observed_at": BEFORE}
    return Standing(**{**times, **over})


def test_what_stays_as_it_is_keeps_its_instant() -> None:
    after = standing_after(known(), said(), now=NOW)
    assert after.health_since == after.skewed_since == after.strained_since == NOW - timedelta(hours=1)
    assert after.observed_at == NOW


def test_what_changes_is_so_since_now() -> None:
    after = standing_after(known(), said(healthy=False, reason="No resolver answers", clock_offset=-31e3), now=NOW)
    assert (after.healthy, after.health_since, after.health_reason) == (False, NOW, "No resolver answers")
    assert (after.skewed, after.skewed_since) == (True, NOW)
    assert not after.strained


def test_after_a_silence_everything_is_since_now() -> None:
    before = known(observed_at=NOW - timedelta(seconds=31))
    assert standing_after(before, said(), now=NOW).health_since == NOW


@pytest.mark.parametrize(
    ("over", "skewed"),
    [
        ({"clock_offset": 30_000.0}, False),
        ({"clock_offset": 30_001.0}, True),
        ({"clock_offset": -30_001.0}, True),
        ({"clock_offset": float(10**300)}, True),
        ({"sent_at": to_unix_ms(NOW) - 30_001}, True),
        ({"sent_at": 10**18}, True),
    ],
)
def test_a_clock_off_by_more_than_thirty_seconds_is_skewed(over: dict[str, Any], skewed: bool) -> None:
    assert standing_after(known(), said(**over), now=NOW).skewed is skewed


@pytest.mark.parametrize(
    ("over", "strained"),
    [
        ({"saturation": 0.99, "lag": 5_000.0}, False),
        ({"saturation": 1.0}, True),
        ({"lag": 5_001.0}, True),
        ({"gaps": 7}, False),
        ({"gaps": 8}, True),
        ({"gaps": 2}, False),
    ],
)
def test_strain_is_full_places_late_starts_or_slots_given_up(over: dict[str, Any], strained: bool) -> None:
    assert standing_after(known(gaps=7), said(**over), now=NOW).strained is strained


def test_the_first_count_of_gaps_says_nothing_of_now() -> None:
    assert not standing_after(known(gaps=None), said(gaps=900), now=NOW).strained


def test_slots_given_up_count_for_fifty_seconds() -> None:
    recent = known(gaps=7, gaps_grown_at=NOW - timedelta(seconds=50), strained=True)
    assert standing_after(recent, said(gaps=7), now=NOW).strained
    past = known(gaps=7, gaps_grown_at=NOW - timedelta(seconds=51), strained=True)
    assert not standing_after(past, said(gaps=7), now=NOW).strained
