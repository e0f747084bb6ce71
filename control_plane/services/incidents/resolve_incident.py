"""Resolve an incident: a person says that it is over, whatever the verdict is."""

from __future__ import annotations

from uuid import UUID

from control_plane.domain.judging.incident_rules import after, hushes
from control_plane.services.incidents.lock_incident import lock_incident
from control_plane.services.incidents.tell_incident import News, publish, told
from control_plane.services.installation.identity import new_id
from control_plane.store import decisions, incident_changes, incidents_read, monitors
from control_plane.store.incident_changes import UpdateRow
from control_plane.store.incidents_read import IncidentView
from control_plane.store.pool import Connection, Database
from shared.clock import from_unix_ms
from shared.ids import TenantId


async def resolve_incident(
    database: Database,
    *,
    tenant_id: TenantId,
    incident_id: UUID,
    actor: str,
    note: str | None = None,
    public_text: str | None = None,
) -> None:
    """End it, and tell those who were told of it. `public_text` is the public update that goes with the end.

    While the monitor is still down, none opens until up was proven. Raises NotFound INCIDENT_NOT_FOUND, Conflict
    INCIDENT_RESOLVED.
    """
    async with database.tenant_transaction(tenant_id) as conn:
        incident = await lock_incident(conn, tenant_id=tenant_id, incident_id=incident_id)
        after("resolve", incident.state)
        await _hush(conn, tenant_id, incident)
        now = from_unix_ms(await monitors.now_ms(conn))
        targets = await told(conn, tenant_id=tenant_id, incident_id=incident_id)
        numbers = await decisions.take_numbers(
            conn, tenant_id=tenant_id, events=1, incidents=0, deliveries=len(targets)
        )
        await incident_changes.resolve(conn, tenant_id=tenant_id, incident_id=incident_id, at=now, by=actor)
        line: decisions.Row = (
            tenant_id, incident_id, new_id(), "resolved", now, actor, note, {"resolution": "person"},
        )  # fmt: skip
        await decisions.append_incident_events(conn, [line])
        if public_text is not None:
            update = UpdateRow(new_id(), "resolved", public_text, now, actor)
            await tell_public(conn, update, tenant_id=tenant_id, incident_id=incident_id)
        resolved = await incidents_read.get_incident(conn, tenant_id=tenant_id, incident_id=incident_id)
        assert resolved is not None
        news = News(event="incident.resolved", notice="resolved", reason=f"Resolved by {actor}")
        await publish(conn, resolved, news, tenant_id=tenant_id, targets=targets, numbers=numbers, now=now)


async def _hush(conn: Connection, tenant_id: UUID, incident: IncidentView) -> None:
    """Under the state row's lock, so that no judgement opens the next one in between."""
    if incident.origin != "monitor" or incident.monitor_id is None:
        return
    standing = await incident_changes.standing(conn, tenant_id=tenant_id, monitor_id=incident.monitor_id)
    if standing is not None and hushes(type_=incident.type, verdict=standing.verdict):
        await incident_changes.hush(conn, tenant_id=tenant_id, monitor_id=incident.monitor_id, hushed=True)


async def tell_public(conn: Connection, update: UpdateRow, *, tenant_id: UUID, incident_id: UUID) -> None:
    """Add the public update, and the line of it in the timeline, under one id."""
    await incident_changes.add_update(conn, update, tenant_id=tenant_id, incident_id=incident_id)
    line: decisions.Row = (
        tenant_id, incident_id, update.id, "public_update", update.at, update.actor, update.text,
        {"phase": update.phase},
    )  # fmt: skip
    await decisions.append_incident_events(conn, [line])
