"""When the operator is told of whole regions, as tables of cases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from control_plane.domain.fleet.fleet import Sign
from control_plane.domain.fleet.fleet_regions import (
    REGION_KINDS,
    SEVERITIES,
    Expired,
    Group,
    Noted,
    RegionState,
    Share,
    cause_of,
    is_open_still,
    note,
    share_of,
    silence_of,
    told_coverage,
    told_monitors,
    told_silent,
)
from control_plane.domain.judging.verdict import Policy, PolicyName
from shared.ids import RegionSlug

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


LIVE: dict[str, Any] = {"live": 2, "lost_at": None}
LOST: dict[str, Any] = {"live": 0, "lost_at": ago(20)}


def a_region(**over: Any) -> RegionState:
    fields: dict[str, Any] = {
        "id": 1,
        "slug": RegionSlug("eu"),
        "name": "EU",
        "private_to": None,
        "enabled": True,
        "agents": 2,
        **LIVE,
    }
    return RegionState(**fields | over)


@pytest.mark.parametrize(
    ("over", "before", "after"),
    [
        pytest.param(LIVE, None, Noted(True, NOW), id="first seen live"),
        pytest.param(LIVE, Noted(True, ago(99)), Noted(True, ago(99)), id="still live"),
        pytest.param(LIVE, Noted(False, ago(99)), Noted(True, NOW), id="back"),
        pytest.param(LOST, Noted(True, ago(99)), Noted(False, ago(20)), id="lost when its last lease ended"),
        pytest.param(LOST, Noted(True, ago(10)), Noted(False, ago(10)), id="not lost before it was seen live"),
        pytest.param(LOST, Noted(False, ago(99)), Noted(False, ago(99)), id="still lost"),
        pytest.param(LOST, None, Noted(False, ago(20)), id="lost before the first watch"),
        pytest.param({"live": 0, "lost_at": None, "agents": 0}, None, None, id="never had an agent"),
        pytest.param({"live": 0, "lost_at": None, "agents": 0}, Noted(True, ago(9)), Noted(False, NOW), id="removed"),
    ],
)
def test_the_watch_remembers_since_when_a_region_is_live_or_lost(
    over: dict[str, Any], before: Noted | None, after: Noted | None
) -> None:
    assert note(a_region(**over), before, now=NOW) == after


@pytest.mark.parametrize(
    ("noted", "watched_for", "enabled", "sign"),
    [
        (Noted(True, ago(30)), 999, True, Sign.ABSENT),
        (Noted(True, ago(29)), 999, True, Sign.FADING),
        (Noted(False, ago(29)), 999, True, Sign.PENDING),
        (Noted(False, ago(30)), 999, True, Sign.CONFIRMED),
        (Noted(False, ago(500)), 29, True, Sign.PENDING),
        (Noted(False, ago(500)), 30, True, Sign.CONFIRMED),
        (Noted(False, ago(500)), 999, False, Sign.ABSENT),
        (None, 999, True, Sign.ABSENT),
    ],
)
def test_a_region_is_silent_once_nobody_was_heard_for_30_s_and_over_it_after_30_s(
    noted: Noted | None, watched_for: float, enabled: bool, sign: Sign
) -> None:
    assert silence_of(a_region(enabled=enabled), noted, now=NOW, watched_since=ago(watched_for)) is sign


def group(*regions: int, monitors: int = 100, unheard: int = 0, policy: PolicyName = "majority") -> Group:
    return Group(regions=regions, policy=Policy(policy), monitors=monitors, unheard=unheard)


@pytest.mark.parametrize(
    ("groups", "mute", "share"),
    [
        pytest.param([group(1, 2, 3)], {1}, Share(0, 100), id="two of three can still prove"),
        pytest.param([group(1, 2, 3)], {1, 2}, Share(100, 100), id="one of three cannot"),
        pytest.param([group(1, 2, 3, policy="any")], {1, 2}, Share(0, 100), id="any: one up vote proves up"),
        pytest.param([group(1, 2, 3, policy="all")], {1, 2}, Share(0, 100), id="all: one up vote proves up"),
        pytest.param([group(1, 2), group(2, 3)], {1, 2}, Share(100, 200), id="each group by itself"),
        pytest.param([group(1), group(1, 2, 3)], {1}, Share(0, 100), id="one region is not several"),
        pytest.param([group(1, 9)], {1}, Share(0, 0), id="a private region does not make several"),
        pytest.param([group(1, 2, 9)], {1}, Share(0, 100), id="a private region counts as speaking"),
        pytest.param([group(1, 2, 3, unheard=7)], set(), Share(7, 100), id="votes that have all run out"),
        pytest.param([group(1, 2, 3, unheard=7)], {1, 2}, Share(100, 100), id="none is counted twice"),
    ],
)
def test_a_monitor_is_silent_when_too_few_of_its_regions_are_left_for_a_proof(
    groups: list[Group], mute: set[int], share: Share
) -> None:
    assert share_of(groups, shared={1, 2, 3}, mute=mute, is_settled=True) == share


def test_after_a_time_without_a_watch_expired_votes_are_held_against_nobody() -> None:
    assert share_of([group(1, 2, unheard=50)], shared={1, 2}, mute=(), is_settled=False) == Share(0, 100)


@pytest.mark.parametrize(("silent", "of", "is_large"), [(0, 0, False), (1, 4, False), (2, 7, True), (251, 1000, True)])
def test_a_large_share_is_more_than_a_quarter(silent: int, of: int, is_large: bool) -> None:
    assert Share(silent, of).is_large is is_large


def test_an_end_has_to_last_and_a_relapse_starts_it_anew() -> None:
    assert is_open_still(is_so=True, details={"clear_since": ago(999).isoformat()}, now=NOW) == (True, None)
    assert is_open_still(is_so=False, details={"clear_since": None}, now=NOW) == (True, NOW.isoformat())
    for seconds, stays in ((59, True), (60, False)):
        since = ago(seconds).isoformat()
        assert is_open_still(is_so=False, details={"clear_since": since}, now=NOW) == (stays, since)


def test_what_is_told_says_how_much_and_since_when() -> None:
    silent = told_silent(Noted(False, ago(40)), 3)
    assert silent.reason == "No agent of it has been live and well since 2026-03-01 11:59:20 UTC; it has 3 monitors"
    assert told_silent(Noted(True, ago(5)), 3).reason.startswith("An agent is back since ")
    late = told_coverage(Expired(region_id=1, monitors=2, unknown=1), 9, None)
    assert late.reason == (
        "Its agents are live, but votes of 2 of its 9 monitors have expired; the verdict of 1 is unknown"
    )
    assert "fresh again" in told_coverage(Expired(region_id=1, monitors=0, unknown=0), 1, None).reason
    many = told_monitors(Share(3, 10), None)
    assert many.reason == "3 of 10 monitors with several regions cannot be judged (30%)"
    assert told_monitors(Share(0, 0), None).details["of"] == 0
    for alert in (silent, late, many):
        assert cause_of(alert.kind, "eu", alert.reason).endswith(alert.reason)
        assert SEVERITIES[alert.kind] in ("minor", "major", "critical")
    assert {silent.kind, late.kind, many.kind} == set(REGION_KINDS)
