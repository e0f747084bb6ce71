"""The 95th percentile of the last 24 hours' latency: what overview, page of a monitor, status page and share link say.

Of the five-minute slices that are rolled up and began in these hours, over all regions. The newest results are not
among them until their slice is rolled up (some minutes, see roll_up): many monitors are asked for at once, and what is
read is the same for minutes, so that it is worked out once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from uuid import UUID

from control_plane.domain.uptime import latency_histogram
from control_plane.domain.uptime.time_slices import HOUR_MS
from control_plane.store import rollup_reads
from control_plane.store.pool import Connection
from shared.clock import to_unix_ms

DAY = timedelta(days=1)


async def read_day_p95s(
    conn: Connection, monitor_ids: Sequence[UUID], *, tenant_id: UUID, now: datetime
) -> Mapping[UUID, float]:
    """Milliseconds, of each of these monitors of which anything is rolled up."""
    since_ms = to_unix_ms(now - DAY)
    histograms = await rollup_reads.day_histograms(
        conn,
        tenant_id=tenant_id,
        monitor_ids=monitor_ids,
        since_ms=since_ms,
        first_hour_ms=-(-since_ms // HOUR_MS) * HOUR_MS,
    )
    return {each: _p95(data) for each, data in histograms.items()}


@lru_cache(maxsize=1000)
def _p95(histogram: bytes) -> float:
    """Remembered: a page that is open asks for the same day again and again."""
    found = latency_histogram.percentiles_of(histogram, (0.95,))
    assert found is not None, "the store leaves out what counts nothing"
    return round(found[0]) / 1000
