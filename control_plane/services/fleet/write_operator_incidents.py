"""Open and end operator's incidents, and owe what that owes, in the caller's transaction.

The operator's channels are told through the outbox that all notices go through, as channels of a tenant of their own.
Of a private region, its tenant is told by events and the operator's channels are not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct, structs

from control_plane.domain.alerting.alerting import IncidentFacts
from control_plane.domain.alerting.operator_notice import (
    OPENED,
    RESOLVED,
    Named,
    OperatorNotice,
    event_data,
    event_of,
    notice_text,
)
from control_plane.services.alerting.owe_deliveries import owe_deliveries
from control_plane.services.installation.identity import new_id
from control_plane.store import decisions, operator_incidents, tenants
from control_plane.store.deliveries import DeliveryRow
from control_plane.store.operator_incidents import Listener, NewIncident, OperatorIncident
from control_plane.store.pool import Connection
from control_plane.store.tenants import OPERATOR
from shared.ids import TenantId


class Place(Struct, frozen=True, kw_only=True):
    """Where in the fleet something is the matter. All absent: the installation as a whole."""

    agent_id: UUID | None = None
    agent: str | None = None
    region_id: int | None = None
    region: str | None = None
    region_name: str | None = None
    private_to: TenantId | None = None


class Change(Struct, frozen=True, kw_only=True):
    """An incident that opens, or, with a `resolution`, one that ends. `cause` is a whole sentence."""

    id: UUID
    kind: str
    subject: str
    severity: str
    place: Place
    cause: str
    reason: str
    details: Mapping[str, Any]
    number: int = 0
    opened_at: datetime | None = None
    resolution: str | None = None


def ending(
    incident: OperatorIncident, *, cause: str, reason: str, place: Place | None = None, resolution: str = "recovered"
) -> Change:
    """The end of one that is open. `reason` says why it ends; without a place it was the whole installation's."""
    return Change(
        id=incident.id,
        kind=incident.kind,
        subject=incident.subject,
        severity=incident.severity,
        place=place or Place(),
        cause=cause,
        reason=reason,
        details=incident.details,
        number=incident.number,
        opened_at=incident.opened_at,
        resolution=resolution,
    )


class _Owed(Struct, frozen=True):
    change: Change
    listener: Listener


async def write_operator_incidents(conn: Connection, changes: Sequence[Change], *, now: datetime) -> list[Change]:
    """Write them all; the same changes with their numbers. The caller keeps others from doing it at the same time."""
    if not changes:
        return []
    await tenants.ensure_operator(conn)
    owed = await _find_owed(conn, changes)
    owners = {change.place.private_to for change in changes if change.place.private_to is not None}
    await tenants.hold_all_counters(conn, tenant_ids={OPERATOR, *owners})
    openings = [change for change in changes if change.resolution is None]
    taken = await decisions.take_numbers(
        conn, tenant_id=OPERATOR, events=0, incidents=len(openings), deliveries=len(owed)
    )
    changes = list(_numbered(changes, first=taken.incidents - len(openings) + 1))
    await _write_rows(conn, changes, now=now)
    await _owe(conn, changes, owed, first_number=taken.deliveries - len(owed) + 1, now=now)
    for owner in sorted(owners):
        await _tell_owner(conn, owner, [change for change in changes if change.place.private_to == owner], now=now)
    return changes


def _numbered(changes: Sequence[Change], *, first: int) -> Iterator[Change]:
    number = first
    for change in changes:
        if change.resolution is not None:
            yield change
            continue
        yield structs.replace(change, number=number)
        number += 1


async def _find_owed(conn: Connection, changes: Sequence[Change]) -> list[_Owed]:
    """Openings go to every enabled channel, ends to those who were told of the opening."""
    public = [change for change in changes if change.place.private_to is None]
    ended = {change.id: change for change in public if change.resolution is not None}
    listeners = await operator_incidents.listeners(conn, tenant_id=OPERATOR)
    owed = [_Owed(change, listener) for change in public if change.resolution is None for listener in listeners]
    told = await operator_incidents.listeners_told(conn, tenant_id=OPERATOR, incident_ids=list(ended))
    return owed + [_Owed(ended[incident_id], listener) for incident_id, listener in told]


async def _write_rows(conn: Connection, changes: Sequence[Change], *, now: datetime) -> None:
    openings = [_row(change) for change in changes if change.resolution is None]
    await operator_incidents.open_incidents(conn, openings, at=now)
    ended = [(change.id, change.resolution) for change in changes if change.resolution is not None]
    await operator_incidents.resolve(conn, ended, at=now)


def _row(change: Change) -> NewIncident:
    return NewIncident(
        id=change.id,
        number=change.number,
        kind=change.kind,
        subject=change.subject,
        agent_id=change.place.agent_id,
        region_id=change.place.region_id,
        private_to=change.place.private_to,
        severity=change.severity,
        reason=change.reason,
        details=dict(change.details),
    )


async def _owe(
    conn: Connection, changes: Sequence[Change], owed: Sequence[_Owed], *, first_number: int, now: datetime
) -> None:
    numbered = {change.id: change for change in changes}
    rows = [
        _delivery(numbered[one.change.id], one.listener, number=number, now=now)
        for number, one in enumerate(owed, first_number)
    ]
    await owe_deliveries(conn, rows)


def _delivery(change: Change, listener: Listener, *, number: int, now: datetime) -> DeliveryRow:
    delivery_id = new_id()
    agent, region = _names(change.place)
    notice = OperatorNotice(
        event=OPENED if change.resolution is None else RESOLVED,
        delivery_id=delivery_id,
        occurred_at=now,
        incident=_facts(change, now=now),
        agent=agent,
        region=region,
        reason=change.reason,
    )
    return DeliveryRow(
        tenant_id=OPERATOR,
        id=delivery_id,
        number=number,
        channel_id=listener.channel_id,
        channel_name=listener.name,
        channel_kind=listener.kind,
        incident_id=change.id,
        monitor_id=None,
        event=notice.event,
        notice="opened" if change.resolution is None else "resolved",
        body=notice_text(notice),
    )


async def _tell_owner(conn: Connection, owner: TenantId, changes: Sequence[Change], *, now: datetime) -> None:
    taken = await decisions.take_numbers(conn, tenant_id=owner, events=len(changes), incidents=0, deliveries=0)
    rows = []
    for number, change in enumerate(changes, taken.events - len(changes) + 1):
        agent, region = _names(change.place)
        event = event_of(change.kind, resolved=change.resolution is not None)
        data = event_data(incident=_facts(change, now=now), agent=agent, region=region, reason=change.reason)
        rows.append((owner, number, now, event, None, data))
    await decisions.append_events(conn, rows)


def _facts(change: Change, *, now: datetime) -> IncidentFacts:
    return IncidentFacts(
        id=change.id,
        number=change.number,
        type=change.kind,
        severity=change.severity,
        state="triggered" if change.resolution is None else "resolved",
        started_at=change.opened_at or now,
        resolved_at=None if change.resolution is None else now,
        cause=change.cause,
        regions_down=(),
        regions_up=(),
    )


def _names(place: Place) -> tuple[Named | None, Named | None]:
    agent = None if place.agent_id is None else Named(str(place.agent_id), place.agent or "")
    region = None if place.region is None else Named(place.region, place.region_name or place.region)
    return agent, region
