"""The other way of answering what a chart of a day shows: percentiles and means by SQL, straight from raw rows."""

from __future__ import annotations

from uuid import UUID

from control_plane.services.uptime.read_latency import Latency, Series, Slice
from control_plane.store.pool import Connection
from shared.clock import from_unix_ms

_MEANS = ", ".join(f"avg(coalesce(r.{name}_us, 0))" for name in ("total", "dns", "connect", "tls", "ttfb", "download"))
_CHART = f"""
SELECT g.slug, ((r.slot - $5) / $6)::int AS n, count(*),
    percentile_disc(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY r.total_us), {_MEANS}
FROM regions g CROSS JOIN LATERAL (
    SELECT * FROM results
    WHERE results.tenant_id = $1 AND results.monitor_id = $2 AND results.region_id = g.id
        AND results.slot >= $3 AND results.slot < $4 AND results.outcome < 2 AND results.total_us IS NOT NULL
    OFFSET 0
) r
GROUP BY GROUPING SETS ((g.slug, 2), (g.slug))
"""


async def chart_from_raw(
    conn: Connection, *, tenant_id: UUID, monitor_id: UUID, start_ms: int, end_ms: int, grid: range
) -> list[Series]:
    """Each region's latency over the range and in each slice: the values that services/uptime/read_latency.py gives."""
    rows = await conn.fetch(_CHART, tenant_id, monitor_id, start_ms, end_ms, grid.start, grid.step)
    wholes: dict[str, Latency] = {}
    slices: dict[str, list[Latency]] = {}
    for region, n, samples, percentiles, *means in rows:
        latency = _latency(samples, (*percentiles, *means))
        if n is None:
            wholes[region] = latency
        else:
            slices.setdefault(region, [Latency()] * len(grid))[n] = latency
    return [
        Series(
            region,
            wholes[region],
            [Slice(from_unix_ms(at), each) for at, each in zip(grid, slices[region], strict=True)],
        )
        for region in sorted(wholes)
    ]


def _latency(samples: int, us: tuple[float, ...]) -> Latency:
    p50, p95, p99, avg, dns, connect, tls, ttfb, download = [round(value) / 1000 for value in us]
    return Latency(
        samples=samples,
        p50=p50,
        p95=p95,
        p99=p99,
        avg=avg,
        dns=dns,
        connect=connect,
        tls=tls,
        ttfb=ttfb,
        download=download,
    )
