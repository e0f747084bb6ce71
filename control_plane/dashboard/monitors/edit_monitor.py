"""/app/monitors/{id}/edit: the same form, filled in with what the monitor is. Secrets stay unless they are replaced."""

from __future__ import annotations

from aiohttp import web
from msgspec import structs

from control_plane.dashboard.monitors.add_monitor import large_form
from control_plane.dashboard.monitors.form_offers import read_whole_offer
from control_plane.dashboard.monitors.form_reading import Raw
from control_plane.dashboard.monitors.form_test import TestView, run_test
from control_plane.dashboard.monitors.monitor_form import MonitorForm, of_view, patch_of, usual, with_problems
from control_plane.dashboard.rendering import html
from control_plane.dashboard.visit import Visit, page, see_other, show
from control_plane.errors import BadRequest, Conflict, FarwatchError, Forbidden, NotFound, PreconditionFailed, Refused
from control_plane.services.monitors.change_monitor import change_monitor
from control_plane.store import monitor_reads
from control_plane.store.monitor_reads import MonitorView
from control_plane.web.routes import Route
from shared.ids import MonitorId

PATH = "/app/monitors/{monitor_id}/edit"

_REFUSALS = (BadRequest, Forbidden, Refused, Conflict, PreconditionFailed)
_MEANWHILE = (
    "Somebody else has changed this monitor since you opened the form. What you entered is below: save again to put it "
    "in place of theirs, or leave the page to keep theirs"
)
_OF_A_FILE = {
    "file": "a configuration file that is applied",
    "terraform": "Terraform",
}


async def view_of(visit: Visit) -> MonitorView:
    """The monitor of the path. Raises NotFound MONITOR_NOT_FOUND."""
    monitor_id = visit.id("monitor_id")
    async with visit.deps.database.tenant(visit.tenant_id) as conn:
        view = await monitor_reads.get_monitor(conn, tenant_id=visit.tenant_id, monitor_id=monitor_id)
    if view is None:
        raise NotFound("There is no such monitor. It may have been deleted", code="MONITOR_NOT_FOUND")
    return view


async def show_edit(visit: Visit) -> web.StreamResponse:
    view = await view_of(visit)
    return _shown(visit, view, await _form(visit, view))


async def change(visit: Visit) -> web.StreamResponse:
    view = await view_of(visit)
    try:
        await change_monitor(
            visit.deps.database,
            visit.deps.sealer,
            tenant_id=visit.tenant_id,
            monitor_id=MonitorId(view.id),
            body=patch_of(view, visit.form),
            write_source=visit.caller.write_source,
            ports=visit.deps.settings.security.tcp_ports,
            accepted=_revision(visit),
        )
    except _REFUSALS as error:
        return await _again(visit, view, error)
    return see_other(f"/app/monitors/{view.id}?said=changed")


async def test(visit: Visit) -> web.StreamResponse:
    """Run the changed check once; what is kept of its secrets is sent along."""
    view = await view_of(visit)
    entered = await _form(visit, view, raw=visit.form)
    patch = patch_of(view, visit.form)
    try:
        tested = await run_test(visit, patch, entered, monitor_id=MonitorId(view.id))
    except _REFUSALS as error:
        return await _again(visit, view, error)
    if visit.query("fragment") == "1":
        return html("test_result.html", {"tested": tested})
    return _shown(visit, view, entered, tested=tested)


def _revision(visit: Visit) -> frozenset[int] | None:
    """The one that the form was filled in with."""
    sent = visit.text("revision")
    return frozenset({int(sent)}) if sent.isascii() and sent.isdigit() and len(sent) < 16 else None


async def _form(visit: Visit, view: MonitorView, *, raw: Raw | None = None) -> MonitorForm:
    """Of the monitor as it is, or as the form was sent."""
    chosen = [*(str(each) for each in view.depends_on), *_members(view)]
    offer = await read_whole_offer(visit, chosen=chosen, itself=view.id)
    action = f"/app/monitors/{view.id}/edit"
    revision = view.revision if raw is None else next(iter(_revision(visit) or ()), view.revision)
    return MonitorForm(
        kind=view.kind,
        action=action,
        test_action=f"{action}/test",
        submit="Save",
        raw=of_view(view, offer) if raw is None else raw,
        usual=usual(view.kind, offer),
        offer=offer,
        revision=revision,
    )


def _members(view: MonitorView) -> list[str]:
    of = view.check.get("of") or {}
    return [str(each) for each in of.get("monitors") or ()]


async def _again(visit: Visit, view: MonitorView, error: FarwatchError) -> web.StreamResponse:
    entered = await _form(visit, view, raw=visit.form)
    if isinstance(error, PreconditionFailed):
        shown = structs.replace(entered, problem=f"{_MEANWHILE}.", revision=view.revision)
    else:
        shown = with_problems(entered, error)
    return _shown(visit, view, shown, status=error.status)


def _shown(
    visit: Visit, view: MonitorView, form: MonitorForm, *, tested: TestView | None = None, status: int = 200
) -> web.StreamResponse:
    context = {
        "form": form,
        "tested": tested,
        "monitor_id": view.id,
        "name": view.name,
        "paused": not view.enabled,
        "written_by": _OF_A_FILE.get(view.write_source, ""),
    }
    return show(visit, "edit_monitor.html", context, status=status)


ROUTES: tuple[Route, ...] = (
    page(
        PATH,
        show_edit,
        operation="show_edit_form",
        summary="The form that changes a monitor",
        scope="monitors:write",
    ),
    large_form(PATH, change, operation="edit_monitor", summary="Change a monitor"),
    large_form(f"{PATH}/test", test, operation="test_edited_monitor", summary="Test a change before it is saved"),
)
