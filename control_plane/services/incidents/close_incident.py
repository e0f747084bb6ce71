"""Resolve a monitor's open incident because of what was done to the monitor: with that reason, and without notice."""

from __future__ import annotations

from uuid import UUID

import msgspec

from control_plane.domain.alerting import alerting
from control_plane.domain.alerting.alerting import IncidentFacts, MonitorFacts
from control_plane.services.installation.identity import new_id
from control_plane.store import decisions, incidents_read, monitors
from control_plane.store.incidents_read import IncidentView
from control_plane.store.pool import Connection
from shared.clock import from_unix_ms

_WORDS = {
    "paused": "Resolved because the monitor was paused",
    "deleted": "Resolved because the monitor was deleted",
    "no_regions": "Resolved because the monitor has no region left",
    "blocked": "Resolved because the operator's rules do not let the monitor be checked any more",
}


async def resolve_quietly(conn: Connection, *, tenant_id: UUID, monitor_id: UUID, resolution: str) -> None:
    """Resolve the open incident, if there is one: a line in its timeline and an event, no delivery.

    `resolution` is paused, deleted, no_regions or blocked. The caller holds the monitor's state row.
    """
    open_id = await incidents_read.open_incident_of(conn, tenant_id=tenant_id, monitor_id=monitor_id)
    if open_id is None:
        return
    now = from_unix_ms(await monitors.now_ms(conn))
    words = _WORDS[resolution]
    await decisions.resolve_incidents(conn, [(tenant_id, open_id, resolution, now)])
    row = (tenant_id, open_id, new_id(), "resolved", now, None, words, {"resolution": resolution})
    await decisions.append_incident_events(conn, [row])
    incident = await incidents_read.get_incident(conn, tenant_id=tenant_id, incident_id=open_id)
    assert incident is not None
    await tell(conn, tenant_id=tenant_id, incident=incident, event="incident.resolved", reason=words)


async def tell(conn: Connection, *, tenant_id: UUID, incident: IncidentView, event: str, reason: str) -> None:
    """Append the public event of a change of an incident, numbered from the tenant's counters."""
    numbers = await decisions.take_numbers(conn, tenant_id=tenant_id, events=1, incidents=0, deliveries=0)
    monitor = monitor_facts(incident)
    data = alerting.incident_event(monitor, incident_facts(incident), reason)
    now = from_unix_ms(await monitors.now_ms(conn))
    about = monitor.id if monitor is not None else incident.monitor_id
    await decisions.append_events(conn, [(tenant_id, numbers.events, now, event, about, data)])


def monitor_facts(incident: IncidentView) -> MonitorFacts | None:
    """The one monitor that the incident is about; None where there is none that exists, or several."""
    if len(incident.affected) == 1:
        return msgspec.convert(incident.affected[0], MonitorFacts)
    if incident.monitor_id is None or incident.monitor_number is None:
        return None
    return MonitorFacts(
        id=incident.monitor_id,
        number=incident.monitor_number,
        name=incident.monitor_name or "",
        kind=incident.monitor_kind or "",
        tags=tuple(incident.monitor_tags or ()),
        group=incident.monitor_group,
    )


def incident_facts(incident: IncidentView) -> IncidentFacts:
    """What messages say of the incident as it now is."""
    return IncidentFacts(
        id=incident.id,
        number=incident.number,
        type=incident.type,
        severity=incident.severity,
        state=incident.state,
        started_at=incident.started_at,
        resolved_at=incident.resolved_at,
        cause=incident.cause,
        regions_down=tuple(incident.regions_down),
        regions_up=tuple(incident.regions_up),
    )
