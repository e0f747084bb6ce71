"""Reading incidents and their timelines."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from control_plane.store.pool import Connection


class IncidentView(Struct, frozen=True, kw_only=True):
    """An incident as stored, with what names its monitor (None when it is gone)."""

    id: UUID
    number: int
    monitor_id: UUID | None
    monitor_number: int | None
    monitor_name: str | None
    monitor_kind: str | None
    monitor_tags: list[str] | None
    monitor_group: str | None
    origin: str
    type: str
    severity: str
    state: str
    phase: str
    cause: str
    started_at: datetime
    opened_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    resolved_at: datetime | None
    resolution: str | None
    regions_down: list[str]
    regions_up: list[str]
    evidence: list[dict[str, Any]]
    updated_at: datetime
    revision: int
    title: str | None
    public_title: str | None
    public_description: str | None
    declared_by: str | None
    resolved_by: str | None
    reopened_at: datetime | None
    reopened: int
    held_open: bool
    held_by: str | None
    affected: list[dict[str, Any]]
    """The monitors of a declared incident: id, number, name, kind, tags, group; those that still exist."""


_VIEW = """
SELECT i.id, i.number, i.monitor_id, m.number AS monitor_number, m.name AS monitor_name, m.kind AS monitor_kind,
    m.tags AS monitor_tags, m."group" AS monitor_group, i.origin, i.type, i.severity, i.state, i.phase, i.cause,
    i.started_at, i.opened_at, i.acknowledged_at, i.acknowledged_by, i.resolved_at, i.resolution, i.regions_down,
    i.regions_up, i.evidence, i.updated_at, i.revision, i.title, i.public_title, i.public_description, i.declared_by,
    i.resolved_by, i.reopened_at, i.reopened, i.held_open, i.held_by,
    CASE WHEN i.origin = 'monitor' THEN '[]'::jsonb ELSE (
        SELECT coalesce(jsonb_agg(jsonb_build_object('id', a.id, 'number', a.number, 'name', a.name, 'kind', a.kind,
            'tags', a.tags, 'group', a."group") ORDER BY a.number), '[]'::jsonb)
        FROM incident_monitors n JOIN monitors a ON a.tenant_id = n.tenant_id AND a.id = n.monitor_id
        WHERE n.tenant_id = i.tenant_id AND n.incident_id = i.id
    ) END AS affected
FROM incidents i LEFT JOIN monitors m ON m.tenant_id = i.tenant_id AND m.id = i.monitor_id
"""

GET_INCIDENT = _VIEW + "WHERE i.tenant_id = $1 AND i.id = $2"


async def get_incident(conn: Connection, *, tenant_id: UUID, incident_id: UUID) -> IncidentView | None:
    """The incident; None when this tenant has none of that id."""
    record = await conn.fetchrow(GET_INCIDENT, tenant_id, incident_id)
    return None if record is None else IncidentView(**dict(record))


LOCK_INCIDENT = _VIEW + "WHERE i.tenant_id = $1 AND i.id = $2 FOR UPDATE OF i"
LOCK_STATE_OF_INCIDENT = """
SELECT FROM monitor_states
WHERE tenant_id = $1 AND monitor_id = (SELECT monitor_id FROM incidents WHERE tenant_id = $1 AND id = $2)
FOR UPDATE
"""


async def lock_incident(conn: Connection, *, tenant_id: UUID, incident_id: UUID) -> IncidentView | None:
    """The incident, locked until commit; its monitor's state row first, in the order of whoever judges."""
    await conn.execute(LOCK_STATE_OF_INCIDENT, tenant_id, incident_id)
    record = await conn.fetchrow(LOCK_INCIDENT, tenant_id, incident_id)
    return None if record is None else IncidentView(**dict(record))


OPEN_INCIDENT_OF = """
SELECT id FROM incidents
WHERE tenant_id = $1 AND monitor_id = $2 AND origin = 'monitor' AND state <> 'resolved'
"""


async def open_incident_of(conn: Connection, *, tenant_id: UUID, monitor_id: UUID) -> UUID | None:
    """The id of the monitor's open automatic incident."""
    found: UUID | None = await conn.fetchval(OPEN_INCIDENT_OF, tenant_id, monitor_id)
    return found


class IncidentFilter(Struct, frozen=True, kw_only=True):
    """Which incidents; None does not filter. `open` is triggered or acknowledged. Opened in [start, end).

    `q` is looked for in titles, the cause, and the names of monitors; `tag`: one that a monitor of it has.
    """

    state: str | None = None
    monitor_id: UUID | None = None
    severity: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    type: str | None = None
    origin: str | None = None
    phase: str | None = None
    q: str | None = None
    tag: str | None = None


