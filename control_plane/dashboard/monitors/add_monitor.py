"""/app/monitors/new: paste anything, then the form of what it was read as, by the same service and rules as the API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from aiohttp import web
from msgspec import structs

from control_plane.dashboard.monitors.form_fields import KINDS
from control_plane.dashboard.monitors.form_offers import read_whole_offer
from control_plane.dashboard.monitors.form_reading import Raw
from control_plane.dashboard.monitors.form_test import run_test
from control_plane.dashboard.monitors.monitor_form import (
    MonitorForm,
    body_of,
    kind_of_form,
    of_inferred,
    usual,
    with_problems,
)
from control_plane.dashboard.rendering import html
from control_plane.dashboard.visit import Page, Visit, form, page, see_other, show
from control_plane.domain.pasted.infer_check import infer_check
from control_plane.domain.pasted.inferred import Inferred, NotInferredError
from control_plane.errors import BadRequest, Conflict, FarwatchError, Forbidden, Refused
from control_plane.services.monitors.create_monitor import create_monitor
from control_plane.store import monitors
from control_plane.web import rate_limits
from control_plane.web.routes import Route
from shared.ids import MonitorId

BODY_LIMIT = 256 * 1024
"""Bytes of a form: the same as the API takes, a request's body of 64 KiB in it."""


async def choose(visit: Visit) -> web.StreamResponse:
    """The field to paste into; with ?kind=… the form of that kind."""
    kind = visit.query("kind")
    return await _shown(visit, await new_form(visit, kind)) if kind in KINDS else _paste_page(visit)


async def read_paste(visit: Visit) -> web.StreamResponse:
    """The form, filled in with what the pasted text says."""
    pasted = "".join(visit.form.get("paste", ()))
    try:
        found = infer_check(pasted, wanted=visit.text("as") or None)
    except NotInferredError as error:
        return _paste_page(visit, pasted=pasted, problem=f"{error}.")
    filled = await _filled(visit, found)
    others = [(kind, *KINDS[kind]) for kind in found.others]
    return await _shown(visit, filled, {"pasted": pasted, "others": others})


async def add(visit: Visit) -> web.StreamResponse:
    monitor_id = MonitorId(visit.deps.new_id())
    try:
        kind = kind_of_form(visit.form)
    except BadRequest as error:
        return _paste_page(visit, problem=f"{error.message}.")
    rate_limits.count(visit.call.request, visit.deps.limits, visit.caller, "creates")
    try:
        await create_monitor(
            visit.deps.database,
            visit.deps.sealer,
            tenant_id=visit.tenant_id,
            monitor_id=monitor_id,
            body=body_of(kind, visit.form),
            write_source=visit.caller.write_source,
            ports=visit.deps.settings.security.tcp_ports,
        )
    except (BadRequest, Forbidden, Refused, Conflict) as error:
        return await _again(visit, kind, error)
    if await _is_first(visit):
        return see_other(f"/app/monitors/{monitor_id}/first")
    return see_other(f"/app/monitors/{monitor_id}?said=created")


async def test(visit: Visit) -> web.StreamResponse:
    """Run the check of the form once, and show what was seen: alone with ?fragment=1, else below the form."""
    kind = kind_of_form(visit.form)
    entered = await new_form(visit, kind, raw=visit.form)
    try:
        tested = await run_test(visit, body_of(kind, visit.form), entered)
    except (BadRequest, Forbidden, Refused, Conflict) as error:
        return await _shown(visit, with_problems(entered, error), status=error.status)
    if visit.query("fragment") == "1":
        return html("test_result.html", {"tested": tested})
    return await _shown(visit, entered, {"tested": tested})


async def _is_first(visit: Visit) -> bool:
    async with visit.deps.database.tenant(visit.tenant_id) as conn:
        return await monitors.count_monitors(conn, tenant_id=visit.tenant_id) == 1


async def _again(visit: Visit, kind: str, error: FarwatchError) -> web.StreamResponse:
    entered = await new_form(visit, kind, raw=visit.form)
    return await _shown(visit, with_problems(entered, error), status=error.status)


async def new_form(visit: Visit, kind: str, *, raw: Raw | None = None) -> MonitorForm:
    """The form of a new monitor: as usual, or as it was sent."""
    chosen = [] if raw is None else [*raw.get("depends-on", ()), *raw.get("check-of", ())]
    offer = await read_whole_offer(visit, chosen=chosen)
    plain = usual(kind, offer)
    return MonitorForm(
        kind=kind,
        action="/app/monitors",
        test_action="/app/monitors/new/test",
        submit="Add monitor",
        raw=plain if raw is None else raw,
        usual=plain,
        offer=offer,
    )


async def _filled(visit: Visit, found: Inferred) -> MonitorForm:
    blank = await new_form(visit, found.kind)
    return structs.replace(blank, raw=of_inferred(found, blank.offer), notes=found.notes)


async def _shown(
    visit: Visit, filled: MonitorForm, more: Mapping[str, Any] | None = None, *, status: int = 200
) -> web.StreamResponse:
    context = {"form": filled, "pasted": "", "others": (), "tested": None, **(more or {})}
    return show(visit, "new_monitor.html", context, status=status)


def _paste_page(visit: Visit, *, pasted: str = "", problem: str = "") -> web.StreamResponse:
    kinds = [(kind, *words) for kind, words in KINDS.items()]
    context = {"kinds": kinds, "pasted": pasted, "problem": problem}
    return show(visit, "add_monitor.html", context, status=400 if problem else 200)


def large_form(path: str, take: Page, **more: Any) -> Route:
    """A form that may carry the body of a request."""
    return replace(form(path, take, scope="monitors:write", **more), max_body=BODY_LIMIT)


ROUTES: tuple[Route, ...] = (
    page(
        "/app/monitors/new",
        choose,
        operation="show_monitor_form",
        summary="The form that adds a monitor",
        scope="monitors:write",
    ),
    large_form("/app/monitors/new", read_paste, operation="read_paste", summary="Read what was pasted as a monitor"),
    large_form("/app/monitors/new/test", test, operation="test_new_monitor", summary="Test a check before it is saved"),
    large_form("/app/monitors", add, operation="add_monitor", summary="Add a monitor"),
)
