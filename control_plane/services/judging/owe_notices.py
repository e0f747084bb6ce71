"""What an incident owes its listeners: one delivery row per channel and notice, in the deciding transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct, structs

from control_plane.domain.alerting.alerting import IncidentFacts, NoticeBody, notice_body
from control_plane.domain.judging.incident import Opens, Resolves, Worsens
from control_plane.services.alerting.owe_deliveries import owe_deliveries
from control_plane.services.installation.identity import new_id
from control_plane.services.judging.judged_case import Judged
from control_plane.store import notices
from control_plane.store.deliveries import DeliveryRow
from control_plane.store.notices import ChannelTarget
from control_plane.store.pool import Connection


class Owed(Struct, frozen=True):
    """One notice to one channel."""

    judged: Judged
    target: ChannelTarget
    notice: str
    event: str


async def find_owed(conn: Connection, tenant_id: UUID, steps: Sequence[Judged]) -> list[Owed]:
    """Openings go to the channels of bindings and routes; what follows goes only to those who were told of the opening.

    A recovery for whom the opening is dead is written down, too: withheld (store/deliveries.owe), until a replay.
    """
    opening = [one for one in steps if isinstance(one.decision.step, Opens)]
    worsening = [one for one in steps if isinstance(one.decision.step, Worsens)]
    resolving = [one for one in steps if isinstance(one.decision.step, Resolves) and one.monitor.notify_recovery]
    owed = await _bound(conn, tenant_id, opening)
    owed += await _told(conn, tenant_id, worsening, notice="escalated", event="incident.updated")
    owed += await _told(conn, tenant_id, resolving, notice="resolved", event="incident.resolved")
    return owed


async def _bound(conn: Connection, tenant_id: UUID, opening: Sequence[Judged]) -> list[Owed]:
    by_monitor: dict[UUID | None, Judged] = {one.case.monitor_id: one for one in opening}
    if not by_monitor:
        return []
    severities = [one.decision.step.severity for one in by_monitor.values() if isinstance(one.decision.step, Opens)]
    targets = await notices.channels_bound(
        conn, tenant_id=tenant_id, monitor_ids=list(by_monitor), severities=severities, event="incident.opened"
    )
    return [Owed(by_monitor[t.monitor_id], t, "opened", "incident.opened") for t in targets]


async def _told(conn: Connection, tenant_id: UUID, steps: Sequence[Judged], *, notice: str, event: str) -> list[Owed]:
    by_monitor: dict[UUID | None, Judged] = {one.case.monitor_id: one for one in steps}
    if not by_monitor:
        return []
    incident_ids = [one.incident.id for one in steps if one.incident]
    targets = await notices.channels_told(
        conn, tenant_id=tenant_id, incident_ids=incident_ids, event=event, or_dead=notice == "resolved"
    )
    return [Owed(by_monitor[t.monitor_id], t, notice, event) for t in targets]


async def owe(
    conn: Connection,
    tenant_id: UUID,
    owed: Sequence[Owed],
    facts: Mapping[UUID, IncidentFacts],
    *,
    first_number: int,
    now: datetime,
) -> None:
    """Write the delivery rows, each with its final body, numbered from `first_number`."""
    if not owed:
        return
    home = await notices.public_url(conn)
    rows = []
    for number, one in enumerate(owed, first_number):
        incident = facts[one.judged.case.monitor_id]
        if home is not None:
            incident = structs.replace(incident, url=f"{home}/app/incidents/{incident.id}")
        rows.append(_row(tenant_id, one, incident, number=number, now=now))
    await owe_deliveries(conn, rows)


def _row(tenant_id: UUID, owed: Owed, incident: IncidentFacts, *, number: int, now: datetime) -> DeliveryRow:
    delivery_id = new_id()
    body = NoticeBody(
        event=owed.event,
        delivery_id=delivery_id,
        occurred_at=now,
        tenant_id=tenant_id,
        monitor=owed.judged.facts,
        incident=incident,
        reason=owed.judged.decision.reason,
    )
    return DeliveryRow(
        tenant_id=tenant_id,
        id=delivery_id,
        number=number,
        channel_id=owed.target.channel_id,
        channel_name=owed.target.name,
        channel_kind=owed.target.kind,
        incident_id=incident.id,
        monitor_id=owed.judged.case.monitor_id,
        event=owed.event,
        notice=owed.notice,
        ordinal=owed.target.ordinal,
        body=notice_body(body),
    )
