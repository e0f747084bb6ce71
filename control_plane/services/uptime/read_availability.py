"""Uptime of monitors over a range: the one source for API, badge, page and report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Protocol
from uuid import UUID

from msgspec import Struct

from control_plane.domain.uptime import availability
from control_plane.domain.uptime.availability import Durations, History, Sla
from control_plane.domain.uptime.time_slices import parts, slice_ms
from control_plane.services.uptime.read_latency import rolled_up
from control_plane.settings import RetentionSettings
from control_plane.store import rollup_reads, uptime_reads
from control_plane.store.pool import Connection
from shared.clock import from_unix_ms, to_unix_ms

MONITORS_AT_ONCE = 100


class Availability(Struct, frozen=True, kw_only=True):
    """Uptime over the part of a range that has happened in the monitor's time, [start, end)."""

    start: datetime
    end: datetime
    durations: Durations
    """In ms."""

    @property
    def seconds(self) -> Durations:
        return availability.whole_seconds(self.durations)

    @property
    def uptime_pct(self) -> float | None:
        return availability.uptime_pct(self.durations)

    def sla(self, target: float) -> Sla:
        """How this stands against a target in per cent."""
        return availability.sla(self.durations, target=target)


class Day(Struct, frozen=True):
    """A calendar day of a zone, and the uptime of it."""

    day: date
    availability: Availability


class Watched(Protocol):
    """What uptime needs to know of a monitor."""

    @property
    def id(self) -> UUID: ...

    @property
    def created_at(self) -> datetime: ...


class Outcomes(Struct, frozen=True, kw_only=True):
    """Results by outcome."""

    total: int = 0
    up: int = 0
    degraded: int = 0
    down: int = 0
    error: int = 0

    @property
    def good_pct(self) -> float | None:
        """Per cent of the results that judged at all, rounded down to three decimals; None without any."""
        judged = self.up + self.degraded + self.down
        return (judged - self.down) * 100_000 // judged / 1000 if judged else None


class Horizon(Struct, frozen=True):
    """`now`, and how long transitions are kept: uptime knows nothing outside of the two."""

    now: datetime
    kept: timedelta

    @property
    def begins(self) -> datetime:
        return self.now - self.kept


async def read_uptimes(
    conn: Connection,
    monitors: Sequence[Watched],
    *,
    tenant_id: UUID,
    start: datetime,
    end: datetime,
    horizon: Horizon,
) -> dict[UUID, Availability]:
    """The uptime of each of these monitors in [start, end). Bounds are floored to whole seconds."""
    first, last = _second(start), _second(end)
    histories = await read_histories(conn, monitors, tenant_id=tenant_id, start=first, end=last, horizon=horizon)
    now_ms = to_unix_ms(_second(horizon.now))
    return {
        monitor_id: _availability(history, to_unix_ms(first), to_unix_ms(last), now_ms)
        for monitor_id, history in histories.items()
    }


async def read_spans(
    conn: Connection,
    monitor: Watched,
    *,
    tenant_id: UUID,
    spans: Sequence[timedelta],
    end: datetime,
    horizon: Horizon,
) -> list[Availability]:
    """The uptime of the time before `end`, once for each of these lengths, read once."""
    start, last = _second(end - max(spans)), _second(end)
    found = await read_histories(conn, [monitor], tenant_id=tenant_id, start=start, end=last, horizon=horizon)
    return spans_of(found[monitor.id], spans, end=end, now=horizon.now)


def spans_of(history: History, spans: Sequence[timedelta], *, end: datetime, now: datetime) -> list[Availability]:
    """The same of a history that has been read already, as far back as the longest of them."""
    now_ms, last_ms = to_unix_ms(_second(now)), to_unix_ms(_second(end))
    return [_availability(history, to_unix_ms(_second(end - span)), last_ms, now_ms) for span in spans]


async def read_days(
    conn: Connection, monitor: Watched, *, tenant_id: UUID, zone: tzinfo, last: date, days: int, horizon: Horizon
) -> list[Day]:
    """The uptime of each of `days` calendar days of the zone up to `last`, oldest first."""
    found = await read_days_of(conn, [monitor], tenant_id=tenant_id, zone=zone, last=last, days=days, horizon=horizon)
    return found[monitor.id]


