"""Uptime: sums, cuts, precedence, and what is said of no known time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from control_plane.domain.uptime.availability import (
    Change,
    Durations,
    History,
    Period,
    clipped,
    durations,
    durations_between,
    sla,
    spans,
    uptime_pct,
    whole_seconds,
)
from tests.support.independent_uptime import by_the_second, percentage

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
VERDICTS = ("up", "degraded", "down", "unknown")
instants = st.integers(0, 5_000)


@st.composite
def histories(draw: st.DrawFn, unit: int = 1) -> History:
    changes = draw(st.lists(st.tuples(instants, st.sampled_from(VERDICTS)), max_size=12))
    periods = draw(
        st.lists(
            st.tuples(st.sampled_from(("maintenance", "paused")), instants, st.none() | st.integers(0, 2_000)),
            max_size=6,
        )
    )
    return History(
        since_ms=draw(instants) * unit,
        changes=[Change(at * unit, verdict) for at, verdict in sorted(changes, key=lambda each: each[0])],
        periods=[
            Period(kind, at * unit, None if length is None else (at + length) * unit) for kind, at, length in periods
        ],
    )


@given(histories(), instants, instants, instants)
def test_the_states_fill_the_range_and_nothing_else(history: History, start: int, end: int, now: int) -> None:
    first, last = clipped(history, start_ms=start, end_ms=end, now_ms=now)
    found = list(spans(history, start_ms=start, end_ms=end, now_ms=now))
    assert durations(history, start_ms=start, end_ms=end, now_ms=now).total == max(last - first, 0)
    edges = [first, *(span.end_ms for span in found)] if found else []
    assert [span.start_ms for span in found] == edges[:-1]
    assert all(span.start_ms < span.end_ms for span in found)
    assert first >= min(history.since_ms, last)
    assert last <= now


@given(histories(), st.lists(instants, min_size=2, max_size=8, unique=True), instants)
def test_the_parts_of_a_range_add_up_to_it(history: History, edges: list[int], now: int) -> None:
    edges.sort()
    cut = durations_between(history, edges, now_ms=now)
    assert cut == [durations(history, start_ms=a, end_ms=b, now_ms=now) for a, b in pairwise(edges)]
    whole = Durations()
    for part in cut:
        whole += part
    assert whole == durations(history, start_ms=edges[0], end_ms=edges[-1], now_ms=now)


@settings(max_examples=60, deadline=None)
@given(histories(unit=1000), st.integers(0, 3_000), st.integers(0, 2_000))
def test_it_agrees_with_looking_at_every_second(history: History, start: int, length: int) -> None:
    def at(ms: int) -> datetime:
        return EPOCH + timedelta(milliseconds=ms)

    found = durations(history, start_ms=start * 1000, end_ms=(start + length) * 1000, now_ms=4_000_000)
    counted = by_the_second(
        [(at(change.at_ms), change.verdict) for change in history.changes],
        [(p.kind, at(p.start_ms), None if p.end_ms is None else at(p.end_ms)) for p in history.periods],
        created_at=at(history.since_ms),
        start=at(start * 1000),
        end=at(min((start + length) * 1000, 4_000_000)),
    )
    seconds = whole_seconds(found)
    assert {name: count for name, count in msgspec.structs.asdict(seconds).items() if count} == counted
    assert uptime_pct(found) == percentage(counted)


amounts = st.builds(
    Durations,
    **{name: st.integers(0, 10**12) for name in ("up", "degraded", "down", "maintenance", "paused", "unknown")},
)


@given(amounts)
def test_whole_seconds_sum_to_the_whole_rounded_down(of: Durations) -> None:
    seconds = whole_seconds(of)
    assert seconds.total == of.total // 1000
    pairs = zip(msgspec.structs.astuple(seconds), msgspec.structs.astuple(of), strict=True)
    assert all(abs(second * 1000 - ms) < 1000 for second, ms in pairs)


@given(amounts)
def test_no_outage_shows_as_a_hundred_per_cent(of: Durations) -> None:
    said = uptime_pct(of)
    if not of.known:
        assert said is None
        return
    assert said is not None
    assert (said == 100) == (of.down == 0)
    exact = (of.up + of.degraded) / of.known * 100
    assert said <= exact + 1e-9
    assert exact - said < 0.001 + 1e-9


@given(amounts, st.decimals(50, 100, places=3))
def test_a_budget_is_overspent_exactly_when_uptime_is_under_the_target(of: Durations, target: object) -> None:
    wanted = float(str(target))
    stands = sla(of, target=wanted)
    if not of.known:
        assert stands.state is None
        return
    under = (of.known - of.down) * 100_000 < round(wanted * 1000) * of.known
    assert (stands.state == "breached") == under
    assert (stands.left_s < 0) == under
    assert stands.left_s <= stands.budget_s
