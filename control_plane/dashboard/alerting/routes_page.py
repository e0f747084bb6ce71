"""/app/routes: which notices go to which channels, whatever monitors are bound to, and who would hear of what."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from aiohttp import web
from msgspec import Struct

from control_plane.dashboard.alerting.match_fields import (
    match_words,
)
from control_plane.dashboard.alerting.route_hearing import Heard, hearing, severity_of
from control_plane.dashboard.fields import Field, lines, options
from control_plane.dashboard.visit import Visit, page, show
from control_plane.domain.alerting.notice_match import SEVERITIES
from control_plane.services.alerting.preview_routes import Question
from control_plane.services.alerting.route_rows import match_of
from control_plane.store import configuration, monitor_names, routes
from control_plane.store.pool import Connection
from control_plane.store.routes import RouteRow
from control_plane.web.routes import Route

HERE = "/app/routes"
_MOST = 200
_SAID = {"created": "The route was added.", "changed": "The route was changed.", "deleted": "The route was deleted."}


class RouteLine(Struct, frozen=True, kw_only=True):
    """A route in a list."""

    id: UUID
    name: str
    about: str
    events: str
    channels: Sequence[tuple[UUID, str]]
    enabled: bool


async def show_routes(visit: Visit) -> web.StreamResponse:
    """The list, and an answer to the question that the address asks."""
    tenant_id = visit.tenant_id
    async with visit.deps.database.tenant(tenant_id) as conn:
        rows = await routes.routes(conn, tenant_id=tenant_id, limit=_MOST)
        channels = await configuration.all_channels(conn, tenant_id=tenant_id)
        names = await _monitor_names(conn, visit, rows)
        heard, problem = await _answer(conn, visit)
    by_id = {each.id: each.name for each in channels}
    context = {
        "routes": [_line(row, by_id, names) for row in rows],
        "no_channel": not channels,
        "may_write": visit.may("routes:write"),
        "said": _SAID.get(visit.query("said"), ""),
        "asked": _question(visit),
        "asking": "ask" in visit.call.request.query,
        "heard": heard,
        "problem": problem,
    }
    return show(visit, "routes.html", context)


def _line(row: RouteRow, channels: dict[UUID, str], names: dict[UUID, str]) -> RouteLine:
    return RouteLine(
        id=row.id,
        name=row.name,
        about=match_words(match_of(row), names),
        events="" if row.events is None else ", ".join(row.events),
        channels=[(each, channels.get(each, "A channel that is gone")) for each in row.channel_ids],
        enabled=row.enabled,
    )


async def _monitor_names(conn: Connection, visit: Visit, rows: Sequence[RouteRow]) -> dict[UUID, str]:
    ids = [each for row in rows for each in row.monitor_ids]
    if not ids:
        return {}
    found = await monitor_names.find(conn, tenant_id=visit.tenant_id, named=[], numbers=[], ids=ids)
    return {each.id: each.name for each in found}


def _question(visit: Visit) -> list[Field]:
    """The question in the address, as fields."""
    severity = visit.query("severity") or "major"
    word = {"autocomplete": "off"}
    shown = options({each: each.capitalize() for each in SEVERITIES}, {severity})
    return [
        Field(name="severity", label="An incident that is", at="", type="select", options=shown),
        Field(name="monitor", label="of the monitor", at="/monitor_id", value=visit.query("monitor"), extra=word),
        Field(name="tags", label="or of one tagged", at="", value=visit.query("tags"), extra=word),
    ]


async def _answer(conn: Connection, visit: Visit) -> tuple[list[Heard], str]:
    if "ask" not in visit.call.request.query:
        return [], ""
    severity = visit.query("severity")
    named, monitor_id = visit.query("monitor").replace("\x00", ""), None
    if named:
        number = int(named[1:]) if named[:1] == "#" and named[1:].isascii() and named[1:12].isdecimal() else 0
        found = await monitor_names.find(
            conn, tenant_id=visit.tenant_id, named=[named], numbers=[number % (1 << 62)], ids=[]
        )
        if not found:
            return [], f"There is no monitor “{named}”: write its name, or # and its number."
        monitor_id = found[0].id
    question = Question(severity=severity_of(severity), tags=lines(visit.query("tags")), monitor_id=monitor_id)
    return await hearing(conn, visit, question), ""


ROUTES: tuple[Route, ...] = (page(HERE, show_routes, operation="show_routes", summary="Routes", scope="routes:read"),)
