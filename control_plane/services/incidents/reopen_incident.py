"""Reopen an incident: it was not over after all. Only a person does."""

from __future__ import annotations

from uuid import UUID

from msgspec import structs

from control_plane.domain.judging.incident_rules import after, held_open
from control_plane.errors import Conflict
from control_plane.services.incidents.lock_incident import lock_incident
from control_plane.services.incidents.tell_incident import News, listeners, publish
from control_plane.services.installation.identity import new_id
from control_plane.store import decisions, incident_changes, incidents_read, monitors
from control_plane.store.incidents_read import IncidentView
from control_plane.store.pool import Connection, Database
from shared.clock import from_unix_ms
from shared.ids import TenantId


async def reopen_incident(
    database: Database, *, tenant_id: TenantId, incident_id: UUID, actor: str, note: str | None = None
) -> None:
    """Open it again under its number, and tell the channels of its monitors as of an opening.

    An automatic one whose monitor is not down stays open until a person resolves it, or until down was proven again and
    then up. Raises NotFound INCIDENT_NOT_FOUND, Conflict INCIDENT_OPEN, OTHER_INCIDENT_OPEN, MONITOR_GONE,
    MONITOR_PAUSED.
    """
    async with database.tenant_transaction(tenant_id) as conn:
        incident = await lock_incident(conn, tenant_id=tenant_id, incident_id=incident_id)
        after("reopen", incident.state)
        held = await _stand_against(conn, tenant_id, incident) if incident.origin == "monitor" else False
        now = from_unix_ms(await monitors.now_ms(conn))
        about = await incident_changes.monitors_of(conn, tenant_id=tenant_id, incident_id=incident_id)
        bound = await listeners(
            conn, tenant_id=tenant_id, monitor_ids=[each.id for each in about], severity=incident.severity
        )
        targets = [structs.replace(target, ordinal=incident.reopened + 1) for target in bound]
        numbers = await decisions.take_numbers(
            conn, tenant_id=tenant_id, events=1, incidents=0, deliveries=len(targets)
        )
        await incident_changes.reopen(conn, tenant_id=tenant_id, incident_id=incident_id, at=now, held_open=held)
        line: decisions.Row = (tenant_id, incident_id, new_id(), "reopened", now, actor, note, {"held_open": held})
        await decisions.append_incident_events(conn, [line])
        view = await incidents_read.get_incident(conn, tenant_id=tenant_id, incident_id=incident_id)
        assert view is not None
        news = News(event="incident.opened", notice="opened", reason=f"Reopened by {actor}")
        await publish(conn, view, news, tenant_id=tenant_id, targets=targets, numbers=numbers, now=now)


async def _stand_against(conn: Connection, tenant_id: UUID, incident: IncidentView) -> bool:
    """Whether the automatic incident must be held open against its verdict; refuses where it cannot be open.

    Under the state row's lock: no judgement opens another meanwhile.
    """
    monitor_id = incident.monitor_id
    standing = None
    if monitor_id is not None:
        standing = await incident_changes.standing(conn, tenant_id=tenant_id, monitor_id=monitor_id)
    if monitor_id is None or standing is None:
        raise Conflict("Its monitor is deleted. Declare a new incident instead", code="MONITOR_GONE")
    other = await incidents_read.open_incident_of(conn, tenant_id=tenant_id, monitor_id=monitor_id)
    if other is not None:
        raise Conflict(
            "Another incident of this monitor is open: go on with that one",
            code="OTHER_INCIDENT_OPEN",
            details={"incident_id": str(other)},
        )
    if not standing.enabled:
        raise Conflict("Its monitor is paused. Resume it first", code="MONITOR_PAUSED")
    held = held_open(type_=incident.type, verdict=standing.verdict)
    if not held:
        # It takes back the resolution that had hushed the monitor.
        await incident_changes.hush(conn, tenant_id=tenant_id, monitor_id=monitor_id, hushed=False)
    return held
