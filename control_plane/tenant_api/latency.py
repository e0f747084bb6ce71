"""/monitors/{id}/latency and /latency/by-region: percentiles and phase means per slice of a range."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType, field

from control_plane.services.uptime.read_latency import Chart, Latency, Series, read_latency
from control_plane.tenant_api.one_monitor import PATH, READS
from control_plane.web.call import Call, Reply
from control_plane.web.query import Instant
from control_plane.web.routes import Door, Route
from control_plane.web.time_range import time_range

DEFAULT_RANGE = timedelta(hours=24)


class BucketJson(Struct, frozen=True, kw_only=True):
    """A slice from `t` on, in ms. `avg` and the phases are means over all samples, a phase that did not happen counting
    0. Without samples it is a gap, and all of them are null.
    """

    t: datetime
    p50: float | None
    p95: float | None
    p99: float | None
    avg: float | None
    dns: float | None
    connect: float | None
    tls: float | None
    ttfb: float | None
    download: float | None
    samples: int


class SummaryJson(Struct, frozen=True, kw_only=True):
    """The whole range, from the same histograms."""

    p50: float | None
    p95: float | None
    p99: float | None
    avg: float | None
    samples: int


class LatencyJson(Struct, frozen=True, kw_only=True):
    """Latency of results that were up or degraded, of all regions or of one."""

    from_: datetime = field(name="from")
    to: datetime
    bucket_seconds: int
    summary: SummaryJson
    buckets: list[BucketJson]


class RegionLatencyJson(Struct, frozen=True):
    """One region's series."""

    region: str
    summary: SummaryJson
    buckets: list[BucketJson]


class LatencyByRegionJson(Struct, frozen=True, kw_only=True):
    """One series for each region that has samples in the range."""

    from_: datetime = field(name="from")
    to: datetime
    bucket_seconds: int
    regions: list[RegionLatencyJson]


class RangeQuery(Struct, frozen=True):
    """The range [from, to); by default the last 24 hours."""

    from_: Instant | UnsetType = field(name="from", default=UNSET)
    to: Instant | UnsetType = UNSET


class LatencyQuery(RangeQuery, frozen=True):
    """`region` asks for the results of one region."""

    region: Annotated[str, Meta(max_length=40)] | None = None


async def latency(call: Call) -> Reply:
    query: LatencyQuery = call.query
    chart = await _chart(call, query, region=query.region)
    series = chart.series[0]
    return Reply(
        LatencyJson(
            from_=chart.start,
            to=chart.end,
            bucket_seconds=chart.slice_s,
            summary=_summary(series.whole),
            buckets=_buckets(series),
        )
    )


async def latency_by_region(call: Call) -> Reply:
    chart = await _chart(call, call.query, by_region=True)
    regions = [RegionLatencyJson(each.region or "", _summary(each.whole), _buckets(each)) for each in chart.series]
    return Reply(LatencyByRegionJson(from_=chart.start, to=chart.end, bucket_seconds=chart.slice_s, regions=regions))


async def _chart(call: Call, query: RangeQuery, *, region: str | None = None, by_region: bool = False) -> Chart:
    now, tenant_id = call.deps.now(), call.tenant().tenant_id
    start, end = time_range(query.from_, query.to, now=now, default=DEFAULT_RANGE)
    async with call.deps.database.tenant(tenant_id) as conn:
        return await read_latency(
            conn,
            tenant_id=tenant_id,
            monitor_id=call.uuid("monitor_id"),
            start=start,
            end=end,
            now=now,
            kept=call.deps.settings.retention,
            region=region,
            by_region=by_region,
            progress=call.deps.rollups,
        )


def _summary(of: Latency) -> SummaryJson:
    return SummaryJson(p50=of.p50, p95=of.p95, p99=of.p99, avg=of.avg, samples=of.samples)


def _buckets(series: Series) -> list[BucketJson]:
    return [
        BucketJson(
            t=each.start,
            p50=each.latency.p50,
            p95=each.latency.p95,
            p99=each.latency.p99,
            avg=each.latency.avg,
            dns=each.latency.dns,
            connect=each.latency.connect,
            tls=each.latency.tls,
            ttfb=each.latency.ttfb,
            download=each.latency.download,
            samples=each.latency.samples,
        )
        for each in series.slices
    ]


ROUTES = (
    Route(
        method="GET",
        path=f"{PATH}/latency",
        handler=latency,
        operation="get_monitor_latency",
        summary="Percentiles and phase means per slice of a range",
        tag="uptime",
        door=Door.TENANT,
        scope="monitors:read",
        query=LatencyQuery,
        reply=LatencyJson,
        errors=(*READS, "BAD_TIME_RANGE", "INVALID_REGION"),
    ),
    Route(
        method="GET",
        path=f"{PATH}/latency/by-region",
        handler=latency_by_region,
        operation="get_monitor_latency_by_region",
        summary="The same, a series for each region",
        tag="uptime",
        door=Door.TENANT,
        scope="monitors:read",
        query=RangeQuery,
        reply=LatencyByRegionJson,
        errors=(*READS, "BAD_TIME_RANGE"),
    ),
)
