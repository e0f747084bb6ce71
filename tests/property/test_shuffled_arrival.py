"""Slots arrive in any order and any batches: once all regions are fresh again, all ends are one."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from control_plane.domain.judging.incident import AlertOn
from control_plane.domain.judging.verdict import Policy
from tests.support.incident_life import Monitor
from tests.support.lives import POLICIES

SPAN = 40_000
"""All slots lie within so many ms: shorter than any vote lives."""

STORIES = st.lists(st.text("UUSDDE", min_size=1, max_size=8), min_size=1, max_size=5)


def arrived(
    stories: list[str], batches: list[tuple[int, list[int]]], ends: str, *, policy: Policy, alert_on: AlertOn
) -> Monitor:
    """A monitor after these batches of (region, places in its story), then what its regions go on to say."""
    monitor = Monitor(regions=len(stories), policy=policy, confirmations=2, alert_on=alert_on)
    start = monitor.now_ms
    monitor.now_ms += SPAN
    for region, places in batches:
        slots = [(stories[region][place], start + place * 4_000 + region) for place in places]
        says(monitor, region, slots)
    for region in range(len(stories)):
        for i in range(monitor.confirmations):
            says(monitor, region, [(ends[region], start + SPAN + i * 4_000 + region)])
    monitor.openings.clear()
    monitor.judge()
    return monitor


def says(monitor: Monitor, region: int, slots: list[tuple[str, int]]) -> None:
    monitor.openings.clear()  # flapping remembers what came before, as it should
    monitor.now_ms = max(monitor.now_ms, *(slot for _, slot in slots))
    monitor.report(region + 1, [(letter, slot, 1) for letter, slot in slots])
    if monitor.unfinished:
        monitor.judge()


def in_batches(data: st.DataObject, stories: list[str]) -> list[tuple[int, list[int]]]:
    """Every slot once: each region's in any order, cut anywhere, between those of the others."""
    order = data.draw(st.permutations([(r, place) for r, story in enumerate(stories) for place in range(len(story))]))
    batches: list[tuple[int, list[int]]] = []
    for region, place in order:
        if batches and batches[-1][0] == region and data.draw(st.booleans()):
            batches[-1][1].append(place)
        else:
            batches.append((region, [place]))
    return batches


def ended(monitor: Monitor) -> dict[str, Any]:
    return {
        "verdict": monitor.verdict,
        "votes": [(r.vote.vote, r.vote.degraded, r.vote.newest_slot) for r in monitor.regions],
        "open": monitor.incident and monitor.incident.type,
        "down": sorted(monitor.incident.regions_down) if monitor.incident else [],
    }


@settings(max_examples=150, deadline=None)
@given(
    stories=STORIES,
    ends=st.text("USD", min_size=5, max_size=5),
    policy=st.sampled_from(POLICIES),
    alert_on=st.sampled_from(["down", "degraded"]),
    data=st.data(),
)
def test_whatever_order_slots_come_in_all_ends_are_one(
    stories: list[str], ends: str, policy: Policy, alert_on: AlertOn, data: st.DataObject
) -> None:
    straight = [(region, [place]) for region, story in enumerate(stories) for place in range(len(story))]
    one = ended(arrived(stories, straight, ends, policy=policy, alert_on=alert_on))
    other = ended(arrived(stories, in_batches(data, stories), ends, policy=policy, alert_on=alert_on))

    assert one["verdict"] == other["verdict"] != "unknown"
    assert one["votes"] == other["votes"]
    assert one["open"] == other["open"]
    assert set(ends_down(ends, stories)) <= set(other["down"]) or one["open"] != "down"


def ends_down(ends: str, stories: list[str]) -> list[str]:
    return ["abcdefghijkl"[region + 1] + str(region + 1) for region in range(len(stories)) if ends[region] == "D"]


@settings(max_examples=150, deadline=None)
@given(
    stories=st.lists(st.text("UUSDD", min_size=2, max_size=8), min_size=1, max_size=5),
    policy=st.sampled_from(POLICIES),
    data=st.data(),
)
def test_between_regions_no_order_matters_at_all(stories: list[str], policy: Policy, data: st.DataObject) -> None:
    """Each region's slots in their order, regions interleaved anyhow: votes are the same to the last run."""
    turns = data.draw(st.permutations([r for r, story in enumerate(stories) for _ in story]))
    at = dict.fromkeys(range(len(stories)), 0)
    batches = []
    for region in turns:
        batches.append((region, [at[region]]))
        at[region] += 1
    straight = [(region, [place]) for region, story in enumerate(stories) for place in range(len(story))]
    one, other = (arrived_alone(stories, each, policy) for each in (straight, batches))

    assert [r.vote for r in one.regions] == [r.vote for r in other.regions]
    if all(r.vote.fresh(one.now_ms) for r in one.regions):
        assert one.verdict == other.verdict != "unknown"
        assert (one.incident is None) == (other.incident is None)


def arrived_alone(stories: list[str], batches: list[tuple[int, list[int]]], policy: Policy) -> Monitor:
    monitor = Monitor(regions=len(stories), policy=policy, confirmations=2, alert_on="down")
    start = monitor.now_ms
    monitor.now_ms += SPAN
    for region, places in batches:
        says(monitor, region, [(stories[region][place], start + place * 4_000 + region) for place in places])
    monitor.judge()
    return monitor
