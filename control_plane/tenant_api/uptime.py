"""/monitors/{id}/uptime and /uptime/daily: time by state, and results by region."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import UNSET, Meta, Struct, UnsetType, field
from msgspec.structs import asdict

from control_plane.domain.checks.cron import read_zone
from control_plane.errors import NotFound
from control_plane.services.uptime import read_availability
from control_plane.services.uptime.read_availability import Availability, Horizon, Outcomes
from control_plane.store import uptime_reads
from control_plane.store.pool import Connection
from control_plane.store.uptime_reads import UptimeMonitor
from control_plane.tenant_api.one_monitor import PATH, READS
from control_plane.web.call import Call, Reply
from control_plane.web.query import Instant
from control_plane.web.routes import Door, Route
from control_plane.web.time_range import time_range

DEFAULT_RANGE = timedelta(hours=24)
DAYS_CAP = 400


class SecondsJson(Struct, frozen=True):
    """Whole seconds of each state; together the time from `from` to `to`."""

    up: int
    degraded: int
    down: int
    maintenance: int
    paused: int
    unknown: int


class ResultsJson(Struct, frozen=True):
    """Results of all regions by outcome."""

    total: int
    up: int
    degraded: int
    down: int
    error: int


class RegionResultsJson(Struct, frozen=True):
    """One region's results; `good_pct` is the share of up and degraded among those that judged, rounded down."""

    region: str
    good_pct: float | None
    results: ResultsJson


class UptimeJson(Struct, frozen=True, kw_only=True):
    """Uptime over the part of the range that has happened since the monitor was created, as far back as is kept.

    `uptime_pct` = (up + degraded) / (up + degraded + down), rounded down to three decimals; null while nothing of it is
    known. It is time between changes of verdict; `results` and `regions` are counts and apart from it.
    """

    from_: datetime = field(name="from")
    to: datetime
    uptime_pct: float | None
    seconds: SecondsJson
    results: ResultsJson
    regions: list[RegionResultsJson]


class UptimeQuery(Struct, frozen=True):
    """The range [from, to); by default the last 24 hours. `region` counts the results of that region only."""

    from_: Instant | UnsetType = field(name="from", default=UNSET)
    to: Instant | UnsetType = UNSET
    region: Annotated[str, Meta(max_length=40)] | None = None


class DayJson(Struct, frozen=True):
    """A calendar day of the zone. `uptime_pct` null: nothing of it is known."""

    date: date
    uptime_pct: float | None
    seconds: SecondsJson


class DailyJson(Struct, frozen=True):
    """Days of the zone, oldest first. The last one is today, so far."""

    tz: str
    days: list[DayJson]


class DailyQuery(Struct, frozen=True):
    """The last `days` calendar days of the zone `tz`, today included."""

    tz: Annotated[str, Meta(description="IANA time zone, such as Europe/Berlin")] = "UTC"
    days: Annotated[int, Meta(ge=1, le=DAYS_CAP)] = 90


async def uptime(call: Call) -> Reply:
    query: UptimeQuery = call.query
    start, end = time_range(query.from_, query.to, now=call.deps.now(), default=DEFAULT_RANGE)
    caller, wanted = call.tenant(), horizon(call)
    async with call.deps.database.tenant(caller.tenant_id) as conn:
        monitor = await uptime_monitor(conn, call)
        found = await read_availability.read_uptimes(
            conn, [monitor], tenant_id=caller.tenant_id, start=start, end=end, horizon=wanted
        )
        regions = await read_availability.count_results(
            conn,
            tenant_id=caller.tenant_id,
            monitor_id=monitor.id,
            start=start,
            end=end,
            now=wanted.now,
            kept=call.deps.settings.retention,
            region=query.region,
        )
    return Reply(_uptime_json(found[monitor.id], regions))


async def daily(call: Call) -> Reply:
    query: DailyQuery = call.query
    zone = ZoneInfo(read_zone(query.tz, "/tz"))
    tenant_id, wanted = call.tenant().tenant_id, horizon(call)
    today = wanted.now.astimezone(zone).date()
    async with call.deps.database.tenant(tenant_id) as conn:
        monitor = await uptime_monitor(conn, call)
        days = await read_availability.read_days(
            conn, monitor, tenant_id=tenant_id, zone=zone, last=today, days=query.days, horizon=wanted
        )
    return Reply(
        DailyJson(
            query.tz,
            [DayJson(each.day, each.availability.uptime_pct, seconds_json(each.availability)) for each in days],
        )
    )


async def uptime_monitor(conn: Connection, call: Call) -> UptimeMonitor:
    """The caller's monitor of the path. Raises NotFound MONITOR_NOT_FOUND."""
    monitor_id: UUID = call.uuid("monitor_id")
    found = await uptime_reads.uptime_monitors(conn, tenant_id=call.tenant().tenant_id, monitor_ids=[monitor_id])
    if not found:
        raise NotFound("There is no such monitor", code="MONITOR_NOT_FOUND")
    return found[0]


def horizon(call: Call) -> Horizon:
    """Now, and how far back uptime is kept."""
    return Horizon(call.deps.now(), timedelta(days=call.deps.settings.retention.transitions_days))


def seconds_json(of: Availability) -> SecondsJson:
    return SecondsJson(**asdict(of.seconds))


def _uptime_json(found: Availability, regions: Mapping[str, Outcomes]) -> UptimeJson:
    return UptimeJson(
        from_=found.start,
        to=found.end,
        uptime_pct=found.uptime_pct,
        seconds=seconds_json(found),
        results=ResultsJson(**asdict(read_availability.total_of(regions.values()))),
        regions=[RegionResultsJson(name, each.good_pct, ResultsJson(**asdict(each))) for name, each in regions.items()],
    )


ROUTES = (
    Route(
        method="GET",
        path=f"{PATH}/uptime",
        handler=uptime,
        operation="get_monitor_uptime",
        summary="Time by state over a range, and results by region",
        tag="uptime",
        door=Door.TENANT,
        scope="monitors:read",
        query=UptimeQuery,
        reply=UptimeJson,
        errors=(*READS, "BAD_TIME_RANGE", "INVALID_REGION"),
    ),
    Route(
        method="GET",
        path=f"{PATH}/uptime/daily",
        handler=daily,
        operation="list_monitor_days",
        summary="Uptime of each calendar day of a time zone",
        tag="uptime",
        door=Door.TENANT,
        scope="monitors:read",
        query=DailyQuery,
        reply=DailyJson,
        errors=(*READS, "INVALID_TIMEZONE", "INVALID_DAYS"),
    ),
)
