"""/app/routes/new and /app/routes/{id}: the form of a route, and who would hear of what it is about."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID

import msgspec
from aiohttp import web

from control_plane.dashboard.alerting.match_fields import (
    channels_field,
    chosen_channels,
    match_fields,
    match_of_form,
    typed_match,
)
from control_plane.dashboard.alerting.route_hearing import Heard, hearing, severity_of
from control_plane.dashboard.fields import Field, Group, options, told
from control_plane.dashboard.monitor_choice import offered
from control_plane.dashboard.visit import Visit, form, page, see_other, show
from control_plane.domain.alerting.notice_match import Match
from control_plane.domain.monitors.binding_rules import OTHER_EVENTS
from control_plane.errors import BadRequest, Conflict, FarwatchError, NotFound, Refused
from control_plane.services.alerting.change_route import change_route, delete_route
from control_plane.services.alerting.create_route import create_route
from control_plane.services.alerting.preview_routes import Question
from control_plane.services.alerting.route_rows import match_of
from control_plane.store import configuration, routes
from control_plane.store.pool import Connection
from control_plane.store.routes import RouteRow
from control_plane.web.routes import Route

HERE = "/app/routes"
ONE = HERE + "/{route_id}"
_INCIDENTS = "incidents"


async def show_new(visit: Visit) -> web.StreamResponse:
    return await _form(visit, None)


async def show_edit(visit: Visit) -> web.StreamResponse:
    return await _form(visit, await _stored(visit))


async def take_new(visit: Visit) -> web.StreamResponse:
    if visit.text("do") == "preview":
        return await _form(visit, None)
    try:
        await create_route(
            visit.deps.database,
            tenant_id=visit.tenant_id,
            route_id=visit.deps.new_id(),
            terms=visit.caller.terms,
            body=await _body(visit),
            write_source=visit.caller.write_source,
        )
    except (BadRequest, Conflict, Refused) as error:
        return await _form(visit, None, error)
    return see_other(f"{HERE}?said=created")


async def take_edit(visit: Visit) -> web.StreamResponse:
    row = await _stored(visit)
    if visit.text("do") == "preview":
        return await _form(visit, row)
    try:
        await change_route(
            visit.deps.database,
            tenant_id=visit.tenant_id,
            route_id=row.id,
            body=await _body(visit),
            write_source=visit.caller.write_source,
            check_revision=lambda _revision: None,
        )
    except (BadRequest, Conflict, Refused) as error:
        return await _form(visit, row, error)
    return see_other(f"{HERE}?said=changed")


async def remove(visit: Visit) -> web.StreamResponse:
    await delete_route(
        visit.deps.database,
        tenant_id=visit.tenant_id,
        route_id=visit.id("route_id"),
        check_revision=lambda _revision: None,
    )
    return see_other(f"{HERE}?said=deleted")


async def _body(visit: Visit) -> dict[str, Any]:
    async with visit.deps.database.tenant(visit.tenant_id) as conn:
        match = await match_of_form(conn, visit)
    events = [name for each in visit.form.get("events", ()) for name in _events(each)]
    return {
        "name": visit.text("name"),
        "enabled": visit.text("enabled") == "yes",
        "match": match,
        "channel_ids": [str(each) for each in chosen_channels(visit)],
        "events": None if events == list(_events(_INCIDENTS)) or not events else events,
    }


def _events(ticked: str) -> tuple[str, ...]:
    return ("incident.opened", "incident.updated", "incident.resolved") if ticked == _INCIDENTS else (ticked,)


async def _stored(visit: Visit) -> RouteRow:
    async with visit.deps.database.tenant(visit.tenant_id) as conn:
        row = await routes.route(conn, tenant_id=visit.tenant_id, route_id=visit.id("route_id"))
    if row is None:
        raise NotFound("There is no such route", code="ROUTE_NOT_FOUND")
    return row


async def _form(visit: Visit, row: RouteRow | None, error: FarwatchError | None = None) -> web.StreamResponse:
    posted = visit.call.request.method == "POST"
    match = typed_match(visit) if posted else match_of(row) if row else Match()
    chosen = chosen_channels(visit) if posted else row.channel_ids if row else []
    async with visit.deps.database.tenant(visit.tenant_id) as conn:
        offer = await offered(conn, visit, chosen=match.monitor_ids)
        channels = await configuration.all_channels(conn, tenant_id=visit.tenant_id)
        heard = [] if error is not None or not posted else await _heard_with(conn, visit)
    about = match_fields(visit, match, offer)
    whom = channels_field(
        channels,
        chosen,
        at="/channel_ids",
        label="Channels",
        hint="They are told, each once." if channels else "There is no channel yet: add one first.",
    )
    groups = [
        Group((_name(visit, row, posted=posted), whom)),
        Group(about[:2]),
        Group(about[2:], title="Groups, kinds, monitors"),
        _what(visit, row, posted=posted),
        Group((_enabled(visit, row, posted=posted),)),
    ]
    shown, problem = told(groups, error)
    context = {
        "here": f"{HERE}/{row.id}" if row else f"{HERE}/new",
        "route": row,
        "groups": shown,
        "problem": problem,
        "previewed": posted and error is None,
        "draft": [each for each in channels if each.id in chosen and each.enabled],
        "heard": [each for each in heard if each.id not in chosen],
    }
    return show(visit, "route_form.html", context, status=200 if error is None else error.status)


async def _heard_with(conn: Connection, visit: Visit) -> list[Heard]:
    """Who hears anyway of an incident that this route is about."""
    try:
        match = await match_of_form(conn, visit)
        severities, groups, kinds = (match[name] for name in ("severities", "groups", "kinds"))
        question = Question(
            severity=severity_of(severities[0] if severities else "major"),
            tags=match["tags"],
            group=groups[0] if groups else None,
            kind=kinds[0] if kinds else None,
            monitor_id=UUID(match["monitor_ids"][0]) if match["monitor_ids"] else None,
        )
        return await hearing(conn, visit, question)
    except (BadRequest, msgspec.ValidationError):
        return []


def _name(visit: Visit, row: RouteRow | None, *, posted: bool) -> Field:
    value = visit.text("name") if posted else row.name if row else ""
    extra = {"maxlength": "100", "autocomplete": "off", "placeholder": "Critical to the pager"}
    return Field(name="name", label="Name", at="/name", value=value, required=True, extra=extra)


def _enabled(visit: Visit, row: RouteRow | None, *, posted: bool) -> Field:
    on = visit.text("enabled") == "yes" if posted else row is None or row.enabled
    return Field(name="enabled", label="In force", at="/enabled", type="tick", value="yes" if on else "")


def _what(visit: Visit, row: RouteRow | None, *, posted: bool) -> Group:
    """What it brings: incidents, unless other events are ticked."""
    ticked = set(visit.form.get("events", ())) if posted else set(row.events or ()) if row else set()
    if ticked & set(_events(_INCIDENTS)):
        ticked.add(_INCIDENTS)
    words = {_INCIDENTS: "Incidents: opened, changed, resolved", **{each: each for each in OTHER_EVENTS}}
    field = Field(
        name="events",
        label="Events",
        at="/events",
        type="checks",
        options=options(words, ticked),
        hint="None ticked is incidents alone.",
    )
    return Group((field,), title="Other events")


_writes = partial(form, scope="routes:write")

ROUTES: tuple[Route, ...] = (
    page(f"{HERE}/new", show_new, operation="show_route_form", summary="The form of a route", scope="routes:write"),
    _writes(f"{HERE}/new", take_new, operation="add_route", summary="Preview or add a route"),
    page(ONE, show_edit, operation="show_route_edit", summary="A route", scope="routes:write"),
    _writes(ONE, take_edit, operation="edit_route", summary="Preview or change a route"),
    _writes(f"{ONE}/delete", remove, operation="ask_route_delete", summary="Delete the route"),
)
