"""/operator/incidents: what is wrong with the installation itself."""

from __future__ import annotations

from functools import partial
from typing import Literal

from control_plane.errors import NotFound
from control_plane.services.fleet.acknowledge_operator_incident import acknowledge_operator_incident
from control_plane.store import operator_incidents
from control_plane.store.operator_incidents import Filter, OperatorIncident
from control_plane.web.call import Call, Reply
from control_plane.web.paging import Page, PageQuery, capped, page_reply
from control_plane.web.routes import Door, Route


class IncidentQuery(PageQuery, frozen=True):
    """`state` open is triggered or acknowledged."""

    state: Literal["open", "triggered", "acknowledged", "resolved"] | None = None
    kind: str | None = None


async def list_incidents(call: Call) -> Reply:
    query: IncidentQuery = call.query
    async with call.deps.database.app() as conn:
        items, total = await operator_incidents.list_all(
            conn,
            where=Filter(state=query.state, kind=query.kind),
            limit=capped(query.limit),
            offset=query.offset,
        )
    return page_reply(call, items, total=total)


async def get(call: Call) -> Reply:
    async with call.deps.database.app() as conn:
        incident = await operator_incidents.get(conn, incident_id=call.uuid("incident_id"))
    if incident is None:
        raise NotFound("There is no such incident", code="INCIDENT_NOT_FOUND")
    return Reply(incident)


async def acknowledge(call: Call) -> Reply:
    return Reply(await acknowledge_operator_incident(call.deps.database, incident_id=call.uuid("incident_id")))


_route = partial(Route, door=Door.OPERATOR, tag="Operator's incidents")
_INCIDENT = "/operator/incidents/{incident_id}"

ROUTES: tuple[Route, ...] = (
    _route(
        method="GET",
        path="/operator/incidents",
        handler=list_incidents,
        operation="list_operator_incidents",
        summary="List the operator's incidents, open ones first",
        query=IncidentQuery,
        reply=Page[OperatorIncident],
    ),
    _route(
        method="GET",
        path=_INCIDENT,
        handler=get,
        operation="get_operator_incident",
        summary="Read one of the operator's incidents",
        reply=OperatorIncident,
        errors=("INCIDENT_NOT_FOUND",),
    ),
    _route(
        method="POST",
        path=_INCIDENT + "/acknowledge",
        handler=acknowledge,
        operation="acknowledge_operator_incident",
        summary="Say that somebody is on it",
        reply=OperatorIncident,
        errors=("INCIDENT_NOT_FOUND", "INCIDENT_RESOLVED"),
    ),
)
