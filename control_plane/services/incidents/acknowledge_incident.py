"""Acknowledge an incident: somebody is on it, so reminders and escalation stop."""

from __future__ import annotations

from uuid import UUID

from control_plane.domain.judging.incident_rules import after
from control_plane.services.incidents.close_incident import tell
from control_plane.services.incidents.lock_incident import lock_incident
from control_plane.services.installation.identity import new_id
from control_plane.store import decisions, incidents_read, monitors
from control_plane.store.pool import Database
from shared.clock import from_unix_ms
from shared.ids import TenantId


async def acknowledge_incident(
    database: Database, *, tenant_id: TenantId, incident_id: UUID, actor: str, note: str | None
) -> None:
    """Mark as acknowledged by `actor`, and leave the note. Acknowledging again leaves the note, and nothing else.

    Raises NotFound INCIDENT_NOT_FOUND, Conflict INCIDENT_RESOLVED.
    """
    async with database.tenant_transaction(tenant_id) as conn:
        incident = await lock_incident(conn, tenant_id=tenant_id, incident_id=incident_id)
        after("acknowledge", incident.state)
        if incident.state == "acknowledged" and note is None:
            return
        now = from_unix_ms(await monitors.now_ms(conn))
        first = incident.state == "triggered"
        if first:
            await incidents_read.acknowledge(conn, tenant_id=tenant_id, incident_id=incident_id, at=now, by=actor)
        kind = "acknowledged" if first else "note"
        await decisions.append_incident_events(conn, [(tenant_id, incident_id, new_id(), kind, now, actor, note, {})])
        changed = await incidents_read.get_incident(conn, tenant_id=tenant_id, incident_id=incident_id)
        assert changed is not None
        event, words = ("incident.acknowledged", "Acknowledged by") if first else ("incident.updated", "Note by")
        await tell(conn, tenant_id=tenant_id, incident=changed, event=event, reason=f"{words} {actor}")
