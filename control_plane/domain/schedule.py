"""When a monitor's regions look, and how long what they say lives."""

from __future__ import annotations

from uuid import UUID

EXPIRY_GRACE_MS = 30_000
"""Added to two cadences and the timeout before a vote expires (chapter "Votes" of the design)."""

_RANDOM_BITS = 2**62 - 1
"""The low 62 bits of a UUIDv7 are random (RFC 9562, 5.7): the spread comes from the id itself."""


def phase_ms(monitor_id: UUID, *, region_index: int, region_count: int, interval_ms: int) -> int:
    """Offset in ms of region number `region_index` in the monitor's interval.

    Monitors are spread evenly, and the regions of one monitor are staggered against each other, so that an outage is
    seen sooner than one interval after it began.
    """
    spread = (monitor_id.int & _RANDOM_BITS) % interval_ms
    return (spread + region_index * interval_ms // region_count) % interval_ms


def vote_window_ms(*, cadence_ms: int, timeout_ms: int) -> int:
    """How long in ms a vote lives after the newest slot counted: two cadences, the timeout and 30 s."""
    return 2 * cadence_ms + timeout_ms + EXPIRY_GRACE_MS
