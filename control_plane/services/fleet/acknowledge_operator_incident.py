"""The operator is on it."""

from __future__ import annotations

from uuid import UUID

from control_plane.errors import Conflict, NotFound
from control_plane.store import operator_incidents
from control_plane.store.operator_incidents import OperatorIncident
from control_plane.store.pool import Database


async def acknowledge_operator_incident(database: Database, *, incident_id: UUID) -> OperatorIncident:
    """The incident as it is now. Raises NotFound INCIDENT_NOT_FOUND, Conflict INCIDENT_RESOLVED."""
    async with database.app_transaction() as conn:
        acknowledged = await operator_incidents.acknowledge(conn, incident_id=incident_id)
        incident = await operator_incidents.get(conn, incident_id=incident_id)
    if incident is None:
        raise NotFound("There is no such incident", code="INCIDENT_NOT_FOUND")
    if not acknowledged:
        raise Conflict("The incident is resolved: there is nothing to acknowledge", code="INCIDENT_RESOLVED")
    return incident
