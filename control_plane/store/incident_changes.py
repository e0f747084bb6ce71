"""What people do to incidents, written down. Whoever changes one holds the locks of incidents_read.lock_incident."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from control_plane.store.pool import Connection


class AffectedMonitor(Struct, frozen=True, kw_only=True):
    """A monitor that an incident is about, as notices speak of it."""

    id: UUID
    number: int
    name: str
    kind: str
    tags: list[str]
    group: str | None
    notify_recovery: bool


# Ascending id: two that declare about the same monitors wait for each other in no circle.
HOLD_MONITORS = """
SELECT id, number, name, kind, tags, "group", notify_recovery FROM monitors
WHERE tenant_id = $1 AND id = ANY($2::uuid[])
ORDER BY id
FOR KEY SHARE
"""


async def hold_monitors(conn: Connection, *, tenant_id: UUID, monitor_ids: Sequence[UUID]) -> list[AffectedMonitor]:
    """Those of these monitors that exist, in ascending id, and do until commit."""
    rows = await conn.fetch(HOLD_MONITORS, tenant_id, monitor_ids)
    return [AffectedMonitor(**dict(row)) for row in rows]


MONITORS_OF_INCIDENT = """
SELECT m.id, m.number, m.name, m.kind, m.tags, m."group", m.notify_recovery
FROM (
    SELECT monitor_id FROM incidents WHERE tenant_id = $1 AND id = $2 AND monitor_id IS NOT NULL
    UNION SELECT monitor_id FROM incident_monitors WHERE tenant_id = $1 AND incident_id = $2
) named
JOIN monitors m ON m.tenant_id = $1 AND m.id = named.monitor_id
ORDER BY m.id
"""


async def monitors_of(conn: Connection, *, tenant_id: UUID, incident_id: UUID) -> list[AffectedMonitor]:
    """The monitors of the incident that still exist, in ascending id."""
    rows = await conn.fetch(MONITORS_OF_INCIDENT, tenant_id, incident_id)
    return [AffectedMonitor(**dict(row)) for row in rows]


class Declared(Struct, frozen=True, kw_only=True):
    """An incident that a person declares."""

    id: UUID
    number: int
    title: str
    public_title: str | None
    public_description: str | None
    type: str
    severity: str
    phase: str
    started_at: datetime
    opened_at: datetime
    declared_by: str
    monitor_ids: Sequence[UUID]


DECLARE = """
INSERT INTO incidents (tenant_id, id, number, origin, type, severity, phase, cause, title, public_title,
    public_description, started_at, opened_at, declared_by)
VALUES ($1, $2, $3, 'person', $4, $5, $6, $7, $7, $8, $9, $10, $11, $12)
"""
NAME_MONITORS = """
INSERT INTO incident_monitors (tenant_id, incident_id, monitor_id) SELECT $1, $2, unnest($3::uuid[])
"""


async def declare(conn: Connection, incident: Declared, *, tenant_id: UUID) -> None:
    """Insert the incident and the monitors that it names, held by hold_monitors."""
    one = incident
    await conn.execute(
        DECLARE,
        tenant_id,
        one.id,
        one.number,
        one.type,
        one.severity,
        one.phase,
        one.title,
        one.public_title,
        one.public_description,
        one.started_at,
        one.opened_at,
        one.declared_by,
    )
    if one.monitor_ids:
        await conn.execute(NAME_MONITORS, tenant_id, one.id, one.monitor_ids)


class Narration(Struct, frozen=True, kw_only=True):
    """What people may rewrite of an incident."""

    title: str | None
    public_title: str | None
    public_description: str | None
    severity: str


NARRATE = """
UPDATE incidents
SET title = $3, public_title = $4, public_description = $5, severity = $6, updated_at = $7, revision = revision + 1
WHERE tenant_id = $1 AND id = $2
"""


async def narrate(conn: Connection, narration: Narration, *, tenant_id: UUID, incident_id: UUID, at: datetime) -> None:
    """Replace the narration."""
    n = narration
    await conn.execute(NARRATE, tenant_id, incident_id, n.title, n.public_title, n.public_description, n.severity, at)


RESOLVE_BY_HAND = """
UPDATE incidents
SET state = 'resolved', phase = 'resolved', resolution = 'person', resolved_at = $3, resolved_by = $4,
    held_open = false, updated_at = $3, revision = revision + 1
