"""Incidents as a page tells them: those that touch its components, in words that people wrote for the public."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from control_plane.domain.pages.public_page import PublicIncident, PublicUpdate
from control_plane.domain.pages.public_words import incident_title
from control_plane.store import page_reads
from control_plane.store.page_reads import FacedComponent, FacedIncident, FacedUpdate, PageFace
from control_plane.store.pool import Connection, Database

MOST = 100
"""Incidents on a page; a longer history is read in parts."""


async def read_public_incident(database: Database, face: PageFace, incident_id: UUID) -> PublicIncident | None:
    """One incident; None when there is none of that id, or none that touches a component of the page."""
    async with database.tenant(face.tenant_id) as conn:
        rows = await page_reads.components_of_face(conn, tenant_id=face.tenant_id, page_id=face.id)
        found = await page_reads.incident_touching(
            conn, tenant_id=face.tenant_id, monitor_ids=[row.monitor_id for row in rows], incident_id=incident_id
        )
        told = await incidents_of(conn, face, rows, [found] if found else [])
    return told[0] if told else None


async def read_public_incidents(
    database: Database, face: PageFace, *, since: datetime, until: datetime, limit: int = MOST
) -> list[PublicIncident]:
    """What began before `until` and ended after `since`, and what is open: open ones first, then newest first."""
    async with database.tenant(face.tenant_id) as conn:
        rows = await page_reads.components_of_face(conn, tenant_id=face.tenant_id, page_id=face.id)
        found = await touched(conn, face, rows, since=since, until=until, limit=limit)
        return await incidents_of(conn, face, rows, found)


async def touched(
    conn: Connection,
    face: PageFace,
    rows: Sequence[FacedComponent],
    *,
    since: datetime,
    until: datetime | None = None,
    limit: int = MOST,
) -> list[FacedIncident]:
    """Incidents of the page's monitors: open ones, and those that ended since."""
    if not rows:
        return []
    ids = [row.monitor_id for row in rows]
    return await page_reads.incidents_touching(
        conn, tenant_id=face.tenant_id, monitor_ids=ids, since=since, until=until, limit=limit
    )


def open_declared(found: Sequence[FacedIncident]) -> list[str]:
    """Severities of what people declared and did not resolve yet."""
    return [one.severity for one in found if one.origin == "person" and one.resolved_at is None]


async def incidents_of(
    conn: Connection, face: PageFace, rows: Sequence[FacedComponent], found: Sequence[FacedIncident]
) -> list[PublicIncident]:
    """What the public is told of these incidents."""
    if not found:
        return []
    updates: dict[UUID, list[FacedUpdate]] = {}
    for update in await page_reads.updates_of(
        conn, tenant_id=face.tenant_id, incident_ids=[incident.id for incident in found]
    ):
        updates.setdefault(update.incident_id, []).append(update)
    return [_told(one, face, rows, updates.get(one.id, [])) for one in found]


def _told(
    incident: FacedIncident, face: PageFace, rows: Sequence[FacedComponent], updates: Sequence[FacedUpdate]
) -> PublicIncident:
    touching = [row for row in rows if row.monitor_id in incident.monitors]
    names = [row.name for row in touching]
    changes = [incident.started_at, *(update.at for update in updates)]
    return PublicIncident(
        id=incident.id,
        kind=incident.type,
        title=incident_title(incident.public_title, kind=incident.type, names=names, language=face.language),
        description=incident.public_description or "",
        phase=incident.phase,
        impact=incident.severity,
        started_at=incident.started_at,
        resolved_at=incident.resolved_at,
        updated_at=max([*changes, incident.resolved_at] if incident.resolved_at else changes),
        components=names,
        component_ids=[row.id for row in touching],
        updates=[PublicUpdate(phase=update.phase, text=update.text, at=update.at) for update in updates],
        named=bool(incident.public_title),
    )
