"""/app/monitors/{id}: one monitor, and what one can do with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, cast

from aiohttp import web

from control_plane.dashboard.charts.charts import STRIP_BARS, legend
from control_plane.dashboard.incidents.incident_views import incident_row
from control_plane.dashboard.monitors.heartbeat_part import heartbeat_part
from control_plane.dashboard.monitors.kind_facts import newest_reading, phase_words
from control_plane.dashboard.monitors.monitor_charts import monitor_charts
from control_plane.dashboard.monitors.monitor_facts import facts, told_line
from control_plane.dashboard.monitors.monitor_views import monitor_row, region_row, result_lines, unjudged
from control_plane.dashboard.monitors.overview import AHEAD, LOOKS_BACK
from control_plane.dashboard.monitors.share_page import seen_outside
from control_plane.dashboard.visit import Visit, form, page, see_other, show
from control_plane.domain.checks.regionless import kind_is_regionless
from control_plane.errors import Conflict, FarwatchError, NotFound, Refused, TooMany
from control_plane.services.alerting.preview_routes import Hearing, Question, preview_routes
from control_plane.services.monitors.check_now import order_check_now
from control_plane.services.monitors.delete_monitor import delete_monitor
from control_plane.services.monitors.drop_region import drop_region
from control_plane.services.monitors.find_incapable import find_incapable
from control_plane.services.monitors.pause_monitor import pause_monitor, resume_monitor
from control_plane.store import assignments_write, incidents_read, monitor_reads, overview_read, results_read
from control_plane.store.incidents_read import IncidentFilter, IncidentView
from control_plane.store.monitor_reads import MonitorView
from control_plane.store.results_read import ResultFilter, ResultRow
from control_plane.web.quiet_hours_view import Severity
from control_plane.web.routes import Route
from shared.clock import to_unix_ms
from shared.ids import MonitorId

PATH = "/app/monitors/{monitor_id}"

_RESULTS = 25
_INCIDENTS = 10
_SHADED = 100
"""The newest incidents, which the chart shades."""

SAID: Mapping[str, str] = {
    "created": "The monitor was added. Its first check is on its way.",
    "changed": "The monitor was changed.",
    "checking": "Every region was asked to check now. The results appear below.",
    "paused": "The monitor is paused.",
    "dropped": "The region was taken out of this monitor. The others decide afresh with their next checks.",
    "resumed": "The monitor was resumed. Older votes count no more; the next checks decide afresh.",
}


async def monitor(visit: Visit) -> web.StreamResponse:
    return await _shown(visit)


async def check_now(visit: Visit) -> web.StreamResponse:
    monitor_id = MonitorId(visit.id("monitor_id"))
    try:
        await order_check_now(visit.deps.database, tenant_id=visit.tenant_id, monitor_id=monitor_id, region=None)
    except (TooMany, Conflict) as error:
        return await _shown(visit, error)
    return _back(visit, "checking")


async def pause(visit: Visit) -> web.StreamResponse:
    await pause_monitor(visit.deps.database, visit.deps.sealer, **_whose(visit))
    return _back(visit, "paused")


async def resume(visit: Visit) -> web.StreamResponse:
    await resume_monitor(visit.deps.database, visit.deps.sealer, **_whose(visit))
    return _back(visit, "resumed")


async def drop(visit: Visit) -> web.StreamResponse:
    try:
        await drop_region(
            visit.deps.database,
            visit.deps.sealer,
            **_whose(visit),
            region=visit.call.path["region"],
            ports=visit.deps.settings.security.tcp_ports,
        )
    except Refused as error:
        return await _shown(visit, error)
    return _back(visit, "dropped")


async def delete(visit: Visit) -> web.StreamResponse:
    monitor_id = MonitorId(visit.id("monitor_id"))
    await delete_monitor(visit.deps.database, tenant_id=visit.tenant_id, monitor_id=monitor_id)
    return see_other("/app?said=deleted")


def _whose(visit: Visit) -> dict[str, Any]:
    return {
        "tenant_id": visit.tenant_id,
        "monitor_id": MonitorId(visit.id("monitor_id")),
        "write_source": visit.caller.write_source,
    }


def _back(visit: Visit, said: str) -> web.Response:
    return see_other(f"/app/monitors/{visit.id('monitor_id')}?said={said}")


async def _view(visit: Visit) -> MonitorView:
    monitor_id = visit.id("monitor_id")
    async with visit.deps.database.tenant(visit.tenant_id) as conn:
        view = await monitor_reads.get_monitor(conn, tenant_id=visit.tenant_id, monitor_id=monitor_id)
    if view is None:
        raise NotFound("There is no such monitor. It may have been deleted", code="MONITOR_NOT_FOUND")
    return view


async def _shown(visit: Visit, error: FarwatchError | None = None) -> web.StreamResponse:
    """The page; with what was refused, if something was."""
    view, now = await _view(visit), visit.deps.now()
    view = await find_incapable(visit.deps.database, view, tenant_id=visit.tenant_id)
    since, until = to_unix_ms(now - LOOKS_BACK), to_unix_ms(now + AHEAD)
    async with visit.deps.database.tenant(visit.tenant_id) as conn:
        recent = await overview_read.recent_results(
            conn, tenant_id=visit.tenant_id, monitor_ids=[view.id], start_ms=since, end_ms=until, limit=STRIP_BARS
        )
    looks_back = max(LOOKS_BACK, 2 * timedelta(seconds=view.interval_s))
    rows, agents = await _results(visit, view, to_unix_ms(now - looks_back), until)
    told, incidents = await _told(visit, view), await _incidents(visit, view)
    is_fragment = visit.query("fragment") == "1"
    results, blank = result_lines(rows, agents, now=now), unjudged(rows)
    context = {
        "monitor": monitor_row(view, recent.get(view.id, []), now=now),
        "votes": [
            region_row(region, view=view, now=now, unjudged=blank.get(region.slug, "")) for region in view.regions
        ],
        "results": results,
        "phase_words": phase_words(view.kind),
        "legend": legend((line.phases for line in results), phase_words(view.kind)),
        "reading": newest_reading(rows, now=now),
        "incidents": [incident_row(each, now=now) for each in incidents[:_INCIDENTS]],
        "charts": None if is_fragment else await monitor_charts(visit, view, incidents),
        "facts": facts(view, told=len(told), now=now),
        "told": [told_line(hearing) for hearing in told],
        "outside": {} if is_fragment else await seen_outside(visit, view),
        "regionless": kind_is_regionless(view.kind),
        "beat": await heartbeat_part(visit, view),
        "no_agent": view.enabled and view.regions and not await _has_agent(visit, view),
        "nobody_told": not told,
        "may_write": visit.may("monitors:write"),
        "said": SAID.get(visit.query("said"), ""),
        "problem": "" if error is None else error.message,
    }
    return show(visit, "monitor.html", context, status=200 if error is None else error.status)


async def _told(visit: Visit, view: MonitorView) -> list[Hearing]:
    """The channels that hear when it goes down: of bindings and of routes."""
    question = Question(monitor_id=view.id, severity=cast("Severity", view.severity))
    async with visit.deps.database.tenant(visit.tenant_id) as conn:
        return await preview_routes(conn, question, tenant_id=visit.tenant_id)


async def _results(
    visit: Visit, view: MonitorView, since: int, until: int
) -> tuple[Sequence[ResultRow], Mapping[int, str]]:
    """The last results, the newest first, and the names of their agents."""
    async with visit.deps.database.tenant(visit.tenant_id) as conn:
        wanted = ResultFilter(start_ms=since, end_ms=until)
        rows = await results_read.list_results(
            conn, tenant_id=visit.tenant_id, monitor_id=view.id, wanted=wanted, limit=_RESULTS
        )
    numbers = sorted({row.agent_number for row in rows})
    async with visit.deps.database.app() as conn:
        agents = await assignments_write.agent_names(conn, numbers=numbers)
    return rows, agents


async def _incidents(visit: Visit, view: MonitorView) -> list[IncidentView]:
    """The newest, open ones first."""
    if not visit.may("incidents:read"):
        return []
    async with visit.deps.database.tenant(visit.tenant_id) as conn:
        wanted = IncidentFilter(monitor_id=view.id)
        views, _ = await incidents_read.list_incidents(
            conn, tenant_id=visit.tenant_id, wanted=wanted, limit=_SHADED, offset=0
        )
    return views


async def _has_agent(visit: Visit, view: MonitorView) -> bool:
    async with visit.deps.database.app() as conn:
        return bool(await assignments_write.live_agents(conn, region_ids=[region.id for region in view.regions]))


ROUTES: tuple[Route, ...] = (
    page(PATH, monitor, operation="show_monitor", summary="One monitor", scope="monitors:read"),
    form(
        f"{PATH}/check-now",
        check_now,
        operation="ask_check_now",
        summary="Ask every region to check now",
        scope="monitors:write",
    ),
    form(f"{PATH}/pause", pause, operation="ask_pause", summary="Pause the monitor", scope="monitors:write"),
    form(f"{PATH}/resume", resume, operation="ask_resume", summary="Resume the monitor", scope="monitors:write"),
    form(
        f"{PATH}/regions/{{region}}/drop",
        drop,
        operation="ask_drop_region",
        summary="Take a region out of the monitor",
        scope="monitors:write",
    ),
    form(f"{PATH}/delete", delete, operation="ask_delete", summary="Delete the monitor", scope="monitors:write"),
)
