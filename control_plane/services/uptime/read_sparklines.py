"""The last 24 hours of many monitors, hour by hour, small enough for a list."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from control_plane.domain.uptime.latency_histogram import percentiles_of
from control_plane.domain.uptime.time_slices import HOUR_MS, Rolled, parts
from control_plane.settings import RetentionSettings
from control_plane.store import dashboard_reads
from control_plane.store.dashboard_reads import Spark
from control_plane.store.pool import Connection
from shared.clock import from_unix_ms, to_unix_ms

HOURS = 24
_DAY_MS = 86_400_000


class Bucket(Struct, frozen=True, kw_only=True):
    """An hour from `t` on. `outcome` is the worst that a region saw, null without results; `p50` in ms."""

    t: datetime
    outcome: Literal["up", "degraded", "down"] | None = None
    p50: float | None = None
    up: int = 0
    degraded: int = 0
    down: int = 0
    error: int = 0


class Sparkline(Struct, frozen=True):
    """One monitor's hours, oldest first."""

    monitor_id: UUID
    buckets: Sequence[Bucket]


async def read_sparklines(
    conn: Connection, monitor_ids: Sequence[UUID], *, tenant_id: UUID, now: datetime, kept: RetentionSettings
) -> list[Sparkline]:
    """Of those of these monitors that the tenant has, in this order; the last hour is the one that runs."""
    now_ms = to_unix_ms(now)
    origin = now_ms - now_ms % HOUR_MS - (HOURS - 1) * HOUR_MS
    own = await dashboard_reads.own_monitors(conn, tenant_id=tenant_id, monitor_ids=monitor_ids)
    reached = await dashboard_reads.rolled_up(conn)
    rolled = Rolled(
        fine_until=reached.fine_until,
        hourly_until=reached.hourly_until,
        raw_since=now_ms - kept.results_days * _DAY_MS,
        fine_since=now_ms - kept.fine_rollups_days * _DAY_MS,
    )
    rows = await dashboard_reads.sparks(
        conn,
        parts(origin, origin + HOURS * HOUR_MS, width_ms=HOUR_MS, rolled=rolled),
        tenant_id=tenant_id,
        monitor_ids=list(own),
        origin_ms=origin,
        width_ms=HOUR_MS,
    )
    found: dict[tuple[UUID, int], list[Spark]] = {}
    for row in rows:
        found.setdefault((row.monitor_id, row.n), []).append(row)
    return [
        Sparkline(each, [_bucket(found.get((each, n), ()), origin + n * HOUR_MS) for n in range(HOURS)])
        for each in monitor_ids
        if each in own
    ]


def _bucket(rows: Sequence[Spark], at_ms: int) -> Bucket:
    up, degraded, down = (sum(getattr(row, name) for row in rows) for name in ("up", "degraded", "down"))
    histogram = b"".join(row.histogram or b"" for row in rows)
    p50 = percentiles_of(histogram, (0.5,))
    return Bucket(
        t=from_unix_ms(at_ms),
        outcome="down" if down else "degraded" if degraded else "up" if up else None,
        p50=round(p50[0]) / 1000 if p50 else None,
        up=up,
        degraded=degraded,
        down=down,
        error=sum(row.error for row in rows),
    )
