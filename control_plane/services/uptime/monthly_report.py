"""A month of a tenant's monitors: uptime, incidents, repair times, SLA and latency, of each and of all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import Struct

from control_plane.domain.uptime import availability, latency_histogram
from control_plane.domain.uptime.availability import Durations, SlaState
from control_plane.errors import BadRequest
from control_plane.services.uptime.read_availability import (
    MONITORS_AT_ONCE,
    Availability,
    Horizon,
    day_start,
    read_uptimes,
)
from control_plane.store import incident_stats, rollup_reads, uptime_reads
from control_plane.store.incident_stats import StatsRange
from control_plane.store.pool import Connection
from control_plane.store.uptime_reads import IncidentCount, UptimeMonitor
from shared.clock import to_unix_ms

NOISIEST = 5


class ReportSla(Struct, frozen=True, kw_only=True):
    """The monitor's target held against this month."""

    target: float
    error_budget_secs: int
    left: int
    state: SlaState | None


class ReportLine(Struct, frozen=True, kw_only=True):
    """One monitor. `mttr_secs`: the mean of incidents opened in the month, from the start until repaired.

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


class ReportNoisy(Struct, frozen=True, kw_only=True):
    """A monitor with many incidents; `open_secs`: how long they lasted, until now where they go on."""

    id: UUID
    number: int
    name: str
    incidents: int
    open_secs: int


class ReportSlas(Struct, frozen=True, kw_only=True):
    """How many monitors with a target stand how; `unknown`: nothing is known of their month."""

    met: int = 0
    at_risk: int = 0
    breached: int = 0
    unknown: int = 0


class ReportSummary(Struct, frozen=True, kw_only=True):
    """All monitors together. `uptime_pct` is of their known time, added up.

    Incidents are those opened in the month, declared ones too: as `/incidents/stats` counts them.
    """

    uptime_pct: float | None
    downtime_secs: int
    incidents: int
    mtta_secs: int | None
    mttr_secs: int | None
    sla: ReportSlas
    noisiest: Sequence[ReportNoisy]


class Report(Struct, frozen=True, kw_only=True):
    """The month's days in the zone `tz`, as far as they have passed by `made_at`."""

    month: str
    tz: str
    from_: datetime
    to: datetime
    made_at: datetime
    summary: ReportSummary
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
        summary=await _summary(conn, lines, tenant_id=tenant_id, start=start, end=end, now=horizon.now),
        monitors=lines,
    )


async def _summary(
    conn: Connection, lines: Sequence[ReportLine], *, tenant_id: UUID, start: datetime, end: datetime, now: datetime
) -> ReportSummary:
    chosen = StatsRange(start=start, end=end)
    counts = await incident_stats.tally(conn, tenant_id=tenant_id, chosen=chosen)
    noisy = await incident_stats.noisiest(conn, tenant_id=tenant_id, chosen=chosen, limit=NOISIEST, now=now)
    seconds = sum((line.seconds for line in lines), start=Durations())
    states = Counter(line.sla.state for line in lines if line.sla)
    return ReportSummary(
        uptime_pct=availability.uptime_pct(seconds),
        downtime_secs=seconds.down,
        incidents=counts.total,
        mtta_secs=None if counts.mtta_s is None else round(counts.mtta_s),
        mttr_secs=None if counts.mttr_s is None else round(counts.mttr_s),
        sla=ReportSlas(met=states["met"], at_risk=states["at_risk"], breached=states["breached"], unknown=states[None]),
        noisiest=[
            ReportNoisy(id=m.id, number=m.number, name=m.name, incidents=m.incidents, open_secs=round(m.open_s))
            for m in noisy
        ],
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


def _line(monitor: UptimeMonitor, found: Availability, opened: IncidentCount | None, histogram: bytes) -> ReportLine:
    p95 = latency_histogram.percentiles_of(histogram, (0.95,))
    seconds = found.seconds
    return ReportLine(
        id=monitor.id,
        number=monitor.number,
        name=monitor.name,
        kind=monitor.kind,
        group=monitor.group,
        uptime_pct=found.uptime_pct,
        seconds=seconds,
        downtime_secs=seconds.down,
        incidents=opened.opened if opened else 0,
        mttr_secs=round(opened.open_ms / 1000 / opened.repaired) if opened and opened.repaired else None,
        sla=_sla(monitor, found),
        p95_ms=round(p95[0] / 1000, 3) if p95 else None,
    )


def _sla(monitor: UptimeMonitor, found: Availability) -> ReportSla | None:
    if monitor.sla_target is None:
        return None
    stands = found.sla(monitor.sla_target)
    return ReportSla(
        target=monitor.sla_target, error_budget_secs=stands.budget_s, left=stands.left_s, state=stands.state
    )
