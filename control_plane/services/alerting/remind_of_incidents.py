"""Remind of incidents that nobody has acknowledged, and escalate them: what is due, once, whoever gets to it first.

Each batch is one transaction of one tenant under the locks of whoever judges: state rows and incidents (those that
somebody else holds are left for the next look), channels, the tenant's counters last. So a reminder is told before an
acknowledgement or not at all, and a process that dies leaves what is due to the next one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct, structs

from control_plane.domain.alerting import alerting
from control_plane.domain.alerting.alerting import IncidentFacts, MonitorFacts, NoticeBody, notice_body
from control_plane.domain.alerting.reminder import (
    Rules,
    Turn,
    escalation_ordinal,
    escalation_reason,
    reminder_ordinal,
    reminder_reason,
    rules_for,
    take_turn,
    waits,
)
from control_plane.services.alerting.owe_deliveries import owe_deliveries
from control_plane.services.installation.identity import new_id
from control_plane.store import decisions, monitors, notices, reminders
from control_plane.store.deliveries import DeliveryRow
from control_plane.store.notices import ChannelTarget
from control_plane.store.pool import Connection, Database
from control_plane.store.reminders import Concerned, DueIncident, Told
from shared.clock import from_unix_ms

BATCH = 500
"""Incidents looked at in one transaction."""

EVENT = "incident.updated"


class _Telling(Struct, frozen=True, kw_only=True):
    """One thing to tell of one incident: a line of its timeline, an event, and a notice to each target."""

    incident: DueIncident
    concerned: Sequence[Concerned]
    notice: str
    kind: str
    ordinal: int
    reason: str
    data: Mapping[str, int]
    targets: Sequence[ChannelTarget]

    @property
    def monitor(self) -> MonitorFacts | None:
        """The one monitor that it is about; None where there are none or several."""
        return self.concerned[0].facts if len(self.concerned) == 1 else None


async def remind_of_incidents(database: Database) -> int:
    """Tell all that is due, of all tenants. Returns how many reminders and steps were told. Raises Unavailable."""
    async with database.app() as conn:
        tenants = await reminders.tenants_due(conn)
    return sum([await _remind_tenant(database, tenant_id) for tenant_id in tenants])


async def _remind_tenant(database: Database, tenant_id: UUID) -> int:
    told = 0
    while True:
        async with database.app_transaction() as conn:
            held = await reminders.hold_due(conn, tenant_id=tenant_id, limit=BATCH)
            if held:
                told += await _take_turns(conn, tenant_id, held)
        if len(held) < BATCH:
            return told


async def _take_turns(conn: Connection, tenant_id: UUID, held: Sequence[UUID]) -> int:
    now = from_unix_ms(await monitors.now_ms(conn))
    due = await reminders.due_incidents(conn, tenant_id=tenant_id, incident_ids=held)
    concerned = await reminders.monitors_concerned(conn, tenant_id=tenant_id, incident_ids=held)
    automatic = [one.monitor_id for one in due if one.monitor_id is not None]
    steps = await reminders.steps_of(conn, tenant_id=tenant_id, monitor_ids=automatic)
    turns: list[tuple[DueIncident, Turn]] = []
    for one in due:
        about = [each.about for each in concerned.get(one.facts.id, ())]
        interval_s, repeats = rules_for(about)
        rules = Rules(interval_s, repeats, steps.get(one.monitor_id, ()) if one.monitor_id else ())
        turns.append((one, take_turn(rules, one.progress, now=now, waiting=_waits(one, concerned))))
    told = [Told(incident_id=one.facts.id, progress=turn.progress, due_at=turn.due_at) for one, turn in turns]
    await reminders.save_progress(conn, told, tenant_id=tenant_id)
    tellings = await _tellings(conn, tenant_id, turns, concerned, now=now)
    await _tell(conn, tenant_id, tellings, now=now)
    return len(tellings)


def _waits(one: DueIncident, concerned: Mapping[UUID, Sequence[Concerned]]) -> bool:
    about = [each.about for each in concerned.get(one.facts.id, ())]
    declared = one.origin == "person"
    return one.halted or waits(about, declared=declared, held_open=one.held_open, opened_at=one.progress.opened_at)


async def _tellings(
    conn: Connection,
    tenant_id: UUID,
    turns: Sequence[tuple[DueIncident, Turn]],
    concerned: Mapping[UUID, Sequence[Concerned]],
    *,
    now: datetime,
) -> list[_Telling]:
    """Steps, each to its channels, and reminders to those who know of the incident; none that nobody would hear."""
    stepping = {one.monitor_id: turn.step for one, turn in turns if one.monitor_id and turn.step}
    numbers = {monitor_id: step.number for monitor_id, step in stepping.items()}
    of_steps = await notices.channels_of_steps(conn, tenant_id=tenant_id, steps=numbers)
    reminding = [one.facts.id for one, turn in turns if turn.reminder is not None]
    known = await notices.channels_told(conn, tenant_id=tenant_id, incident_ids=reminding, event=EVENT)
    by_monitor, by_incident = _grouped(of_steps, "monitor_id"), _grouped(known, "incident_id")
    found: list[_Telling] = []
    for one, turn in turns:
        about = concerned.get(one.facts.id, ())
        escalates = by_monitor.get(one.monitor_id, [])
        if turn.step is not None and escalates:
            found.append(_escalation(one, turn.step.number, about, escalates, now=now))
        besides = {target.channel_id for target in escalates}
        reminds = [target for target in by_incident.get(one.facts.id, []) if target.channel_id not in besides]
        if turn.reminder is not None and reminds:
            found.append(_reminder(one, turn.reminder, about, reminds, now=now))
    return found


def _grouped(targets: Sequence[ChannelTarget], field: str) -> dict[UUID | None, list[ChannelTarget]]:
    groups: dict[UUID | None, list[ChannelTarget]] = {}
    for target in targets:
        groups.setdefault(getattr(target, field), []).append(target)
    return groups


def _escalation(
    one: DueIncident, step: int, concerned: Sequence[Concerned], targets: Sequence[ChannelTarget], *, now: datetime
) -> _Telling:
    return _Telling(
        incident=one,
        concerned=concerned,
        notice="escalated",
        kind="escalated",
        ordinal=escalation_ordinal(reopened=one.reopened, step=step),
        reason=escalation_reason(opened_at=one.progress.opened_at, now=now, step=step),
        data={"step": step},
        targets=targets,
    )


def _reminder(
    one: DueIncident, number: int, concerned: Sequence[Concerned], targets: Sequence[ChannelTarget], *, now: datetime
) -> _Telling:
    _, most = rules_for([each.about for each in concerned])
    verdict = concerned[0].about.verdict if len(concerned) == 1 else None
    since = one.progress.opened_at if one.reopened else one.facts.started_at
    return _Telling(
        incident=one,
        concerned=concerned,
        notice="reminder",
        kind="reminder",
        ordinal=reminder_ordinal(reopened=one.reopened, reminder=number),
        reason=reminder_reason(verdict, type_=one.facts.type, opened_at=since, now=now, number=number, most=most),
        data={"reminder": number, "of": most},
        targets=targets,
    )


async def _tell(conn: Connection, tenant_id: UUID, tellings: Sequence[_Telling], *, now: datetime) -> None:
    if not tellings:
        return
    owed = sum(len(one.targets) for one in tellings)
    last = await decisions.take_numbers(conn, tenant_id=tenant_id, events=len(tellings), incidents=0, deliveries=owed)
    home = await notices.public_url(conn)
    lines: list[decisions.Row] = []
    events: list[decisions.Row] = []
    rows: list[DeliveryRow] = []
    for number, one in enumerate(tellings, last.events - len(tellings) + 1):
        facts = one.incident.facts
        lines.append((tenant_id, facts.id, new_id(), one.kind, now, None, one.reason, dict(one.data)))
        data = alerting.incident_event(one.monitor, facts, one.reason)
        about = one.monitor.id if one.monitor is not None else None
        events.append((tenant_id, number, now, EVENT, about, data))
        told = facts if home is None else structs.replace(facts, url=f"{home}/app/incidents/{facts.id}")
        for target in one.targets:
            rows.append(_row(tenant_id, one, target, told, number=last.deliveries - owed + 1 + len(rows), now=now))
    await decisions.append_incident_events(conn, lines)
    await decisions.append_events(conn, events)
    await owe_deliveries(conn, rows)


def _row(
    tenant_id: UUID, one: _Telling, target: ChannelTarget, facts: IncidentFacts, *, number: int, now: datetime
) -> DeliveryRow:
    delivery_id = new_id()
    monitor = next((each.facts for each in one.concerned if each.facts.id == target.monitor_id), None)
    body = NoticeBody(
        event=EVENT,
        delivery_id=delivery_id,
        occurred_at=now,
        tenant_id=tenant_id,
        monitor=monitor,
        incident=facts,
        reason=one.reason,
    )
    return DeliveryRow(
        tenant_id=tenant_id,
        id=delivery_id,
        number=number,
        channel_id=target.channel_id,
        channel_name=target.name,
        channel_kind=target.kind,
        incident_id=facts.id,
        monitor_id=target.monitor_id,
        event=EVENT,
        notice=one.notice,
        ordinal=one.ordinal,
        body=notice_body(body),
    )
