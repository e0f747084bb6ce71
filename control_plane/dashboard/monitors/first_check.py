"""The first steps: the first check of a new monitor as it comes in, somebody to be told, and what to do next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, cast

from aiohttp import web
from msgspec import Struct

from control_plane.dashboard.monitors.edit_monitor import view_of
from control_plane.dashboard.monitors.form_test import PhaseLine, phase_lines
from control_plane.dashboard.monitors.heartbeat_part import heartbeat_part
from control_plane.dashboard.monitors.monitor_views import ResultLine, monitor_row, result_lines
from control_plane.dashboard.visit import Visit, page, show
from control_plane.domain.checks.regionless import kind_is_regionless
from control_plane.services.alerting.preview_routes import Question, preview_routes
from control_plane.store import assignments_write, channels, results_read
from control_plane.store.monitor_reads import MonitorView
from control_plane.store.results_read import ResultFilter, ResultRow
from control_plane.web.quiet_hours_view import Severity
from control_plane.web.routes import Route
from shared.clock import to_unix_ms

_RESULTS = 50
_AHEAD = timedelta(minutes=5)
_MOST_CHANNELS = 5


class FirstCheck(Struct, frozen=True):
    """What one region has seen of it; without a result it is awaited."""

    region: str
    result: ResultLine | None
    phases: tuple[PhaseLine, ...] = ()


class Told(Struct, frozen=True):
    """A channel, and whether this monitor's incidents are told there."""

    name: str
    kind: str
    is_told: bool


async def first_steps(visit: Visit) -> web.StreamResponse:
    view, now = await view_of(visit), visit.deps.now()
    told, listed = await _channels(visit, view)
    checks = await _checks(visit, view)
    beat = await heartbeat_part(visit, view)
    regionless = kind_is_regionless(view.kind)
    context = {
        "monitor": monitor_row(view, [], now=now),
        "checks": checks,
        "regionless": regionless,
        "beat": beat,
        "seen": _is_seen(view, checks, pinged=beat is not None and beat.last is not None),
        "no_agent": bool(view.enabled and view.regions and not await _has_agent(visit, view)),
        "channels": told,
        "any_told": listed > 0,
        "sees_channels": visit.may("channels:read"),
    }
    return show(visit, "first_check.html", context)


def _is_seen(view: MonitorView, checks: Sequence[FirstCheck], *, pinged: bool) -> bool:
    """Whether the first step is done: a region has reported, a ping has come, or members decide."""
    if not kind_is_regionless(view.kind):
        return any(each.result is not None for each in checks)
    return pinged or view.kind == "composite"


async def _checks(visit: Visit, view: MonitorView) -> list[FirstCheck]:
    """The newest result of each region, in the order of the monitor's regions."""
    now = visit.deps.now()
    wanted = ResultFilter(start_ms=view.first_slot - 60_000, end_ms=to_unix_ms(now + _AHEAD))
    async with visit.deps.database.tenant(visit.tenant_id) as conn:
        rows = await results_read.list_results(
            conn, tenant_id=visit.tenant_id, monitor_id=view.id, wanted=wanted, limit=_RESULTS
        )
    newest: dict[str, ResultRow] = {}
    for row in rows:
        newest.setdefault(row.region, row)
    lines = dict(zip(newest, result_lines(list(newest.values()), {}, now=now), strict=True))
    return [
        FirstCheck(region.slug, lines.get(region.slug), _phases(newest.get(region.slug), view.kind))
        for region in view.regions
    ]


def _phases(row: ResultRow | None, kind: str) -> tuple[PhaseLine, ...]:
    if row is None:
        return ()
    timings: Mapping[str, Any] = {
        name: None if value is None else value / 1000
        for name, value in (
            ("dns", row.dns_us),
            ("connect", row.connect_us),
            ("tls", row.tls_us),
            ("ttfb", row.ttfb_us),
            ("download", row.download_us),
        )
    }
    return phase_lines(timings, kind)


async def _channels(visit: Visit, view: MonitorView) -> tuple[list[Told], int]:
    """The first of the tenant's channels, and how many of all are told of this monitor."""
    question = Question(monitor_id=view.id, severity=cast("Severity", view.severity))
    async with visit.deps.database.tenant(visit.tenant_id) as conn:
        told = {each.channel_id for each in await preview_routes(conn, question, tenant_id=visit.tenant_id)}
        rows = []
        if visit.may("channels:read"):
            rows = await channels.channels(conn, tenant_id=visit.tenant_id, limit=_MOST_CHANNELS, offset=0)
    return [Told(row.name, row.kind, row.id in told) for row in rows], len(told)


async def _has_agent(visit: Visit, view: MonitorView) -> bool:
    async with visit.deps.database.app() as conn:
        return bool(await assignments_write.live_agents(conn, region_ids=[region.id for region in view.regions]))


async def started(visit: Visit) -> web.StreamResponse:
    """What to do next."""
    return show(visit, "started.html", {"may_invite": visit.may("members:write")})


ROUTES: tuple[Route, ...] = (
    page(
        "/app/monitors/{monitor_id}/first",
        first_steps,
        operation="show_first_check",
        summary="The first check of a new monitor, as it comes in",
        scope="monitors:read",
    ),
    page("/app/started", started, operation="show_started", summary="What to do next", scope="monitors:read"),
)