WHERE tenant_id = $1 AND id = $2
"""


async def resolve(conn: Connection, *, tenant_id: UUID, incident_id: UUID, at: datetime, by: str) -> None:
    """A person says that it is over."""
    await conn.execute(RESOLVE_BY_HAND, tenant_id, incident_id, at, by)


REOPEN = """
UPDATE incidents
SET state = 'triggered', phase = 'investigating', resolution = NULL, resolved_at = NULL, resolved_by = NULL,
    acknowledged_at = NULL, acknowledged_by = NULL, reopened_at = $3, reopened = reopened + 1, held_open = $4,
    updated_at = $3, revision = revision + 1
WHERE tenant_id = $1 AND id = $2
"""


async def reopen(conn: Connection, *, tenant_id: UUID, incident_id: UUID, at: datetime, held_open: bool) -> None:
    """It is not over after all: as if it had just been triggered, with its number and its history."""
    await conn.execute(REOPEN, tenant_id, incident_id, at, held_open)


HUSH = "UPDATE monitor_states SET hushed = $3 WHERE tenant_id = $1 AND monitor_id = $2"


async def hush(conn: Connection, *, tenant_id: UUID, monitor_id: UUID, hushed: bool) -> None:
    """Whether no incident of the monitor opens until up was proven."""
    await conn.execute(HUSH, tenant_id, monitor_id, hushed)


class Standing(Struct, frozen=True):
    """How the monitor of an automatic incident stands, read under its state row's lock."""

    verdict: str
    enabled: bool


STANDING = """
SELECT s.verdict, m.enabled
FROM monitor_states s JOIN monitors m ON m.tenant_id = s.tenant_id AND m.id = s.monitor_id
WHERE s.tenant_id = $1 AND s.monitor_id = $2
"""


async def standing(conn: Connection, *, tenant_id: UUID, monitor_id: UUID) -> Standing | None:
    """None when the monitor is gone."""
    row = await conn.fetchrow(STANDING, tenant_id, monitor_id)
    return None if row is None else Standing(row["verdict"], row["enabled"])


class UpdateRow(Struct, frozen=True):
    """One thing that the public was told."""

    id: UUID
    phase: str
    text: str
    at: datetime
    actor: str


ADD_UPDATE = """
INSERT INTO incident_updates (tenant_id, incident_id, id, phase, text, at, actor) VALUES ($1, $2, $3, $4, $5, $6, $7)
"""
SET_PHASE = """
UPDATE incidents SET phase = $3, updated_at = $4, revision = revision + 1 WHERE tenant_id = $1 AND id = $2
"""


async def add_update(conn: Connection, update: UpdateRow, *, tenant_id: UUID, incident_id: UUID) -> None:
    """Tell the public, and set the phase that was told."""
    await conn.execute(
        ADD_UPDATE, tenant_id, incident_id, update.id, update.phase, update.text, update.at, update.actor
    )
    await conn.execute(SET_PHASE, tenant_id, incident_id, update.phase, update.at)


UPDATES = """
SELECT id, phase, text, at, actor FROM incident_updates
WHERE tenant_id = $1 AND incident_id = $2 ORDER BY at, id LIMIT $3 OFFSET $4
"""
COUNT_UPDATES = "SELECT count(*) FROM incident_updates WHERE tenant_id = $1 AND incident_id = $2"


async def list_updates(
    conn: Connection, *, tenant_id: UUID, incident_id: UUID, limit: int, offset: int
) -> tuple[list[UpdateRow], int]:
    """One page of what the public was told, oldest first, and how many there are."""
    rows = await conn.fetch(UPDATES, tenant_id, incident_id, limit, offset)
    total: int = await conn.fetchval(COUNT_UPDATES, tenant_id, incident_id)
    return [UpdateRow(**dict(row)) for row in rows], total
