"""What holds for every delivery, whatever a receiver says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from control_plane.domain.alerting.delivery import (
    RETRY_AFTER_CAP,
    WAITS,
    Dead,
    Failed,
    RetryAt,
    next_attempt,
    retry_after,
)
from control_plane.domain.channels import channel_rules

NOW = datetime(2026, 1, 1, tzinfo=UTC)
dates = st.text(alphabet="0123456789 ,:+-JanThuGMT", max_size=60)
documents = st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(st.text(max_size=3), documents, max_size=4)


@given(st.text() | dates)
def test_whatever_retry_after_says_it_is_a_wait_or_nothing(text: str) -> None:
    wait = retry_after(text, now=NOW)
    assert wait is None or wait >= timedelta(0)


@given(
    failures=st.integers(0, 20),
    asked=st.none() | st.timedeltas(timedelta(0), timedelta(days=900_000)),
    permanent=st.booleans(),
    jitter=st.floats(0, 1, exclude_max=True),
)
def test_a_failure_ends_or_waits_between_the_schedule_and_a_day(
    failures: int, asked: timedelta | None, permanent: bool, jitter: float
) -> None:
    outcome = Failed("x", permanent=permanent, retry_after=asked)
    following = next_attempt(failures, outcome, now=NOW, jitter=jitter)
    if permanent or failures + 1 >= len(WAITS):
        assert isinstance(following, Dead)
        return
    assert isinstance(following, RetryAt)
    assert NOW + WAITS[failures + 1] <= following.at <= NOW + 1.1 * max(WAITS[failures + 1], RETRY_AFTER_CAP)


def without_nulls(value: Any) -> Any:
    return {k: without_nulls(v) for k, v in value.items() if v is not None} if isinstance(value, dict) else value


@given(stored=objects, patch=objects)
def test_merging_twice_is_merging_once(stored: dict[str, Any], patch: dict[str, Any]) -> None:
    once = channel_rules.merged(stored, patch)
    assert channel_rules.merged(once, patch) == once


@given(stored=objects)
def test_an_empty_patch_changes_nothing_and_a_patch_onto_nothing_is_itself(stored: dict[str, Any]) -> None:
    assert channel_rules.merged(stored, {}) == stored
    assert channel_rules.merged({}, stored) == without_nulls(stored)
