"""Latency as counts in buckets that grow with the value: merging loses nothing, so percentiles are never averaged.

Buckets are exact below 128 µs; above, every power of two is cut into 64, so a bucket is at most 1/64 wide and its
middle at most 1/128 (0.8 %) off. The store computes the same numbers with whole-number arithmetic (store/rollups.py).

As bytes: the number of the bucket of every value, 16 bits each, big-endian, ascending. A slice holds a few hundred
values at most, mostly in buckets of their own, so this is smaller than pairs of bucket and count, and two of them put
one behind the other are the two merged: the store merges many by joining them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from struct import unpack

EXACT_BELOW_US = 128
LARGEST_US = 2**31 - 1
BUCKETS = 1664
RELATIVE_ERROR = 1 / 128

_SHARES = 64

Histogram = Mapping[int, int]
"""How many values by number of bucket."""


def bucket_of(value_us: int) -> int:
    """The number of the bucket that counts this many microseconds; what is beyond the range counts at its end."""
    value = min(max(value_us, 0), LARGEST_US)
    shift = max(value.bit_length() - EXACT_BELOW_US.bit_length() + 1, 0)
    return shift * _SHARES + (value >> shift)


def middle_us(bucket: int) -> float:
    """The middle of the values that this bucket counts, in microseconds."""
    shift = max(bucket // _SHARES - 1, 0)
    least = (bucket - shift * _SHARES) << shift
    return least + ((1 << shift) - 1) / 2


def histogram_of(values_us: Iterable[int]) -> Histogram:
    counts: dict[int, int] = defaultdict(int)
    for value in values_us:
        counts[bucket_of(value)] += 1
    return dict(counts)


def merge(histograms: Iterable[Histogram]) -> Histogram:
    """All of them counted together."""
    counts: dict[int, int] = defaultdict(int)
    for histogram in histograms:
        for bucket, count in histogram.items():
            counts[bucket] += count
    return dict(counts)


def to_bytes(histogram: Histogram) -> bytes:
    """The one form of this histogram as bytes."""
    return b"".join(bucket.to_bytes(2, "big") * histogram[bucket] for bucket in sorted(histogram))


def from_bytes(data: bytes) -> Histogram:
    """A histogram, or several one behind the other merged. Raises struct.error unless it is whole numbers."""
    return Counter(_buckets(data))


def percentiles_us(histogram: Histogram, shares: Sequence[float]) -> list[float] | None:
    """The values that at least these shares (ascending, 0 to 1) do not exceed: nearest rank. None: nothing counted."""
    total = sum(histogram.values())
    if not total:
        return None
    ranks = _ranks(total, tuple(shares))
    found: list[float] = []
    passed = 0
    for bucket in sorted(histogram):
        passed += histogram[bucket]
        while len(found) < len(ranks) and ranks[len(found)] <= passed:
            found.append(middle_us(bucket))
    return found


def percentiles_of(data: bytes, shares: Sequence[float]) -> list[float] | None:
    """The same of a histogram, or of several one behind the other, as bytes."""
    return percentiles_in(ordered(data), shares) if data else None


def ordered(data: bytes) -> list[int]:
    """The number of the bucket of every value, ascending, of one histogram or of several one behind the other."""
    return sorted(_buckets(data))


def percentiles_in(numbers: Sequence[int], shares: Sequence[float]) -> list[float]:
    """The same of at least one value, by the numbers of their buckets, ascending."""
    return [_MIDDLES_US[bucket] for bucket in ranked(numbers, tuple(shares))]


def ranked(numbers: Sequence[int], shares: tuple[float, ...]) -> list[int]:
    """The numbers of the buckets in which these percentiles of at least one value lie."""
    return [numbers[rank - 1] for rank in _ranks(len(numbers), shares)]


def ranked_across(
    parts: Sequence[Sequence[int]], found: Sequence[Sequence[int]], shares: tuple[float, ...]
) -> list[int]:
    """The same of several parts merged, which need not be put in one order; `found` is what `ranked` says of each.

    What is asked for lies between the least and the most that any part says. In between it is found by halving: each
    part counts by itself how many of its values are no larger.
    """
    ranks = _ranks(sum(map(len, parts)), shares)
    return [
        _least_reaching(parts, rank, min(said), max(said))
        for rank, said in zip(ranks, zip(*found, strict=True), strict=True)
    ]


def _least_reaching(parts: Sequence[Sequence[int]], rank: int, low: int, high: int) -> int:
    """The least number from `low` to `high` that at least `rank` values of all parts do not exceed."""
    while low < high:
        middle = (low + high) // 2
        if sum([bisect_right(part, middle) for part in parts]) >= rank:
            high = middle
        else:
            low = middle + 1
    return low


def _buckets(data: bytes) -> tuple[int, ...]:
    return unpack(f">{len(data) // 2}H", data)


@lru_cache(maxsize=1024)
def _ranks(total: int, shares: Sequence[float]) -> Sequence[int]:
    """Most slices hold as many values as the one before: worked out once."""
    return [max(-(-total * round(share * 1000) // 1000), 1) for share in shares]


_MIDDLES_US = tuple(middle_us(bucket) for bucket in range(BUCKETS))
