"""How everything of a tenant is, at a glance: what is counted now, and the figures of the last day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from control_plane.domain.uptime import availability
from control_plane.domain.uptime.availability import Durations
from control_plane.domain.uptime.latency_histogram import percentiles_of
from control_plane.domain.uptime.time_slices import FINE_MS
from control_plane.services.uptime.read_availability import Horizon, read_uptimes
from control_plane.store import dashboard_reads, incidents_read, overview_read, uptime_reads
from control_plane.store.dashboard_reads import IncidentTally, Slow
from control_plane.store.incidents_read import IncidentFilter, IncidentView
from control_plane.store.pool import Connection

DAY = timedelta(days=1)
SLOWEST = 5
RECENT = 5
_AT_ONCE = 500
SLOW_MS = 3 * FINE_MS
"""The slowest are those of the last quarter of an hour that is rolled up: a day of all monitors is too much to read."""


class Standing(Struct, frozen=True, kw_only=True):
    """What is counted. `shown`: monitors by what they are shown as."""

    shown: Mapping[str, int]
    incidents: IncidentTally
    recent: list[IncidentView]


class SlowMonitor(Struct, frozen=True, kw_only=True):
    """Milliseconds, over all its regions."""

    monitor_id: UUID
    number: int
    name: str
    avg: float
    p95: float
    samples: int


class LastDay(Struct, frozen=True, kw_only=True):
    """Time of all monitors together, and those that were slowest lately."""

    durations: Durations
    slowest: list[SlowMonitor]

    @property
    def uptime_pct(self) -> float | None:
        return availability.uptime_pct(self.durations)


async def read_standing(conn: Connection, *, tenant_id: UUID, now: datetime) -> Standing:
    """Counts, and the incidents that opened last, open ones first."""
    recent, _ = await incidents_read.list_incidents(
        conn, tenant_id=tenant_id, wanted=IncidentFilter(), limit=RECENT, offset=0
    )
    shown: Counter[str] = Counter()
    for row in await overview_read.count_by_group(conn, tenant_id=tenant_id):
        shown[row.shown] += row.monitors
    return Standing(
        shown=shown,
        incidents=await dashboard_reads.tally_incidents(conn, tenant_id=tenant_id, since=now - DAY),
        recent=recent,
    )


async def read_last_day(conn: Connection, *, tenant_id: UUID, now: datetime) -> LastDay:
    """The last 24 hours. A monitor that did not change is counted where it is stored; others from their history."""
    start, end = (now - DAY).replace(microsecond=0), now.replace(microsecond=0)
    rows = await dashboard_reads.steady(conn, tenant_id=tenant_id, start=start, end=end)
    total = Durations(**{row.verdict: row.ms for row in rows})
    changed = await dashboard_reads.changed(conn, tenant_id=tenant_id, start=start, end=end)
    for at in range(0, len(changed), _AT_ONCE):
        some = changed[at : at + _AT_ONCE]
        monitors = await uptime_reads.uptime_monitors(conn, tenant_id=tenant_id, monitor_ids=some)
        found = await read_uptimes(
            conn, monitors, tenant_id=tenant_id, start=start, end=end, horizon=Horizon(now, 2 * DAY)
        )
        for each in found.values():
            total += each.durations
    return LastDay(durations=total, slowest=await _slowest(conn, tenant_id=tenant_id))


async def _slowest(conn: Connection, *, tenant_id: UUID) -> list[SlowMonitor]:
    """By the last quarter of an hour that is rolled up."""
    until = (await dashboard_reads.rolled_up(conn)).fine_until
    start = until - SLOW_MS
    rows = await dashboard_reads.slowest(conn, tenant_id=tenant_id, start_ms=start, end_ms=until, limit=SLOWEST)
    return [_slow(row) for row in rows]


def _slow(row: Slow) -> SlowMonitor:
    avg = round(row.total_us / row.samples) / 1000
    found = percentiles_of(row.histogram, (0.95,))
    p95 = round(found[0]) / 1000 if found else avg
    return SlowMonitor(monitor_id=row.id, number=row.number, name=row.name, avg=avg, p95=p95, samples=row.samples)
