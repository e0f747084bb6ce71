"""Owe events to whoever asked for them: from the numbered events, in order, each exactly once (docs/adr/0038).

Notices of incidents are owed by whoever decides them. Everything else is told from here, a tenant at a time, in one
transaction that holds the tenant's cursor: what is beyond it is read, its subscribers are found and owed, and the
cursor moves. A process that dies leaves the cursor where it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import msgspec
from msgspec import Struct, structs

from control_plane.domain.alerting.alerting import NoticeBody, notice_body
from control_plane.domain.alerting.event_words import EventFacts, event_facts
from control_plane.domain.monitors.binding_rules import NOTICE_EVENTS
from control_plane.services.alerting.owe_deliveries import owe_deliveries
from control_plane.services.installation.identity import new_id
from control_plane.store import decisions, event_cursors, notices
from control_plane.store.deliveries import DeliveryRow
from control_plane.store.event_cursors import Asked, NewEvent, Subscriber
from control_plane.store.pool import Connection, Database

BATCH = 500
"""Events read in one transaction."""

_ORDINALS = 2_000_000_000
"""An ordinal is a smaller number than that of an event may become; only those of one incident must differ."""


class _Telling(Struct, frozen=True):
    event: NewEvent
    facts: EventFacts


async def fan_out_events(database: Database) -> int:
    """Owe all events that are new, of all tenants with subscriptions. Returns how many notices are owed.

    Raises Unavailable.
    """
    async with database.app() as conn:
        tenants = await event_cursors.tenants_behind(conn)
    return sum([await _tell_tenant(database, tenant_id) for tenant_id in tenants])


async def _tell_tenant(database: Database, tenant_id: UUID) -> int:
    owed = 0
    while True:
        async with database.app_transaction() as conn:
            done = await _step(conn, tenant_id)
        if done is None:
            return owed
        owed += done


async def _step(conn: Connection, tenant_id: UUID) -> int | None:
    """How many notices are owed of the next events; None: there are none, or another process is at it."""
    number = await event_cursors.hold_cursor(conn, tenant_id=tenant_id)
    if number is None:
        return None
    if not await event_cursors.has_subscribers(conn, tenant_id=tenant_id):
        await event_cursors.drop_cursor(conn, tenant_id=tenant_id)
        return None
    events, upto = await event_cursors.events_beyond(conn, tenant_id=tenant_id, number=number, limit=BATCH)
    if upto == number:
        return None
    told = [
        _Telling(one, event_facts(one.event, one.data, at=one.at)) for one in events if one.event not in NOTICE_EVENTS
    ]
    owed = await _owe(conn, tenant_id, told) if told else 0
    await event_cursors.move_cursor(conn, tenant_id=tenant_id, number=upto)
    return owed


async def _owe(conn: Connection, tenant_id: UUID, told: Sequence[_Telling]) -> int:
    found = await event_cursors.subscribers(conn, [_asked(one) for one in told], tenant_id=tenant_id)
    if not found:
        return 0
    numbers = await decisions.take_numbers(conn, tenant_id=tenant_id, events=0, incidents=0, deliveries=len(found))
    home = await notices.public_url(conn)
    by_number = {one.event.number: one for one in told}
    first = numbers.deliveries - len(found) + 1
    rows = [
        _row(tenant_id, by_number[subscriber.number], subscriber, number=number, home=home)
        for number, subscriber in enumerate(found, first)
    ]
    await owe_deliveries(conn, rows)
    return len(rows)


def _asked(one: _Telling) -> Asked:
    incident = one.facts.incident
    severity, incident_id = (None, None) if incident is None else (incident.severity, incident.id)
    return Asked(one.event.number, one.event.event, one.event.monitor_id, severity, incident_id)


def _row(tenant_id: UUID, one: _Telling, subscriber: Subscriber, *, number: int, home: str | None) -> DeliveryRow:
    event, facts, delivery_id = one.event, one.facts, new_id()
    incident = facts.incident
    if incident is not None and home is not None:
        incident = structs.replace(incident, url=f"{home}/app/incidents/{incident.id}")
    body = NoticeBody(
        event=event.event,
        delivery_id=delivery_id,
        occurred_at=event.at,
        tenant_id=tenant_id,
        monitor=facts.monitor,
        incident=incident,
        reason=facts.reason,
        data=msgspec.Raw(event.data.encode()),
    )
    return DeliveryRow(
        tenant_id=tenant_id,
        id=delivery_id,
        number=number,
        channel_id=subscriber.channel_id,
        channel_name=subscriber.name,
        channel_kind=subscriber.kind,
        incident_id=None if incident is None else incident.id,
        monitor_id=event.monitor_id,
        event=event.event,
        notice="event",
        ordinal=event.number % _ORDINALS,
        body=notice_body(body),
    )
