"""What people do to incidents, told: the public event and the notices owed, numbered together, in one transaction.

The locks are taken in the order of whoever judges: the state row and the incident (the caller has them), the channels,
and the tenant's counters last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct, structs

from control_plane.domain.alerting import alerting
from control_plane.domain.alerting.alerting import IncidentFacts, MonitorFacts, NoticeBody, notice_body
from control_plane.services.alerting.owe_deliveries import owe_deliveries
from control_plane.services.incidents.close_incident import incident_facts, monitor_facts
from control_plane.services.installation.identity import new_id
from control_plane.store import decisions, incident_changes, notices
from control_plane.store.decisions import Numbers
from control_plane.store.deliveries import DeliveryRow
from control_plane.store.incident_changes import AffectedMonitor
from control_plane.store.incidents_read import IncidentView
from control_plane.store.notices import ChannelTarget
from control_plane.store.pool import Connection


class News(Struct, frozen=True, kw_only=True):
    """One thing to tell: `event` to the stream and `notice` to the channels, both with the `reason` in words."""

    event: str
    notice: str
    reason: str


async def listeners(
    conn: Connection, *, tenant_id: UUID, monitor_ids: Sequence[UUID], severity: str
) -> list[ChannelTarget]:
    """The channels that hear of an opening about these monitors, each once. They stay until commit.

    Of an incident without monitors, those hear to which routes lead that name none.
    """
    about: list[UUID | None] = [*monitor_ids] or [None]
    bound = await notices.channels_bound(
        conn, tenant_id=tenant_id, monitor_ids=about, severities=[severity] * len(about), event="incident.opened"
    )
    return _once(bound)


async def told(conn: Connection, *, tenant_id: UUID, incident_id: UUID) -> list[ChannelTarget]:
    """The channels that hear of the end: those told of the opening, unless their monitor wants no recovery told."""
    heard = await notices.channels_told(
        conn, tenant_id=tenant_id, incident_ids=[incident_id], event="incident.resolved", or_dead=True
    )
    about = await incident_changes.monitors_of(conn, tenant_id=tenant_id, incident_id=incident_id)
    silent = {monitor.id for monitor in about if not monitor.notify_recovery}
    return [target for target in _once(heard) if target.monitor_id not in silent]


def _once(targets: Sequence[ChannelTarget]) -> list[ChannelTarget]:
    """Each channel once, for the first of its monitors: an incident of many is still one message."""
    first: dict[UUID, ChannelTarget] = {}
    for target in targets:
        first.setdefault(target.channel_id, target)
    return list(first.values())


async def publish(
    conn: Connection,
    incident: IncidentView,
    news: News,
    *,
    tenant_id: UUID,
    targets: Sequence[ChannelTarget],
    numbers: Numbers,
    now: datetime,
) -> None:
    """Append the event and owe the notices. `numbers` are the last ones taken: one event, a delivery per target."""
    facts = incident_facts(incident)
    monitor = monitor_facts(incident)
    data = alerting.incident_event(monitor, facts, news.reason)
    about = monitor.id if monitor is not None else incident.monitor_id
    await decisions.append_events(conn, [(tenant_id, numbers.events, now, news.event, about, data)])
    if not targets:
        return
    home = await notices.public_url(conn)
    if home is not None:
        facts = structs.replace(facts, url=f"{home}/app/incidents/{facts.id}")
    affected = await incident_changes.monitors_of(conn, tenant_id=tenant_id, incident_id=incident.id)
    named = {each.id: _facts_of(each) for each in affected}
    first = numbers.deliveries - len(targets) + 1
    rows = [
        _row(tenant_id, facts, named, news, target, number=number, now=now)
        for number, target in enumerate(targets, first)
    ]
    await owe_deliveries(conn, rows)


def _facts_of(monitor: AffectedMonitor) -> MonitorFacts:
    return MonitorFacts(
        id=monitor.id,
        number=monitor.number,
        name=monitor.name,
        kind=monitor.kind,
        tags=tuple(monitor.tags),
        group=monitor.group,
    )


def _row(
    tenant_id: UUID,
    incident: IncidentFacts,
    monitors: Mapping[UUID, MonitorFacts],
    news: News,
    target: ChannelTarget,
    *,
    number: int,
    now: datetime,
) -> DeliveryRow:
    delivery_id = new_id()
    body = NoticeBody(
        event=news.event,
        delivery_id=delivery_id,
        occurred_at=now,
        tenant_id=tenant_id,
        monitor=None if target.monitor_id is None else monitors.get(target.monitor_id),
        incident=incident,
        reason=news.reason,
    )
    return DeliveryRow(
        tenant_id=tenant_id,
        id=delivery_id,
        number=number,
        channel_id=target.channel_id,
        channel_name=target.name,
        channel_kind=target.kind,
        incident_id=incident.id,
        monitor_id=target.monitor_id,
        event=news.event,
        notice=news.notice,
        ordinal=target.ordinal,
        body=notice_body(body),
    )
