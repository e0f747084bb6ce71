"""Histograms: within a hundredth of the exact percentile, and merging in any order loses nothing."""

from __future__ import annotations

import struct
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_plane.domain.uptime.latency_histogram import (
    BUCKETS,
    LARGEST_US,
    RELATIVE_ERROR,
    Histogram,
    bucket_of,
    from_bytes,
    histogram_of,
    merge,
    middle_us,
    percentiles_of,
    percentiles_us,
    ranked,
    ranked_across,
    to_bytes,
)
from tests.bench.rotation import percentile

values = (
    st.integers(0, LARGEST_US) | st.integers(0, 300) | st.sampled_from([2**n + d for n in range(31) for d in (-1, 0)])
)
samples = st.lists(values, max_size=60)
histograms = samples.map(histogram_of)


@given(values)
def test_a_bucket_is_within_a_hundredth_of_its_values(value: int) -> None:
    bucket = bucket_of(value)
    assert 0 <= bucket < BUCKETS
    assert abs(middle_us(bucket) - value) <= value * RELATIVE_ERROR


@given(values, values)
def test_buckets_keep_the_order_of_values(one: int, other: int) -> None:
    assert (bucket_of(one) <= bucket_of(other)) or one > other


@given(st.lists(values, min_size=1, max_size=80), st.sampled_from([0.5, 0.95, 0.99]))
def test_percentiles_are_those_of_the_values_themselves(found: list[int], share: float) -> None:
    exact = percentile(found, share)
    said = percentiles_us(histogram_of(found), [share])
    assert said is not None
    assert percentiles_of(to_bytes(histogram_of(found)), [share]) == said
    assert percentiles_of(to_bytes(histogram_of(found)) * 90, [share]) is not None
    assert abs(said[0] - exact) <= exact * RELATIVE_ERROR


@given(st.lists(samples, max_size=5))
def test_merging_is_counting_everything_at_once(parts: list[list[int]]) -> None:
    whole = histogram_of([value for part in parts for value in part])
    assert merge(histogram_of(part) for part in parts) == whole
    assert from_bytes(b"".join(to_bytes(histogram_of(part)) for part in parts)) == whole


@given(st.lists(st.lists(values, min_size=1, max_size=60), min_size=1, max_size=6))
def test_percentiles_across_parts_are_those_of_the_parts_merged(parts: list[list[int]]) -> None:
    shares = (0.001, 0.5, 0.95, 0.99, 1.0)
    numbers = [sorted(map(bucket_of, part)) for part in parts]
    across = ranked_across(numbers, [ranked(each, shares) for each in numbers], shares)
    assert across == ranked(sorted(chain.from_iterable(numbers)), shares)


@given(histograms, histograms, histograms)
def test_merging_takes_any_order(a: Histogram, b: Histogram, c: Histogram) -> None:
    assert merge([merge([a, b]), c]) == merge([a, merge([b, c])]) == merge([c, b, a])


@given(histograms)
def test_the_bytes_are_one_form_and_small(histogram: Histogram) -> None:
    data = to_bytes(histogram)
    assert from_bytes(data) == histogram
    assert to_bytes(from_bytes(data)) == data
    assert len(data) == 2 * sum(histogram.values())


def test_values_beyond_the_range_count_at_its_ends() -> None:
    assert bucket_of(-5) == 0
    assert bucket_of(2**40) == bucket_of(LARGEST_US) == BUCKETS - 1


def test_nothing_counted_has_no_percentiles() -> None:
    assert percentiles_us({}, [0.5]) is percentiles_of(b"", [0.5]) is None


def test_torn_bytes_are_refused() -> None:
    with pytest.raises(struct.error):
        from_bytes(b"\x00\x01\x00")
