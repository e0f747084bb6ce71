"""/api/v1/dashboard: what an overview shows at a glance, and small charts for a list of monitors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct
from msgspec.structs import asdict

from control_plane.errors import BadRequest
from control_plane.services.uptime.read_sparklines import Sparkline, read_sparklines
from control_plane.services.uptime.read_summary import (
    SLOW_MS,
    LastDay,
    SlowMonitor,
    Standing,
    read_last_day,
    read_standing,
)
from control_plane.store.incidents_read import IncidentView
from control_plane.web.call import Call, Reply
from control_plane.web.routes import Door, Route

MAX_IDS = 100
_STANDING_S, _DAY_S = 5.0, 60.0
"""For how long one process answers alike, in seconds."""


class MonitorsJson(Struct, frozen=True):
    total: int
    enabled: int
    paused: int


class StateCountsJson(Struct, frozen=True):
    """Monitors by what they are shown as."""

    down: int = 0
    degraded: int = 0
    unknown: int = 0
    up: int = 0
    maintenance: int = 0
    paused: int = 0


class TimeJson(Struct, frozen=True):
    """Whole seconds of all monitors together."""

    up: int
    degraded: int
    down: int
    maintenance: int
    paused: int
    unknown: int


class LastDayJson(Struct, frozen=True, kw_only=True):
    """The last 24 hours, to the minute. `uptime_pct` of all monitors' time, rounded down; null while none is known."""

    uptime_pct: float | None
    seconds: TimeJson
    incidents: int | None


class RecentIncidentJson(Struct, frozen=True, kw_only=True):
    """An incident, shortly."""

    id: UUID
    number: int
    monitor_id: UUID | None
    name: str | None
    type: str
    severity: str
    state: str
    cause: str
    started_at: datetime
    resolved_at: datetime | None


class DashboardSummaryJson(Struct, frozen=True, kw_only=True):
    """What is wrong first. `slowest` is by the mean of the last `slowest_window_secs` that were rolled up, in ms.
    What is of incidents is null for a key without incidents:read.
    """

    monitors: MonitorsJson
    states: StateCountsJson
    open_incidents: int | None
    recent_incidents: Sequence[RecentIncidentJson] | None
    slowest: Sequence[SlowMonitor]
    slowest_window_secs: int
    last_24h: LastDayJson


class SparklinesQuery(Struct, frozen=True):
    """`ids` are 1 to 100 ids of monitors, separated by commas."""

    ids: Annotated[str, Meta(min_length=36, max_length=MAX_IDS * 37)]


class SparklinesJson(Struct, frozen=True):
    """Of those that the tenant has, in the order of the ids."""

    bucket_seconds: int
    items: Sequence[Sparkline]


async def summary(call: Call) -> Reply:
    caller, deps = call.tenant(), call.deps
    tenant_id = caller.tenant_id
    standing = await deps.recently.get(("standing", tenant_id), partial(_standing, call), keep_s=_STANDING_S)
    day = await deps.recently.get(("last day", tenant_id), partial(_last_day, call), keep_s=_DAY_S)
    return Reply(_summary(standing, day, with_incidents="incidents:read" in caller.scopes))


async def _standing(call: Call) -> Standing:
    tenant_id = call.tenant().tenant_id
    async with call.deps.database.tenant(tenant_id) as conn:
        return await read_standing(conn, tenant_id=tenant_id, now=call.deps.now())


async def _last_day(call: Call) -> LastDay:
    tenant_id = call.tenant().tenant_id
    async with call.deps.database.tenant(tenant_id) as conn:
        return await read_last_day(conn, tenant_id=tenant_id, now=call.deps.now())


def _summary(standing: Standing, day: LastDay, *, with_incidents: bool) -> DashboardSummaryJson:
    shown: Mapping[str, int] = standing.shown
    total, paused = sum(shown.values()), shown.get("paused", 0)
    seconds = {name: ms // 1000 for name, ms in asdict(day.durations).items()}
    return DashboardSummaryJson(
        monitors=MonitorsJson(total, total - paused, paused),
        states=StateCountsJson(**shown),
        open_incidents=standing.incidents.open if with_incidents else None,
        recent_incidents=[_incident(view) for view in standing.recent] if with_incidents else None,
        slowest=day.slowest,
        slowest_window_secs=SLOW_MS // 1000,
        last_24h=LastDayJson(
            uptime_pct=day.uptime_pct,
            seconds=TimeJson(**seconds),
            incidents=standing.incidents.opened if with_incidents else None,
        ),
    )


def _incident(view: IncidentView) -> RecentIncidentJson:
    named: dict[str, Any] = {
        name: getattr(view, name) for name in RecentIncidentJson.__struct_fields__ if name != "name"
    }
    return RecentIncidentJson(**named, name=view.title or view.monitor_name)


async def sparklines(call: Call) -> Reply:
    tenant_id, ids = call.tenant().tenant_id, _ids(call.query.ids)
    async with call.deps.database.tenant(tenant_id) as conn:
        items = await read_sparklines(
            conn, ids, tenant_id=tenant_id, now=call.deps.now(), kept=call.deps.settings.retention
        )
    return Reply(SparklinesJson(3600, items))


def _ids(text: str) -> list[UUID]:
    """Each id once, in order. Raises BadRequest INVALID_IDS."""
    try:
        found = list(dict.fromkeys(UUID(each.strip()) for each in text.split(",")))
    except ValueError:
        found = []
    if not 1 <= len(found) <= MAX_IDS:
        raise BadRequest(f"ids takes 1 to {MAX_IDS} UUIDs, separated by commas", code="INVALID_IDS", field="/ids")
    return found


_route = partial(Route, method="GET", door=Door.TENANT, tag="dashboard", scope="monitors:read")

ROUTES: tuple[Route, ...] = (
    _route(
        path="/api/v1/dashboard/summary",
        handler=summary,
        operation="get_dashboard_summary",
        summary="How everything is: counts by state, incidents, the slowest, uptime of the last day",
        description="Worked out at most every 5 seconds for a tenant, the figures of the day every minute.",
        reply=DashboardSummaryJson,
        cache="private, max-age=5",
    ),
    _route(
        path="/api/v1/dashboard/sparklines",
        handler=sparklines,
        operation="get_dashboard_sparklines",
        summary="The last 24 hours of up to 100 monitors, hour by hour: outcome and median latency",
        query=SparklinesQuery,
        reply=SparklinesJson,
        errors=("INVALID_IDS", "MISSING_PARAMETER"),
    ),
)