_FILTER = """
WHERE i.tenant_id = $1
    AND ($2::text IS NULL OR i.state = $2 OR ($2 = 'open' AND i.state <> 'resolved'))
    AND ($3::uuid IS NULL OR i.monitor_id = $3 OR i.id IN (
        SELECT n.incident_id FROM incident_monitors n WHERE n.tenant_id = $1 AND n.monitor_id = $3))
    AND ($4::text IS NULL OR i.severity = $4)
    AND ($5::timestamptz IS NULL OR i.opened_at >= $5)
    AND ($6::timestamptz IS NULL OR i.opened_at < $6)
    AND ($7::text IS NULL OR i.type = $7)
    AND ($8::text IS NULL OR i.origin = $8)
    AND ($9::text IS NULL OR i.phase = $9)
    AND ($10::text IS NULL OR strpos(lower(concat_ws(' ', i.title, i.public_title, i.cause, m.name)), lower($10)) > 0
        OR EXISTS (
            SELECT FROM incident_monitors n JOIN monitors a ON a.tenant_id = n.tenant_id AND a.id = n.monitor_id
            WHERE n.tenant_id = $1 AND n.incident_id = i.id AND strpos(lower(a.name), lower($10)) > 0))
    AND ($11::text IS NULL OR $11 = ANY (m.tags) OR EXISTS (
            SELECT FROM incident_monitors n JOIN monitors a ON a.tenant_id = n.tenant_id AND a.id = n.monitor_id
            WHERE n.tenant_id = $1 AND n.incident_id = i.id AND $11 = ANY (a.tags)))
"""
_NEWEST_FIRST = "ORDER BY (i.state = 'resolved'), i.opened_at DESC, i.number DESC LIMIT $12 OFFSET $13"
LIST_INCIDENTS = _VIEW + _FILTER + _NEWEST_FIRST
_COUNT = """
SELECT count(*) FROM incidents i LEFT JOIN monitors m ON m.tenant_id = i.tenant_id AND m.id = i.monitor_id
"""
COUNT_INCIDENTS = _COUNT + _FILTER


async def list_incidents(
    conn: Connection, *, tenant_id: UUID, wanted: IncidentFilter, limit: int, offset: int
) -> tuple[list[IncidentView], int]:
    """One page of incidents, open ones first, then newest first; and how many match."""
    w = wanted
    arguments = (
        tenant_id, w.state, w.monitor_id, w.severity, w.start, w.end, w.type, w.origin, w.phase, w.q,
        w.tag,
    )  # fmt: skip
    records = await conn.fetch(LIST_INCIDENTS, *arguments, limit, offset)
    total: int = await conn.fetchval(COUNT_INCIDENTS, *arguments)
    return [IncidentView(**dict(record)) for record in records], total


class IncidentEventRow(Struct, frozen=True):
    """One line of an incident's timeline; `actor` None is Farwatch itself."""

    id: UUID
    kind: str
    at: datetime
    actor: str | None
    text: str | None
    data: dict[str, Any]


TIMELINE = """
SELECT id, kind, at, actor, text, data FROM incident_events WHERE tenant_id = $1 AND incident_id = $2 ORDER BY at, id
"""


async def timeline(conn: Connection, *, tenant_id: UUID, incident_id: UUID) -> list[IncidentEventRow]:
    """All that happened to the incident, oldest first."""
    records = await conn.fetch(TIMELINE, tenant_id, incident_id)
    return [IncidentEventRow(**dict(record)) for record in records]


NOTES = """
SELECT id, kind, at, actor, text, data FROM incident_events
WHERE tenant_id = $1 AND incident_id = $2 AND kind = 'note' ORDER BY at, id LIMIT $3 OFFSET $4
"""
COUNT_NOTES = "SELECT count(*) FROM incident_events WHERE tenant_id = $1 AND incident_id = $2 AND kind = 'note'"


async def list_notes(
    conn: Connection, *, tenant_id: UUID, incident_id: UUID, limit: int, offset: int
) -> tuple[list[IncidentEventRow], int]:
    """One page of the notes that people left, oldest first, and how many there are."""
    records = await conn.fetch(NOTES, tenant_id, incident_id, limit, offset)
    total: int = await conn.fetchval(COUNT_NOTES, tenant_id, incident_id)
    return [IncidentEventRow(**dict(record)) for record in records], total


ACKNOWLEDGE = """
UPDATE incidents SET state = 'acknowledged', acknowledged_at = $3, acknowledged_by = $4, updated_at = $3,
    revision = revision + 1
WHERE tenant_id = $1 AND id = $2 AND state = 'triggered'
"""


async def acknowledge(conn: Connection, *, tenant_id: UUID, incident_id: UUID, at: datetime, by: str) -> None:
    """Mark as acknowledged; the caller holds the lock of `lock_incident`."""
    await conn.execute(ACKNOWLEDGE, tenant_id, incident_id, at, by)
