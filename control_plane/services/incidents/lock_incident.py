"""Hold an incident that a person does something to, with its monitor's state: no judgement comes in between."""

from __future__ import annotations

from uuid import UUID

from control_plane.errors import NotFound
from control_plane.store import incidents_read
from control_plane.store.incidents_read import IncidentView
from control_plane.store.pool import Connection


async def lock_incident(conn: Connection, *, tenant_id: UUID, incident_id: UUID) -> IncidentView:
    """The incident, locked until commit. Raises NotFound INCIDENT_NOT_FOUND."""
    incident = await incidents_read.lock_incident(conn, tenant_id=tenant_id, incident_id=incident_id)
    if incident is None:
        raise NotFound("There is no such incident", code="INCIDENT_NOT_FOUND")
    return incident
