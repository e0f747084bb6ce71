"""What would change a verdict, said in words that are true."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from control_plane.domain.checks import check_rules
from control_plane.domain.judging.prospects import prospects, rule, run_of, slots_expected, sole_prospects
from control_plane.domain.judging.verdict import Policy, Tally, VerdictName, judge

MAJORITY = Policy("majority")


@pytest.mark.parametrize(
    ("counts", "verdict", "said"),
    [
        (Tally(3, 3, 0, 0, 0), "up", (
            "Down: 2 more regions voting down",
            "Unknown: 2 more regions falling silent, so that fewer than 2 report",
        )),
        (Tally(3, 0, 2, 0, 2), "down", ("Up: 1 region no longer voting down and 2 more regions voting up",)),
        (Tally(3, 0, 0, 0, 0), "unknown", ("Down: 2 more regions voting down", "Up: 2 more regions voting up")),
        (Tally(0, 0, 0, 0, 0), "unknown", ("Assign a region, or resume the monitor",)),
    ],
)  # fmt: skip
def test_prospects_read_like_policy(counts: Tally, verdict: str, said: tuple[str, ...]) -> None:
    assert prospects(counts, policy=MAJORITY, verdict=verdict) == said  # type: ignore[arg-type]


def test_the_rule_is_told_for_the_number_of_regions() -> None:
    assert rule(Policy("all"), 3) == "Of 3 regions, 3 voting down prove an outage; 1 voting up prove that it is up"
    assert rule(MAJORITY, 0) == "No region is assigned, so nothing can be proven"


@given(
    up=st.integers(0, 5),
    down=st.integers(0, 5),
    silent=st.integers(0, 5),
    policy=st.sampled_from([Policy("any"), MAJORITY, Policy("all"), Policy("count", 2)]),
)
def test_so_many_more_down_votes_do_prove_an_outage(up: int, down: int, silent: int, policy: Policy) -> None:
    counts = Tally(up + down + silent, up, down, 0, down)
    verdict = judge(counts, policy=policy, current="unknown").verdict
    told = [re.match(r"Down: (\d+) more", each) for each in prospects(counts, policy=policy, verdict=verdict)]
    needed = next((int(each[1]) for each in told if each), None)
    if counts.assigned == 0 or verdict == "down":
        assert needed is None
        return
    assert needed is not None
    worse = replace(counts, fresh_down=down + needed, last_down=down + needed)
    assert judge(worse, policy=policy, current=verdict).verdict == "down"
    almost = replace(counts, fresh_down=down + needed - 1, last_down=down + needed - 1)
    assert judge(almost, policy=policy, current="unknown").verdict != "down"


@pytest.mark.parametrize(
    ("vote", "bad", "good", "degraded", "said"),
    [("up", 1, 0, 0, "1 of 2 bad slots"), (None, 1, 0, 0, "1 of 2 bad slots"), ("down", 0, 1, 0, "1 of 2 good slots"),
     ("up", 0, 9, 0, None), ("down", 9, 0, 0, None), ("up", 2, 0, 0, None),
     ("up", 0, 1, 1, "1 of 2 degraded slots"), ("up", 0, 2, 2, None), ("down", 0, 1, 1, "1 of 2 good slots")],
)  # fmt: skip
def test_a_run_is_told_only_on_the_way(vote: str | None, bad: int, good: int, degraded: int, said: str | None) -> None:
    assert run_of(vote=vote, bad_run=bad, good_run=good, degraded_run=degraded, confirmations=2) == said


@given(phase=st.integers(0, 999), start=st.integers(0, 10_000), length=st.integers(-5, 10_000))
def test_expected_slots_are_those_that_can_be_counted(phase: int, start: int, length: int) -> None:
    expected = slots_expected(phase_ms=phase, interval_ms=1000, start_ms=start, end_ms=start + length)
    assert expected == sum((slot - phase) % 1000 == 0 for slot in range(start, start + length))


@pytest.mark.parametrize("kind", [kind for kind, rules in check_rules.RULES.items() if rules.regionless])
@pytest.mark.parametrize(
    ("verdict", "brings"),
    [("up", ["Down"]), ("down", ["Up"]), ("unknown", ["Down", "Up"])],
    ids=["up", "down", "unknown"],
)
def test_every_kind_without_regions_says_what_would_change_it(
    kind: str, verdict: VerdictName, brings: list[str]
) -> None:
    said = sole_prospects(kind, verdict=verdict, enabled=True)
    assert [sentence.partition(":")[0] for sentence in said] == brings
    assert sole_prospects(kind, verdict=verdict, enabled=False) == ("Resume the monitor",)
