"""When the operator is told of an agent, as a table of cases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from control_plane.domain.fleet.fleet import AgentState, alerts_of, is_older
from shared.ids import RegionSlug

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def an_agent(**over: Any) -> AgentState:
    """Live, well, and as new as the control plane."""
    fields: dict[str, Any] = {
        "id": UUID(int=1),
        "name": "dub-1",
        "region_id": 1,
        "region": RegionSlug("eu"),
        "region_name": "EU",
        "private_to": None,
        "enabled": True,
        "version": "1.4.0",
        "last_seen_at": ago(2),
        "lease_until": ago(-13),
        "left_at": None,
        "observed_at": ago(5),
        "healthy": True,
        "health_since": ago(3600),
        "health_reason": None,
        "skewed": False,
        "skewed_since": ago(3600),
        "clock_offset_ms": 12,
        "sent_skew_ms": -40,
        "strained": False,
        "strained_since": ago(3600),
        "saturation": 0.1,
        "lag_ms": 3.0,
        "gaps": 0,
    }
    return AgentState(**fields | over)


def kinds(agent: AgentState, *open_kinds: str, release: str = "1.4.2") -> set[str]:
    open_: dict[str, dict[str, Any]] = {kind: {} for kind in open_kinds}
    return set(alerts_of(agent, open_kinds=open_, now=NOW, watched_since=WATCHED_SINCE, release=release))


WATCHED_SINCE = ago(86_400)
GONE = {"lease_until": ago(31), "last_seen_at": ago(46)}
UNHEALTHY = {"healthy": False, "health_since": ago(21), "health_reason": "No resolver answers"}
SKEWED = {"skewed": True, "skewed_since": ago(21), "clock_offset_ms": 45_000}
STRAINED = {"strained": True, "strained_since": ago(61), "saturation": 1.0}


@pytest.mark.parametrize(
    ("over", "expected"),
    [
        ({}, set()),
        (GONE, {"agent_offline"}),
        (GONE | {"lease_until": ago(29)}, set()),
        (GONE | {"enabled": False}, set()),
        (GONE | {"last_seen_at": None, "lease_until": None}, set()),
        (GONE | {"left_at": ago(31)}, set()),
        (GONE | {"left_at": ago(4000)}, {"agent_offline"}),
        ({"left_at": ago(601), "lease_until": ago(601)}, {"agent_offline"}),
        (UNHEALTHY, {"agent_offline"}),
        (UNHEALTHY | {"health_since": ago(19)}, set()),
        (SKEWED, {"agent_skewed"}),
        (SKEWED | {"skewed_since": ago(19)}, set()),
        (STRAINED, {"agent_saturated"}),
        (STRAINED | {"strained_since": ago(59)}, set()),
        ({"version": "1.3.9"}, {"agent_outdated"}),
        ({"version": "1.4.0"}, set()),
        ({"version": None}, set()),
    ],
)
def test_an_alert_opens_once_a_trouble_lasts(over: dict[str, Any], expected: set[str]) -> None:
    assert kinds(an_agent(**over)) == expected


@pytest.mark.parametrize(
    ("over", "kind", "stays"),
    [
        ({"health_since": ago(29)}, "agent_offline", True),
        ({"health_since": ago(31)}, "agent_offline", False),
        ({"observed_at": ago(90)}, "agent_offline", True),
        ({"lease_until": ago(1)}, "agent_offline", True),
        ({"lease_until": ago(5), "left_at": ago(5)}, "agent_offline", True),
        ({"skewed_since": ago(29)}, "agent_skewed", True),
        ({"skewed_since": ago(31)}, "agent_skewed", False),
        ({"strained_since": ago(59)}, "agent_saturated", True),
        ({"strained_since": ago(61)}, "agent_saturated", False),
        ({"version": "1.3.0"}, "agent_outdated", True),
        ({"version": "1.5.0"}, "agent_outdated", False),
        ({"enabled": False}, "agent_offline", False),
    ],
)
def test_an_alert_ends_once_its_trouble_is_over_for_a_while(over: dict[str, Any], kind: str, stays: bool) -> None:
    assert kinds(an_agent(**over), kind) == ({kind} if stays else set())


@pytest.mark.parametrize(("watched_s", "expected"), [(29, set()), (31, {"agent_offline"})])
def test_no_silence_counts_while_nobody_could_have_heard(watched_s: int, expected: set[str]) -> None:
    agent = an_agent(lease_until=ago(3600), last_seen_at=ago(3615))
    assert set(alerts_of(agent, open_kinds={}, now=NOW, watched_since=ago(watched_s), release="1.4.2")) == expected


def test_the_worst_trouble_is_the_only_alert() -> None:
    everything = UNHEALTHY | SKEWED | STRAINED | {"version": "1.0.0"}
    assert kinds(an_agent(**everything)) == {"agent_offline"}
    assert kinds(an_agent(**SKEWED | STRAINED)) == {"agent_skewed"}
    assert kinds(an_agent(**STRAINED | {"version": "1.0.0"})) == {"agent_saturated"}


def test_what_may_soon_be_worse_keeps_lesser_alerts_from_opening() -> None:
    assert kinds(an_agent(**STRAINED | {"healthy": False, "health_since": ago(3)})) == set()


def test_a_lesser_alert_rests_while_a_worse_one_is_open() -> None:
    assert kinds(an_agent(**UNHEALTHY), "agent_saturated") == {"agent_offline", "agent_saturated"}
    assert kinds(an_agent(), "agent_saturated") == set()


def test_what_an_agent_that_is_gone_said_last_is_no_news() -> None:
    assert kinds(an_agent(**STRAINED | {"lease_until": ago(2), "left_at": ago(2)})) == set()


def test_an_older_control_plane_does_not_end_what_a_newer_one_opened() -> None:
    agent = an_agent(version="1.4.0")
    noted = {"agent_outdated": {"control_plane": "1.5.0"}}
    assert set(alerts_of(agent, open_kinds=noted, now=NOW, watched_since=WATCHED_SINCE, release="1.4.2")) == {
        "agent_outdated"
    }


@pytest.mark.parametrize(
    ("agent", "ours", "expected"),
    [
        ("0.9.9", "1.0.0", True),
        ("1.9.0", "1.10.0", True),
        ("1.10.0", "1.9.0", False),
        ("1.4.0", "1.4.7", False),
        ("1.4.0.dev1", "1.5.0", True),
        ("unknown", "1.5.0", False),
        (None, "1.5.0", False),
    ],
)
def test_an_agent_is_outdated_when_its_minor_version_is_behind(agent: str | None, ours: str, expected: bool) -> None:
    assert is_older(agent, ours) is expected


@pytest.mark.parametrize(
    ("over", "words"),
    [
        (UNHEALTHY, "Its self-test fails: No resolver answers"),
        (GONE, "Nothing has been heard of it since 2026-03-01 11:59:14 UTC"),
        (SKEWED, "Its clock is 45 s ahead of the server's clock"),
        (
            SKEWED | {"clock_offset_ms": 3, "sent_skew_ms": -31_000},
            "What it sends is dated 31 s behind the server's clock",
        ),
        (STRAINED, "It has more to do than it can; 100% of its places are taken; its checks start up to 0.0 s late"),
        ({"version": "1.3.0"}, "It runs version 1.3.0, the control plane 1.4.2: update farwatch-agent"),
    ],
)
def test_an_alert_says_why_in_words(over: dict[str, Any], words: str) -> None:
    (alert,) = alerts_of(
        an_agent(**over), open_kinds={}, now=NOW, watched_since=WATCHED_SINCE, release="1.4.2"
    ).values()
    assert alert.reason == words


@pytest.mark.parametrize("open_kinds", [(), ("agent_offline",)])
def test_in_a_silent_region_an_agents_own_alert_does_not_open_and_stays_if_it_is_open(
    open_kinds: tuple[str, ...],
) -> None:
    for over in (GONE, UNHEALTHY, GONE | SKEWED):
        held = alerts_of(
            an_agent(**over),
            open_kinds={kind: {} for kind in open_kinds},
            now=NOW,
            watched_since=WATCHED_SINCE,
            release="1.4.2",
            in_silent_region=True,
        )
        assert set(held) == set(open_kinds)
