"""Tell the public how an incident goes: a text and the phase that it is in."""

from __future__ import annotations

from uuid import UUID

from control_plane.domain.judging.incident_rules import Phase, after, phase_after_update
from control_plane.services.incidents.close_incident import tell
from control_plane.services.incidents.lock_incident import lock_incident
from control_plane.services.incidents.resolve_incident import tell_public
from control_plane.services.installation.identity import new_id
from control_plane.store import incidents_read, monitors
from control_plane.store.incident_changes import UpdateRow
from control_plane.store.pool import Database
from shared.clock import from_unix_ms
from shared.ids import TenantId


async def update_incident(
    database: Database, *, tenant_id: TenantId, incident_id: UUID, actor: str, text: str, phase: Phase | None
) -> UpdateRow:
    """Append the public update; None keeps the phase. The state stays as it is.

    Raises NotFound INCIDENT_NOT_FOUND, Conflict PHASE_NOT_ALLOWED.
    """
    async with database.tenant_transaction(tenant_id) as conn:
        incident = await lock_incident(conn, tenant_id=tenant_id, incident_id=incident_id)
        after("update", incident.state)
        then = phase_after_update(incident.phase, phase)
        now = from_unix_ms(await monitors.now_ms(conn))
        update = UpdateRow(new_id(), then, text, now, actor)
        await tell_public(conn, update, tenant_id=tenant_id, incident_id=incident_id)
        view = await incidents_read.get_incident(conn, tenant_id=tenant_id, incident_id=incident_id)
        assert view is not None
        reason = f"Public update by {actor}: {then}"
        await tell(conn, tenant_id=tenant_id, incident=view, event="incident.updated", reason=reason)
        return update
