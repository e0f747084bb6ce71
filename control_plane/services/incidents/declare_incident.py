"""Declare an incident: a person says that something is wrong, whatever the verdicts are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

from control_plane.domain.judging.incident_rules import MONITORS_LIMIT
from control_plane.errors import BadRequest
from control_plane.services.incidents.tell_incident import News, listeners, publish
from control_plane.services.installation.identity import new_id
from control_plane.store import decisions, incident_changes, incidents_read, monitors
from control_plane.store.incident_changes import Declared, UpdateRow
from control_plane.store.notices import ChannelTarget
from control_plane.store.pool import Connection, Database
from shared.clock import from_unix_ms
from shared.ids import TenantId

OLDEST_START = timedelta(days=90)
"""How far back a person may say that it began."""


class Declaration(Struct, frozen=True, kw_only=True):
    """What a person declares. `message` is a note for the tenant, `public_text` the first public update."""

    title: str
    monitor_ids: Sequence[UUID] = ()
    type: str = "down"
    severity: str = "major"
    phase: str = "investigating"
    public_title: str | None = None
    public_description: str | None = None
    public_text: str | None = None
    message: str | None = None
    started_at: datetime | None = None
    notify: bool = True


async def declare_incident(
    database: Database, declaration: Declaration, *, tenant_id: TenantId, incident_id: UUID, actor: str
) -> None:
    """Open it as `incident_id`, and tell the channels of bindings and routes.

    Raises BadRequest INVALID_MONITORS, INVALID_STARTED_AT.
    """
    async with database.tenant_transaction(tenant_id) as conn:
        named = await _named(conn, tenant_id, declaration.monitor_ids)
        now = from_unix_ms(await monitors.now_ms(conn))
        started_at = _started_at(declaration.started_at, now)
        targets: list[ChannelTarget] = []
        if declaration.notify:
            targets = await listeners(conn, tenant_id=tenant_id, monitor_ids=named, severity=declaration.severity)
        numbers = await decisions.take_numbers(
            conn, tenant_id=tenant_id, events=1, incidents=1, deliveries=len(targets)
        )
        declared = _row(declaration, incident_id, numbers.incidents, named, actor=actor, started_at=started_at, now=now)
        await incident_changes.declare(conn, declared, tenant_id=tenant_id)
        await _write_timeline(conn, declaration, tenant_id=tenant_id, incident_id=incident_id, actor=actor, now=now)
        incident = await incidents_read.get_incident(conn, tenant_id=tenant_id, incident_id=incident_id)
        assert incident is not None
        news = News(event="incident.opened", notice="opened", reason=f"Declared by {actor}: {declaration.title}")
        await publish(conn, incident, news, tenant_id=tenant_id, targets=targets, numbers=numbers, now=now)


async def _named(conn: Connection, tenant_id: UUID, wanted: Sequence[UUID]) -> list[UUID]:
    """The monitors, held until commit, in ascending id."""
    if len(wanted) > MONITORS_LIMIT:
        message = f"an incident names at most {MONITORS_LIMIT} monitors"
        raise BadRequest(message, code="INVALID_MONITORS", field="/monitor_ids")
    ids = sorted(set(wanted))
    # States first: whoever deletes one of them holds its state, then counters, which are taken here after the monitors.
    await monitors.lock_states(conn, tenant_id=tenant_id, monitor_ids=ids)
    found = [each.id for each in await incident_changes.hold_monitors(conn, tenant_id=tenant_id, monitor_ids=ids)]
    if len(found) < len(ids):
        unknown = [str(each) for each in ids if each not in found]
        message = "there are no such monitors; list yours with GET /api/v1/monitors"
        raise BadRequest(message, code="INVALID_MONITORS", field="/monitor_ids", details={"unknown": unknown})
    return found


def _started_at(given: datetime | None, now: datetime) -> datetime:
    if given is None:
        return now
    if not now - OLDEST_START <= given <= now:
        message = f"an incident began in the past, at most {OLDEST_START.days} days ago"
        raise BadRequest(message, code="INVALID_STARTED_AT", field="/started_at")
    return given


def _row(
    declaration: Declaration,
    incident_id: UUID,
    number: int,
    named: Sequence[UUID],
    *,
    actor: str,
    started_at: datetime,
    now: datetime,
) -> Declared:
    return Declared(
        id=incident_id,
        number=number,
        title=declaration.title,
        public_title=declaration.public_title,
        public_description=declaration.public_description,
        type=declaration.type,
        severity=declaration.severity,
        phase=declaration.phase,
        started_at=started_at,
        opened_at=now,
        declared_by=actor,
        monitor_ids=named,
    )


async def _write_timeline(
    conn: Connection, declaration: Declaration, *, tenant_id: UUID, incident_id: UUID, actor: str, now: datetime
) -> None:
    lines: list[decisions.Row] = [
        (tenant_id, incident_id, new_id(), "opened", now, actor, declaration.title, {"origin": "person"})
    ]
    if declaration.message is not None:
        lines.append((tenant_id, incident_id, new_id(), "note", now, actor, declaration.message, {}))
    if declaration.public_text is not None:
        update = UpdateRow(new_id(), declaration.phase, declaration.public_text, now, actor)
        await incident_changes.add_update(conn, update, tenant_id=tenant_id, incident_id=incident_id)
        data = {"phase": update.phase}
        lines.append((tenant_id, incident_id, update.id, "public_update", now, actor, update.text, data))
    await decisions.append_incident_events(conn, lines)
