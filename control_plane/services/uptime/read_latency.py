"""Latency of a monitor over a range, from rollups that merge: the one source for API, badge, page and report."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter
from uuid import UUID

from msgspec import Struct

from control_plane.domain.uptime import latency_histogram
from control_plane.domain.uptime.latency_histogram import BUCKETS, middle_us
from control_plane.domain.uptime.time_slices import Rolled, parts, slice_ms, starts
from control_plane.services.uptime.rollup_progress import RollupProgress, require
from control_plane.settings import RetentionSettings
from control_plane.store import rollup_reads
from control_plane.store.pool import Connection
from control_plane.store.rollup_reads import Progress, SliceRow
from shared.clock import from_unix_ms, to_unix_ms

_DAY_MS = 86_400_000
SHARES = (0.5, 0.95, 0.99)


class Latency(Struct, frozen=True, kw_only=True):
    """Milliseconds. Means are over all samples, and a phase that did not happen counts as none: they add up to `avg`
    but for what the check itself took. Null without samples.
    """

    samples: int = 0
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None
    avg: float | None = None
    dns: float | None = None
    connect: float | None = None
    tls: float | None = None
    ttfb: float | None = None
    download: float | None = None


class Slice(Struct, frozen=True):
    """A slice of the chart, from `start` on."""

    start: datetime
    latency: Latency


class Series(Struct, frozen=True):
    """A region's, or all regions', latency over the whole range and per slice."""

    region: str | None
    whole: Latency
    slices: Sequence[Slice]


class Chart(Struct, frozen=True):
    """Series over [start, end) in slices of `slice_s` seconds, the last one as long as the range lasts."""

    start: datetime
    end: datetime
    slice_s: int
    series: Sequence[Series]


async def read_latency(
    conn: Connection,
    *,
    tenant_id: UUID,
    monitor_id: UUID,
    start: datetime,
    end: datetime,
    now: datetime,
    kept: RetentionSettings,
    region: str | None = None,
    by_region: bool = False,
    progress: RollupProgress | None = None,
) -> Chart:
    """Latency of results that were up or degraded, of all regions merged or region by region.

    Sums and percentiles of the whole range are of exactly its results; a slice's edge is true to the rollup that it is
    read from (time_slices.parts). `progress`: what the process remembers. Raises NotFound MONITOR_NOT_FOUND.
    """
    start_ms, end_ms = to_unix_ms(start), to_unix_ms(end)
    known = progress or RollupProgress()
    reached = await known.of(conn, tenant_id=tenant_id, monitor_id=monitor_id)
    rolled = _rolled(reached, now_ms=to_unix_ms(now), kept=kept)
    width, grid = slice_ms(start_ms, end_ms), starts(start_ms, end_ms)
    rows = await rollup_reads.slices(
        conn,
        parts(start_ms, end_ms, width_ms=width, rolled=rolled),
        tenant_id=tenant_id,
        monitor_id=monitor_id,
        region=region,
        origin_ms=grid.start,
        width_ms=width,
    )
    if not rows:
        await require(conn, tenant_id=tenant_id, monitor_id=monitor_id)
    if by_region:
        names = sorted({row.region for row in rows})
        series = [_series(name, [row for row in rows if row.region == name], grid) for name in names]
    else:
        series = [_series(region, rows, grid)]
    return Chart(start, end, width // 1000, series)


async def rolled_up(
    conn: Connection, *, tenant_id: UUID, monitor_id: UUID, now_ms: int, kept: RetentionSettings
) -> Rolled:
    """From where this monitor's results can be read. Raises NotFound MONITOR_NOT_FOUND."""
    reached = await require(conn, tenant_id=tenant_id, monitor_id=monitor_id)
    return _rolled(reached, now_ms=now_ms, kept=kept)


def _rolled(progress: Progress, *, now_ms: int, kept: RetentionSettings) -> Rolled:
    return Rolled(
        fine_until=progress.fine_until,
        hourly_until=progress.hourly_until,
        raw_since=now_ms - kept.results_days * _DAY_MS,
        fine_since=now_ms - kept.fine_rollups_days * _DAY_MS,
    )


def _series(region: str | None, rows: Sequence[SliceRow], grid: range) -> Series:
    by_slice: list[list[SliceRow]] = [[] for _ in grid]
    for row in rows:
        if row.samples:
            by_slice[row.n].append(row)
    slices: list[Slice] = []
    parts: list[list[int]] = []
    found: list[list[int]] = []
    for at, of_slice in zip(grid, by_slice, strict=True):
        latency = _EMPTY
        if of_slice:
            parts.append(latency_histogram.ordered(b"".join([row.histogram for row in of_slice])))
            found.append(latency_histogram.ranked(parts[-1], SHARES))
            latency = _latency(of_slice, found[-1])
        slices.append(Slice(from_unix_ms(at), latency))
    if not parts:
        return Series(region, _EMPTY, slices)
    whole = latency_histogram.ranked_across(parts, found, SHARES)
    return Series(region, _latency([row for of_slice in by_slice for row in of_slice], whole), slices)


_EMPTY = Latency()
_SUMS = attrgetter("samples", "total_us", "dns_us", "connect_us", "tls_us", "ttfb_us", "download_us")
_MIDDLES_MS = tuple(round(middle_us(bucket)) / 1000 for bucket in range(BUCKETS))


def _latency(rows: Sequence[SliceRow], percentiles: Sequence[int]) -> Latency:
    """At least one row, of one region or of several, as one; `percentiles` are the buckets in which they lie."""
    sums = _SUMS(rows[0]) if len(rows) == 1 else map(sum, zip(*map(_SUMS, rows), strict=True))
    samples, *us = sums
    p50, p95, p99 = percentiles
    avg, dns, connect, tls, ttfb, download = [round(each / samples) / 1000 for each in us]
    return Latency(
        samples=samples,
        p50=_MIDDLES_MS[p50],
        p95=_MIDDLES_MS[p95],
        p99=_MIDDLES_MS[p99],
        avg=avg,
        dns=dns,
        connect=connect,
        tls=tls,
        ttfb=ttfb,
        download=download,
    )
