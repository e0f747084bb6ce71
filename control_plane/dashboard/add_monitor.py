"""/app/monitors/new: the form that adds a monitor, by the same service and rules as the API."""

from __future__ import annotations

from aiohttp import web

from control_plane.dashboard.monitor_form import blank, body_of, entered, read_offer, with_problems
from control_plane.dashboard.visit import Visit, form, page, see_other, show
from control_plane.errors import BadRequest, Conflict, FarwatchError, Refused
from control_plane.services.monitors.create_monitor import create_monitor
from control_plane.web.routes import Route
from shared.ids import MonitorId


async def show_form(visit: Visit) -> web.StreamResponse:
    offer = await read_offer(visit)
    return show(visit, "add_monitor.html", {"offer": offer, "entered": blank(offer)})


async def add(visit: Visit) -> web.StreamResponse:
    filled = entered(visit)
    monitor_id = MonitorId(visit.deps.new_id())
    try:
        await create_monitor(
            visit.deps.database,
            visit.deps.sealer,
            tenant_id=visit.tenant_id,
            monitor_id=monitor_id,
            body=body_of(filled),
            write_source=visit.caller.write_source,
            ports=visit.deps.settings.security.tcp_ports,
        )
    except (BadRequest, Refused, Conflict) as error:
        return await _again(visit, error)
    return see_other(f"/app/monitors/{monitor_id}?said=created")


async def _again(visit: Visit, error: FarwatchError) -> web.StreamResponse:
    context = {"offer": await read_offer(visit), "entered": with_problems(entered(visit), error)}
    return show(visit, "add_monitor.html", context, status=error.status)


ROUTES: tuple[Route, ...] = (
    page(
        "/app/monitors/new",
        show_form,
        operation="show_monitor_form",
        summary="The form that adds a monitor",
        scope="monitors:write",
    ),
    form("/app/monitors", add, operation="add_monitor", summary="Add a monitor", scope="monitors:write"),
)
