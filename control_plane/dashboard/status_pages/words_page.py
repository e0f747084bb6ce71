"""/app/status-pages/{id}/incidents: what the public reads of incidents and maintenance, and where to change it."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from control_plane.dashboard.status_pages.frame import PAGE, opened, shown
from control_plane.dashboard.visit import Visit, page
from control_plane.dashboard.words import count, maybe_moment, moment
from control_plane.domain.pages.public_page import PublicIncident
from control_plane.services.pages.read_page_words import read_page_words
from control_plane.web.routes import Route

_PHASES = {
    "investigating": "Investigating",
    "identified": "Identified",
    "monitoring": "Monitoring",
    "resolved": "Resolved",
    "postmortem": "Looked back on",
}


async def show_words(visit: Visit) -> web.StreamResponse:
    found, now = await opened(visit), visit.deps.now()
    told = await read_page_words(visit.deps.database, tenant_id=visit.tenant_id, page_id=found.row.id, now=now)
    context = {
        "incidents": [_incident(visit, each) for each in told.incidents],
        "windows": [
            {
                "href": f"/app/maintenance/{each.id}",
                "title": each.title,
                "about": ", ".join(each.components),
                "active": each.active,
                "begins": moment(each.starts_at, now),
                "ends": moment(each.ends_at, now),
            }
            for each in told.maintenance
        ],
        "days": found.row.history_days,
        "may_narrate": visit.may("incidents:write"),
        "may_plan": visit.may("maintenance:write"),
    }
    return shown(visit, found, "status_page_words.html", context)


def _incident(visit: Visit, incident: PublicIncident) -> dict[str, Any]:
    now = visit.deps.now()
    updates = incident.updates
    return {
        "href": f"/app/incidents/{incident.id}",
        "title": incident.title,
        "description": incident.description,
        "about": ", ".join(incident.components),
        "phase": _PHASES.get(incident.phase, incident.phase.capitalize()),
        "is_open": incident.resolved_at is None,
        "started": moment(incident.started_at, now),
        "ended": maybe_moment(incident.resolved_at, now),
        "told": count(len(updates), "update") if updates else "",
        "last": updates[-1].text if updates else "",
    }


ROUTES: tuple[Route, ...] = (
    page(
        f"{PAGE}/incidents",
        show_words,
        operation="show_status_page_words",
        summary="What the public reads of incidents",
        scope="status-pages:read",
    ),
)
