"""What is asked before a monitor is cloned, paused or deleted: what that means, and what goes with it."""

from __future__ import annotations

from aiohttp import web

from control_plane.dashboard.monitors.edit_monitor import view_of
from control_plane.dashboard.visit import Visit, form, page, see_other, show
from control_plane.errors import BadRequest, Conflict, FarwatchError, Forbidden, Refused
from control_plane.services.monitors.clone_monitor import NAME_LIMIT, clone_monitor
from control_plane.store import dependencies
from control_plane.store.monitor_reads import MonitorView
from control_plane.web import rate_limits
from control_plane.web.routes import Route
from shared.ids import MonitorId

PATH = "/app/monitors/{monitor_id}"

_NAMED = 10
_COPY = " (copy)"


async def ask_to_clone(visit: Visit) -> web.StreamResponse:
    view = await view_of(visit)
    return _clone_page(visit, view, f"{view.name[: NAME_LIMIT - len(_COPY)]}{_COPY}")


async def clone(visit: Visit) -> web.StreamResponse:
    """The copy begins paused where that is asked for; off to its form, where one changes what should differ."""
    view, copy_id = await view_of(visit), MonitorId(visit.deps.new_id())
    rate_limits.count(visit.call.request, visit.deps.limits, visit.caller, "creates")
    try:
        await clone_monitor(
            visit.deps.database,
            visit.deps.sealer,
            tenant_id=visit.tenant_id,
            source_id=MonitorId(view.id),
            monitor_id=copy_id,
            body={"name": visit.text("name"), "enabled": visit.text("paused") != "on"},
            write_source=visit.caller.write_source,
            ports=visit.deps.settings.security.tcp_ports,
        )
    except (BadRequest, Forbidden, Refused, Conflict) as error:
        return _clone_page(visit, view, visit.text("name"), error)
    return see_other(f"/app/monitors/{copy_id}/edit")


def _clone_page(visit: Visit, view: MonitorView, name: str, error: FarwatchError | None = None) -> web.StreamResponse:
    of_name = error is not None and error.field == "/name"
    context = {
        "monitor_id": view.id,
        "source": view.name,
        "name": name,
        "paused": visit.text("paused") == "on",
        "name_problem": error.message if error is not None and of_name else "",
        "problem": error.message if error is not None and not of_name else "",
    }
    return show(visit, "clone_monitor.html", context, status=200 if error is None else error.status)


async def ask_to_pause(visit: Visit) -> web.StreamResponse:
    view = await view_of(visit)
    context = {"monitor_id": view.id, "name": view.name, "dependents": await _dependents(visit, view)}
    return show(visit, "pause_monitor.html", context)


async def ask_to_delete(visit: Visit) -> web.StreamResponse:
    view = await view_of(visit)
    context = {
        "monitor_id": view.id,
        "name": view.name,
        "kind": view.kind,
        "paused": not view.enabled,
        "dependents": await _dependents(visit, view),
    }
    return show(visit, "delete_monitor.html", context)


async def _dependents(visit: Visit, view: MonitorView) -> list[str]:
    """The names of the monitors that depend on this one, the first of them."""
    async with visit.deps.database.tenant(visit.tenant_id) as conn:
        edges = await dependencies.edges_above(conn, tenant_id=visit.tenant_id, monitor_ids=[view.id])
        ids = edges.get(view.id, [])[:_NAMED]
        names = await dependencies.monitor_names(conn, tenant_id=visit.tenant_id, monitor_ids=ids)
    return sorted(names.values(), key=str.casefold)


ROUTES: tuple[Route, ...] = (
    page(
        f"{PATH}/clone",
        ask_to_clone,
        operation="show_clone_form",
        summary="What a copy of the monitor is to be called",
        scope="monitors:write",
    ),
    form(f"{PATH}/clone", clone, operation="ask_clone", summary="Clone the monitor", scope="monitors:write"),
    page(
        f"{PATH}/pause",
        ask_to_pause,
        operation="show_pause_form",
        summary="Whether to pause the monitor",
        scope="monitors:write",
    ),
    page(
        f"{PATH}/delete",
        ask_to_delete,
        operation="show_delete_form",
        summary="Whether to delete the monitor",
        scope="monitors:write",
    ),
)
