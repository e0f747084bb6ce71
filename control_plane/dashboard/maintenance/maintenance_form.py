"""/app/maintenance/new and /app/maintenance/{id}: plan a window, see its next times before saving, change it."""

from __future__ import annotations

from functools import partial
from itertools import islice
from typing import Any
from uuid import UUID

from aiohttp import web

from control_plane.dashboard.fields import told, zone_of, zones
from control_plane.dashboard.maintenance.maintenance_form_fields import NAMES, Typed, body_of, groups_of, typed_of
from control_plane.dashboard.maintenance.maintenance_page import HERE, ONE
from control_plane.dashboard.maintenance.maintenance_views import span_words
from control_plane.dashboard.monitor_choice import chosen_monitors, monitors_field, offered
from control_plane.dashboard.visit import Visit, form, page, see_other, show
from control_plane.domain.maintenance.maintenance import Occurrence, occurrences
from control_plane.domain.maintenance.maintenance_rules import WindowConfig, read_window, refuse_never
from control_plane.errors import BadRequest, Conflict, FarwatchError, NotFound, Refused
from control_plane.services.maintenance.change_maintenance import change_maintenance
from control_plane.services.maintenance.create_maintenance import create_maintenance
from control_plane.services.maintenance.maintenance_rows import config_of
from control_plane.store import maintenance
from control_plane.store.maintenance import WindowRow
from control_plane.web.routes import Route

NEXT = 5
"""Times that are shown before saving."""


async def show_new(visit: Visit) -> web.StreamResponse:
    return await _form(visit, None)


async def show_edit(visit: Visit) -> web.StreamResponse:
    return await _form(visit, await _stored(visit))


async def take_new(visit: Visit) -> web.StreamResponse:
    try:
        body = await _body(visit, None)
        if visit.text("do") == "preview":
            return await _form(visit, None, times=_times(visit, body, None))
        await create_maintenance(
            visit.deps.database,
            tenant_id=visit.tenant_id,
            window_id=visit.deps.new_id(),
            terms=visit.caller.terms,
            body=body,
            write_source=visit.caller.write_source,
        )
    except (BadRequest, Conflict, Refused) as error:
        return await _form(visit, None, error)
    return see_other(f"{HERE}?said=created")


async def take_edit(visit: Visit) -> web.StreamResponse:
    row = await _stored(visit)
    try:
        body = await _body(visit, config_of(row))
        if visit.text("do") == "preview":
            return await _form(visit, row, times=_times(visit, body, config_of(row)))
        await change_maintenance(
            visit.deps.database,
            tenant_id=visit.tenant_id,
            window_id=row.id,
            body=body,
            write_source=visit.caller.write_source,
            check_revision=lambda _revision: None,
        )
    except (BadRequest, Conflict, Refused) as error:
        return await _form(visit, row, error)
    return see_other(f"{HERE}?said=changed")


async def _body(visit: Visit, stored: WindowConfig | None) -> dict[str, Any]:
    async with visit.deps.database.tenant(visit.tenant_id) as conn:
        chosen = await chosen_monitors(conn, visit, at="/monitors")
    return body_of(_typed(visit), monitor_ids=[str(each) for each in chosen], stored=stored)


def _times(visit: Visit, body: dict[str, Any], stored: WindowConfig | None) -> list[str]:
    """The next times that the window would hold. Raises BadRequest naming bad fields, and where it never would."""
    now = visit.deps.now()
    schedule = read_window(body, stored=stored, now=now).schedule
    found: list[Occurrence] = list(islice(occurrences(schedule, after=now), NEXT)) or refuse_never(schedule)
    return [span_words(one, zone_of(schedule.timezone)) for one in found]


def _typed(visit: Visit) -> Typed:
    return Typed(**{name: visit.text(name).replace("\x00", "") for name in NAMES})


async def _stored(visit: Visit) -> WindowRow:
    async with visit.deps.database.tenant(visit.tenant_id) as conn:
        row = await maintenance.window(conn, tenant_id=visit.tenant_id, window_id=visit.id("window_id"))
    if row is None:
        raise NotFound("There is no such maintenance window", code="MAINTENANCE_NOT_FOUND")
    return row


async def _form(
    visit: Visit, row: WindowRow | None, error: FarwatchError | None = None, *, times: list[str] | None = None
) -> web.StreamResponse:
    posted = visit.call.request.method == "POST"
    typed = _typed(visit) if posted else typed_of(config_of(row)) if row else Typed()
    chosen = _ticked(visit) if posted else row.monitors if row else []
    async with visit.deps.database.tenant(visit.tenant_id) as conn:
        offer = await offered(conn, visit, chosen=chosen)
    about = monitors_field(visit, offer, chosen=chosen, at="/monitors")
    groups, problem = told(groups_of(typed, about), error)
    if row is not None and not posted:
        times = _planned(visit, row)
    context = {
        "here": f"{HERE}/{row.id}" if row else f"{HERE}/new",
        "window": row,
        "groups": groups,
        "problem": problem,
        "times": times or [],
        "zones": zones(),
    }
    return show(visit, "maintenance_form.html", context, status=200 if error is None else error.status)


def _planned(visit: Visit, row: WindowRow) -> list[str]:
    """The next times of a window that there is; none of one that is over."""
    schedule = config_of(row).schedule
    if row.state == "ended":
        return []
    found = islice(occurrences(schedule, after=visit.deps.now()), NEXT)
    return [span_words(one, zone_of(schedule.timezone)) for one in found]


def _ticked(visit: Visit) -> list[UUID]:
    found = []
    for each in visit.form.get("monitors", ()):
        try:
            found.append(UUID(each))
        except ValueError:
            continue
    return found


_writes = partial(form, scope="maintenance:write")
_pages = partial(page, scope="maintenance:write")

ROUTES: tuple[Route, ...] = (
    _pages(f"{HERE}/new", show_new, operation="show_maintenance_form", summary="Plan a window"),
    _writes(f"{HERE}/new", take_new, operation="add_maintenance", summary="Preview or plan a window"),
    _pages(ONE, show_edit, operation="show_maintenance_edit", summary="A window"),
    _writes(ONE, take_edit, operation="edit_maintenance", summary="Preview or change a window"),
)
