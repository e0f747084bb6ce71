"""Incidents of the fleet: at most one open of a kind about a subject."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from control_plane.store.pool import Connection
from shared.ids import TenantId


class OperatorIncident(Struct, frozen=True, kw_only=True):
    """As stored, with what names its place (null once that is gone)."""

    id: UUID
    number: int
    kind: str
    subject: str
    agent_id: UUID | None
    agent_name: str | None
    region: str | None
    region_name: str | None
    private_to: TenantId | None
    severity: str
    state: str
    reason: str
    details: dict[str, Any]
    opened_at: datetime
    acknowledged_at: datetime | None
    resolved_at: datetime | None
    resolution: str | None


_VIEW = """
SELECT i.id, i.number, i.kind, i.subject, i.agent_id, a.name AS agent_name, r.slug AS region, r.name AS region_name,
    i.private_to, i.severity, i.state, i.reason, i.details, i.opened_at, i.acknowledged_at, i.resolved_at, i.resolution
FROM operator_incidents i
LEFT JOIN agents a ON a.id = i.agent_id
LEFT JOIN regions r ON r.id = i.region_id
"""

FLEET_OPEN = _VIEW + "WHERE i.state <> 'resolved' AND i.kind = ANY($1::text[]) ORDER BY i.id FOR UPDATE OF i"


async def hold_open(conn: Connection, *, kinds: Sequence[str]) -> list[OperatorIncident]:
    """The open ones of these kinds, locked until commit."""
    return [OperatorIncident(**row) for row in await conn.fetch(FLEET_OPEN, kinds)]


# Ascending like FLEET_OPEN: the watch locks incidents first, and what its new ones refer to after.
FLEET_HOLD_ABOUT = """
SELECT FROM operator_incidents
WHERE agent_id = $1 OR region_id = $2 OR agent_id IN (SELECT id FROM agents WHERE region_id = $2)
ORDER BY id FOR UPDATE
"""


async def hold_about(conn: Connection, *, agent_id: UUID | None = None, region_id: int | None = None) -> None:
    """Lock the incidents about an agent or a region that is about to be removed, until commit."""
    await conn.execute(FLEET_HOLD_ABOUT, agent_id, region_id)


FLEET_GET_INCIDENT = _VIEW + "WHERE i.id = $1"


async def get(conn: Connection, *, incident_id: UUID) -> OperatorIncident | None:
    """One incident."""
    row = await conn.fetchrow(FLEET_GET_INCIDENT, incident_id)
    return row and OperatorIncident(**row)


class Filter(Struct, frozen=True, kw_only=True):
    """Absent: any. `state` open is triggered or acknowledged."""

    state: str | None = None
    kind: str | None = None


_FILTER = """
WHERE ($1::text IS NULL OR i.state = $1 OR ($1 = 'open' AND i.state <> 'resolved'))
    AND ($2::text IS NULL OR i.kind = $2)
"""
FLEET_LIST_INCIDENTS = (
    _VIEW + _FILTER + "ORDER BY (i.state = 'resolved'), i.opened_at DESC, i.number DESC LIMIT $3 OFFSET $4"
)
FLEET_COUNT_INCIDENTS = "SELECT count(*) FROM operator_incidents i" + _FILTER


async def list_all(conn: Connection, *, where: Filter, limit: int, offset: int) -> tuple[list[OperatorIncident], int]:
    """A page, open ones first, newest first; and how many there are."""
    rows = await conn.fetch(FLEET_LIST_INCIDENTS, where.state, where.kind, limit, offset)
    return [OperatorIncident(**row) for row in rows], await conn.fetchval(
        FLEET_COUNT_INCIDENTS, where.state, where.kind
    )


FLEET_COUNT_OPEN = "SELECT kind, count(*) AS open FROM operator_incidents WHERE state <> 'resolved' GROUP BY kind"


async def count_open(conn: Connection) -> dict[str, int]:
    """How many are open, by kind."""
    return {row["kind"]: row["open"] for row in await conn.fetch(FLEET_COUNT_OPEN)}


class NewIncident(Struct, frozen=True, kw_only=True):
    """One to open."""

    id: UUID
    number: int
    kind: str
    subject: str
    agent_id: UUID | None
    region_id: int | None
    private_to: TenantId | None
    severity: str
    reason: str
    details: dict[str, Any]


FLEET_OPEN_INCIDENT = """
INSERT INTO operator_incidents (id, number, kind, subject, agent_id, region_id, private_to, severity, reason, details,
    opened_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
"""


async def open_incidents(conn: Connection, rows: Sequence[NewIncident], *, at: datetime) -> None:
    """Write them. The caller has seen that none of the same kind and subject is open, and keeps others from it."""
    columns = NewIncident.__struct_fields__
    await conn.executemany(FLEET_OPEN_INCIDENT, [(*(getattr(row, name) for name in columns), at) for row in rows])


FLEET_RESOLVE = """
UPDATE operator_incidents SET state = 'resolved', resolved_at = $2, resolution = $3 WHERE id = $1
"""


async def resolve(conn: Connection, ended: Sequence[tuple[UUID, str]], *, at: datetime) -> None:
    """End incidents: (id, resolution)."""
    await conn.executemany(FLEET_RESOLVE, [(incident_id, at, resolution) for incident_id, resolution in ended])


FLEET_REWORD = "UPDATE operator_incidents SET reason = $2, details = $3 WHERE id = $1"


async def reword(conn: Connection, rows: Sequence[tuple[UUID, str, dict[str, Any]]]) -> None:
    """Say why open ones are open now: (id, reason, details)."""
    await conn.executemany(FLEET_REWORD, rows)


FLEET_ACKNOWLEDGE = """
UPDATE operator_incidents
SET state = 'acknowledged', acknowledged_at = coalesce(acknowledged_at, clock_timestamp())
WHERE id = $1 AND state <> 'resolved'
RETURNING id
"""


async def acknowledge(conn: Connection, *, incident_id: UUID) -> bool:
    """Somebody is on it; False: there is no open one of that id. A repetition changes nothing."""
    return await conn.fetchval(FLEET_ACKNOWLEDGE, incident_id) is not None


class Listener(Struct, frozen=True):
    """A channel of the operator."""

    channel_id: UUID
    name: str
    kind: str


LISTENERS = "SELECT id, name, kind FROM channels WHERE tenant_id = $1 AND enabled ORDER BY number FOR KEY SHARE"


async def listeners(conn: Connection, *, tenant_id: TenantId) -> list[Listener]:
    """Who is told of what opens. The locks keep a channel from going away before the row that names it commits."""
    return [Listener(*row) for row in await conn.fetch(LISTENERS, tenant_id)]


# One whose opening is dead is owed the end as well: it is written down as withheld, until a replay.
LISTENERS_TOLD = """
SELECT d.incident_id, c.id, c.name, c.kind
FROM deliveries d
JOIN channels c ON c.tenant_id = d.tenant_id AND c.id = d.channel_id
WHERE d.tenant_id = $1 AND d.incident_id = ANY($2::uuid[]) AND d.notice = 'opened' AND c.enabled
  AND d.state <> 'cancelled'
ORDER BY c.number
FOR KEY SHARE OF c
"""


async def listeners_told(
    conn: Connection, *, tenant_id: TenantId, incident_ids: Sequence[UUID]
) -> list[tuple[UUID, Listener]]:
    """(incident, channel) for each channel that was owed the opening."""
    rows = await conn.fetch(LISTENERS_TOLD, tenant_id, incident_ids)
    return [(row["incident_id"], Listener(row["id"], row["name"], row["kind"])) for row in rows]
