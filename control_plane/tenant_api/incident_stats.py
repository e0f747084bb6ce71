"""/incidents/stats: how many, how bad, how soon somebody was on it, and how long until it was over."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType, field

from control_plane.errors import BadRequest, NotFound
from control_plane.store import incident_stats, monitor_reads
from control_plane.store.incident_stats import DayCount, NoisyMonitor, StatsRange, Tally
from control_plane.web.call import Call, Reply
from control_plane.web.query import Instant
from control_plane.web.routes import Door, Route
from control_plane.web.time_range import time_range

DEFAULT_RANGE = timedelta(days=30)
LONGEST_RANGE = timedelta(days=400)
"""As long as incidents are kept."""
NOISIEST = 10


class StatsQuery(Struct, frozen=True):
    """from and to bound when it opened: [from, to), at most 400 days; the last 30 days where they are absent."""

    from_: Instant | UnsetType = field(name="from", default=UNSET)
    to: Instant | UnsetType = UNSET
    monitor_id: UUID | None = None


class BySeverity(Struct, frozen=True):
    minor: int
    major: int
    critical: int


class ByState(Struct, frozen=True):
    triggered: int
    acknowledged: int
    resolved: int


class ByType(Struct, frozen=True):
    down: int
    degraded: int
    flapping: int


class ByOrigin(Struct, frozen=True):
    monitor: int
    person: int


class NoisyMonitorJson(Struct, frozen=True):
    """`open_seconds`: how long its incidents lasted, until now where they go on."""

    id: UUID
    number: int
    name: str
    incidents: int
    open_seconds: float


class IncidentDayJson(Struct, frozen=True):
    """A day of UTC."""

    day: date
    incidents: int


class IncidentStatsJson(Struct, frozen=True, kw_only=True):
    """Of the incidents opened in [from, to). Means are in seconds, and null where there is nothing to take one of.

    `mtta_seconds`: from the opening (or the last reopening) until it was acknowledged. `mttr_seconds`: from its start
    until it recovered or a person resolved it.
    """

    from_: datetime = field(name="from")
    to: datetime
    total: int
    open: int
    reopened: int
    by_severity: BySeverity
    by_state: ByState
    by_type: ByType
    by_origin: ByOrigin
    mtta_seconds: float | None
    mttr_seconds: float | None
    noisiest: list[NoisyMonitorJson]
    per_day: list[IncidentDayJson]


async def get_stats(call: Call) -> Reply:
    query, tenant_id, now = call.query, call.tenant().tenant_id, call.deps.now()
    start, end = time_range(query.from_, query.to, now=now, default=DEFAULT_RANGE)
    if end - start > LONGEST_RANGE:
        message = f"the range is at most {LONGEST_RANGE.days} days"
        raise BadRequest(message, code="BAD_TIME_RANGE", field="/from")
    chosen = StatsRange(start=start, end=end, monitor_id=query.monitor_id)
    async with call.deps.database.tenant(tenant_id) as conn:
        if query.monitor_id is not None and not await monitor_reads.monitor_exists(
            conn, tenant_id=tenant_id, monitor_id=query.monitor_id
        ):
            raise NotFound("There is no such monitor", code="MONITOR_NOT_FOUND")
        counts = await incident_stats.tally(conn, tenant_id=tenant_id, chosen=chosen)
        noisy = await incident_stats.noisiest(conn, tenant_id=tenant_id, chosen=chosen, limit=NOISIEST, now=now)
        days = await incident_stats.per_day(conn, tenant_id=tenant_id, chosen=chosen)
    return Reply(_stats_json(chosen, counts, noisy, list(days)))


def _stats_json(
    chosen: StatsRange, counts: Tally, noisy: list[NoisyMonitor], days: list[DayCount]
) -> IncidentStatsJson:
    return IncidentStatsJson(
        from_=chosen.start,
        to=chosen.end,
        total=counts.total,
        open=counts.open,
        reopened=counts.reopened,
        by_severity=BySeverity(counts.minor, counts.major, counts.critical),
        by_state=ByState(counts.triggered, counts.acknowledged, counts.resolved),
        by_type=ByType(counts.down, counts.degraded, counts.flapping),
        by_origin=ByOrigin(counts.automatic, counts.declared),
        mtta_seconds=_rounded(counts.mtta_s),
        mttr_seconds=_rounded(counts.mttr_s),
        noisiest=[NoisyMonitorJson(m.id, m.number, m.name, m.incidents, round(m.open_s, 3)) for m in noisy],
        per_day=[IncidentDayJson(day.day, day.incidents) for day in days],
    )


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)


ROUTES = (
    Route(
        method="GET",
        path="/api/v1/incidents/stats",
        handler=get_stats,
        operation="get_incident_stats",
        summary="Count incidents: MTTA, MTTR, the noisiest monitors, each day",
        tag="incidents",
        door=Door.TENANT,
        scope="incidents:read",
        query=StatsQuery,
        reply=IncidentStatsJson,
        errors=("BAD_TIME_RANGE", "MONITOR_NOT_FOUND"),
    ),
)