async def read_days_of(
    conn: Connection,
    monitors: Sequence[Watched],
    *,
    tenant_id: UUID,
    zone: tzinfo,
    last: date,
    days: int,
    horizon: Horizon,
) -> dict[UUID, list[Day]]:
    """The same of each of these monitors."""
    dates = [last - timedelta(days=back) for back in range(days - 1, -1, -1)]
    edges = [day_start(day, zone) for day in (*dates, last + timedelta(days=1))]
    found = await read_histories(conn, monitors, tenant_id=tenant_id, start=edges[0], end=edges[-1], horizon=horizon)
    now_ms, instants = to_unix_ms(_second(horizon.now)), [to_unix_ms(edge) for edge in edges]
    return {id_: _days(history, dates, instants, now_ms) for id_, history in found.items()}


def _days(history: History, dates: Sequence[date], instants: Sequence[int], now_ms: int) -> list[Day]:
    cut = availability.durations_between(history, instants, now_ms=now_ms)
    return [
        Day(day, _cut(history, instants[n], instants[n + 1], now_ms, durations))
        for n, (day, durations) in enumerate(zip(dates, cut, strict=True))
    ]


def day_start(day: date, zone: tzinfo) -> datetime:
    """The first instant of a calendar day in a zone. Where midnight is skipped, that is the end of the gap."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


async def read_histories(
    conn: Connection,
    monitors: Sequence[Watched],
    *,
    tenant_id: UUID,
    start: datetime,
    end: datetime,
    horizon: Horizon,
) -> dict[UUID, History]:
    """What uptime in [start, end) is computed from, for each of these monitors."""
    ids = [monitor.id for monitor in monitors]
    changes = await uptime_reads.changes_in_range(conn, tenant_id=tenant_id, monitor_ids=ids, start=start, end=end)
    periods = await uptime_reads.periods_in_range(conn, tenant_id=tenant_id, monitor_ids=ids, start=start, end=end)
    return {
        monitor.id: History(
            since_ms=to_unix_ms(_second(max(monitor.created_at, horizon.begins))),
            changes=changes.get(monitor.id, ()),
            periods=periods.get(monitor.id, ()),
        )
        for monitor in monitors
    }


async def count_results(
    conn: Connection,
    *,
    tenant_id: UUID,
    monitor_id: UUID,
    start: datetime,
    end: datetime,
    now: datetime,
    kept: RetentionSettings,
    region: str | None = None,
) -> Mapping[str, Outcomes]:
    """Results of slots in [start, end) by region and outcome. Raises NotFound MONITOR_NOT_FOUND."""
    start_ms, end_ms = to_unix_ms(start), to_unix_ms(end)
    rolled = await rolled_up(conn, tenant_id=tenant_id, monitor_id=monitor_id, now_ms=to_unix_ms(now), kept=kept)
    wanted = parts(start_ms, end_ms, width_ms=slice_ms(start_ms, end_ms), rolled=rolled)
    rows = await rollup_reads.counts(conn, wanted, tenant_id=tenant_id, monitor_id=monitor_id, region=region)
    regions = sorted({row.region for row in rows})
    return {name: _outcomes(row for row in rows if row.region == name) for name in regions}


def total_of(outcomes: Iterable[Outcomes]) -> Outcomes:
    """All of them together."""
    return _outcomes(outcomes)


def _outcomes(rows: Iterable[rollup_reads.CountRow | Outcomes]) -> Outcomes:
    up = degraded = down = error = 0
    for row in rows:
        up, degraded, down, error = up + row.up, degraded + row.degraded, down + row.down, error + row.error
    return Outcomes(total=up + degraded + down + error, up=up, degraded=degraded, down=down, error=error)


def _availability(history: History, start_ms: int, end_ms: int, now_ms: int) -> Availability:
    found = availability.durations(history, start_ms=start_ms, end_ms=end_ms, now_ms=now_ms)
    return _cut(history, start_ms, end_ms, now_ms, found)


def _cut(history: History, start_ms: int, end_ms: int, now_ms: int, found: Durations) -> Availability:
    start, end = availability.clipped(history, start_ms=start_ms, end_ms=end_ms, now_ms=now_ms)
    return Availability(start=from_unix_ms(start), end=from_unix_ms(end), durations=found)


def _second(at: datetime) -> datetime:
    return at.replace(microsecond=0)
