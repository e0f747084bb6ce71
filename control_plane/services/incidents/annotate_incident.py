"""Leave a note in an incident's timeline."""

from __future__ import annotations

from uuid import UUID

from control_plane.services.incidents.close_incident import tell
from control_plane.services.incidents.lock_incident import lock_incident
from control_plane.services.installation.identity import new_id
from control_plane.store import decisions, monitors
from control_plane.store.incidents_read import IncidentEventRow
from control_plane.store.pool import Database
from shared.clock import from_unix_ms
from shared.ids import TenantId


async def annotate_incident(
    database: Database, *, tenant_id: TenantId, incident_id: UUID, actor: str, text: str
) -> IncidentEventRow:
    """Append the note, on a resolved incident as well. Raises NotFound INCIDENT_NOT_FOUND."""
    async with database.tenant_transaction(tenant_id) as conn:
        incident = await lock_incident(conn, tenant_id=tenant_id, incident_id=incident_id)
        note = IncidentEventRow(new_id(), "note", from_unix_ms(await monitors.now_ms(conn)), actor, text, {})
        row: tuple[object, ...] = (tenant_id, incident_id, note.id, note.kind, note.at, actor, text, {})
        await decisions.append_incident_events(conn, [row])
        await tell(conn, tenant_id=tenant_id, incident=incident, event="incident.updated", reason=f"Note by {actor}")
        return note
