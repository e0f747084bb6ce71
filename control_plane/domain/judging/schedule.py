"""When a monitor's regions look, and how long what they say lives."""

from __future__ import annotations

from uuid import UUID

EXPIRY_GRACE_MS = 30_000
"""Added to two cadences and the timeout before a vote expires (chapter "Votes" of the design)."""

_GOLDEN = 0x9E3779B97F4A7C15
"""2**64 over the golden ratio: multiples of it, modulo 2**64, lie as evenly as points that come one by one can lie."""

_LOW_64 = 2**64 - 1


def phase_ms(tenant_id: UUID, number: int, *, region_index: int, region_count: int, interval_ms: int) -> int:
    """Offset in ms of region number `region_index` in the interval of the tenant's monitor `number`.

    A tenant's monitors are spread by their numbers, evenly even when they are few (a hash of the id would leave peaks a
    fifth above the mean among ten thousand); tenants are set apart by their ids. The regions of one monitor are
    staggered against each other, so that an outage is seen sooner than one interval after it began.
    """
    turn = (tenant_id.int + number * _GOLDEN) & _LOW_64
    return ((turn * interval_ms >> 64) + region_index * interval_ms // region_count) % interval_ms


def vote_window_ms(*, cadence_ms: int, timeout_ms: int) -> int:
    """How long in ms a vote lives after the newest slot counted: two cadences, the timeout and 30 s."""
    return 2 * cadence_ms + timeout_ms + EXPIRY_GRACE_MS
