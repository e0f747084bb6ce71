"""/operator/ui/incidents: what is wrong with the installation itself, open ones first."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from control_plane.dashboard.operator.door import HERE, OperatorVisit, form, page, show
from control_plane.dashboard.visit import see_other
from control_plane.dashboard.words import lasting, maybe_moment, moment, sentence
from control_plane.services.fleet.acknowledge_operator_incident import acknowledge_operator_incident
from control_plane.store import operator_incidents
from control_plane.store.operator_incidents import Filter, OperatorIncident
from control_plane.web.routes import Route

_PATH = f"{HERE}/incidents"
_A_PAGE = 50
_STATES = ("open", "resolved")


async def show_incidents(visit: OperatorVisit) -> web.StreamResponse:
    state, offset = visit.query("state"), visit.offset()
    where = Filter(state=state if state in _STATES else None)
    async with visit.deps.database.app() as conn:
        found, total = await operator_incidents.list_all(conn, where=where, limit=_A_PAGE, offset=offset)
    context = {
        "incidents": [_view(visit, each) for each in found],
        "state": where.state or "",
        "older": offset + _A_PAGE if offset + _A_PAGE < total else 0,
    }
    return show(visit, "operator_incidents.html", context)


async def acknowledge(visit: OperatorVisit) -> web.StreamResponse:
    await acknowledge_operator_incident(visit.deps.database, incident_id=visit.id("incident_id"))
    return see_other(_PATH)


def _view(visit: OperatorVisit, incident: OperatorIncident) -> dict[str, Any]:
    now = visit.deps.now()
    marks = {"critical": "down", "major": "down", "minor": "degraded"}
    ended = incident.resolved_at
    return {
        "id": incident.id,
        "number": incident.number,
        "title": incident.kind.replace("_", " ").capitalize(),
        "about": ", ".join(part for part in (incident.agent_name, incident.region_name or incident.region) if part),
        "reason": sentence(incident.reason),
        "state": incident.state,
        "mark": "up" if ended else marks.get(incident.severity, "degraded"),
        "severity": incident.severity,
        "opened": moment(incident.opened_at, now),
        "acknowledged": maybe_moment(incident.acknowledged_at, now),
        "lasted": "" if ended is None else lasting((ended - incident.opened_at).total_seconds()),
        "resolution": incident.resolution or "",
    }


ROUTES: tuple[Route, ...] = (
    page(_PATH, show_incidents, operation="show_operator_incidents", summary="The operator's incidents"),
    form(
        f"{_PATH}/{{incident_id}}/acknowledge",
        acknowledge,
        operation="acknowledge_from_operator_page",
        summary="Say that somebody is on it",
    ),
)
