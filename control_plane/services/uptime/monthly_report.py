"""A month of a tenant's monitors in one table: uptime, incidents, repair times, SLA and latency."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import Struct

from control_plane.domain import latency_histogram
from control_plane.domain.availability import Durations, SlaState
from control_plane.errors import BadRequest
from control_plane.services.uptime.read_availability import (
    MONITORS_AT_ONCE,
    Availability,
    Horizon,
    day_start,
    read_uptimes,
)
from control_plane.store import rollup_reads, uptime_reads
from control_plane.store.pool import Connection
from control_plane.store.uptime_reads import IncidentCount, UptimeMonitor
from shared.clock import to_unix_ms


class ReportSla(Struct, frozen=True, kw_only=True):
    """The monitor's target held against this month."""

    target: float
    error_budget_secs: int
    left: int
    state: SlaState | None


class ReportLine(Struct, frozen=True, kw_only=True):
    """One monitor. `mttr_secs`: the mean time that incidents opened in the month, and resolved since, were open.

    `p95_ms` over all regions. Null: nothing known, none resolved, no target, no samples.
    """

    id: UUID
    number: int
    name: str
    kind: str
    group: str | None
    uptime_pct: float | None
    seconds: Durations
    downtime_secs: int
    incidents: int
    mttr_secs: int | None
    sla: ReportSla | None
    p95_ms: float | None


class Report(Struct, frozen=True, kw_only=True):
    """The month's days in the zone `tz`, as far as they have passed by `made_at`."""

    month: str
    tz: str
    from_: datetime
    to: datetime
    made_at: datetime
    monitors: Sequence[ReportLine]


def month_of(text: str, *, zone: ZoneInfo, now: datetime) -> tuple[datetime, datetime]:
    """The first instant of the month `yyyy-mm` in the zone, and of the next one.

    Raises BadRequest INVALID_MONTH for what is no month, or one that has not begun.
    """
    year, dash, month = text.partition("-")
    plain = dash and len(year) == 4 and len(month) == 2 and (year + month).isascii() and (year + month).isdigit()
    if not plain or not 1 <= int(month) <= 12 or not 1970 <= int(year) < 9000:
        raise BadRequest("The month is written yyyy-mm, such as 2026-05", code="INVALID_MONTH", field="/month")
    first = date(int(year), int(month), 1)
    following = (first + timedelta(days=31)).replace(day=1)
    start = day_start(first, zone)
    if start >= now:
        raise BadRequest("That month has not begun", code="INVALID_MONTH", field="/month")
    return start, day_start(following, zone)


async def monthly_report(conn: Connection, *, tenant_id: UUID, month: str, zone: ZoneInfo, horizon: Horizon) -> Report:
    """The month of every monitor that there was in it and still is. Raises BadRequest INVALID_MONTH."""
    start, end = month_of(month, zone=zone, now=horizon.now)
    lines: list[ReportLine] = []
    after = 0
    while True:
        monitors = await uptime_reads.uptime_monitors_after(
            conn, tenant_id=tenant_id, after=after, created_before=end, limit=MONITORS_AT_ONCE
        )
        lines += await _lines(conn, monitors, tenant_id=tenant_id, start=start, end=end, horizon=horizon)
        if len(monitors) < MONITORS_AT_ONCE:
            break
        after = monitors[-1].number
    return Report(
        month=month,
        tz=zone.key,
        from_=start,
        to=min(end, horizon.now.astimezone(UTC)),
        made_at=horizon.now,
        monitors=lines,
    )


async def _lines(
    conn: Connection,
    monitors: Sequence[UptimeMonitor],
    *,
    tenant_id: UUID,
    start: datetime,
    end: datetime,
    horizon: Horizon,
) -> list[ReportLine]:
    ids = [monitor.id for monitor in monitors]
    uptimes = await read_uptimes(conn, monitors, tenant_id=tenant_id, start=start, end=end, horizon=horizon)
    opened = await uptime_reads.incidents_opened(conn, tenant_id=tenant_id, monitor_ids=ids, start=start, end=end)
    histograms = await rollup_reads.month_histograms(
        conn, tenant_id=tenant_id, monitor_ids=ids, start_ms=to_unix_ms(start), end_ms=to_unix_ms(end)
    )
    return [
        _line(monitor, uptimes[monitor.id], opened.get(monitor.id), histograms.get(monitor.id, b""))
        for monitor in monitors
    ]


def _line(
    monitor: UptimeMonitor, availability: Availability, opened: IncidentCount | None, histogram: bytes
) -> ReportLine:
    p95 = latency_histogram.percentiles_of(histogram, (0.95,))
    seconds = availability.seconds
    return ReportLine(
        id=monitor.id,
        number=monitor.number,
        name=monitor.name,
        kind=monitor.kind,
        group=monitor.group,
        uptime_pct=availability.uptime_pct,
        seconds=seconds,
        downtime_secs=seconds.down,
        incidents=opened.opened if opened else 0,
        mttr_secs=opened.open_ms // 1000 // opened.resolved if opened and opened.resolved else None,
        sla=_sla(monitor, availability),
        p95_ms=round(p95[0] / 1000, 3) if p95 else None,
    )


def _sla(monitor: UptimeMonitor, availability: Availability) -> ReportSla | None:
    if monitor.sla_target is None:
        return None
    stands = availability.sla(monitor.sla_target)
    return ReportSla(
        target=monitor.sla_target, error_budget_secs=stands.budget_s, left=stands.left_s, state=stands.state
    )
