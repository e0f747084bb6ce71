"""Maintenance as a page tells it: public windows that touch its components, now, in the next time, and what is over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from control_plane.domain.pages.public_page import PublicMaintenance
from control_plane.services.maintenance.read_maintenance import MOST, times_of
from control_plane.store import maintenance, maintenance_past, page_reads
from control_plane.store.maintenance import WindowRow
from control_plane.store.maintenance_past import HeldWindow
from control_plane.store.page_reads import FacedComponent, PageFace
from control_plane.store.pool import Connection, Database

AHEAD = timedelta(days=30)
PER_WINDOW = 3
"""Times told of one window: a nightly one would fill the page."""
MOST_HELD = 50
"""Times that are over, of all windows: as many as Statuspage tells."""


async def maintenance_of(
    conn: Connection, face: PageFace, rows: Sequence[FacedComponent], *, now: datetime
) -> list[PublicMaintenance]:
    """What holds now or begins within AHEAD, earliest first."""
    if not rows:
        return []
    told: list[PublicMaintenance] = []
    for window in await maintenance.unended_windows(conn, tenant_id=face.tenant_id, limit=MOST):
        touching = [row for row in rows if _touches(window, row)] if window.public else []
        if touching:
            told += _times(window, touching, now=now)
    return sorted(told, key=lambda one: (one.starts_at, str(one.id)))


async def read_public_maintenance(
    database: Database, face: PageFace, *, since: datetime, until: datetime
) -> list[PublicMaintenance]:
    """What is over, ended since and began before: newest first."""
    async with database.tenant(face.tenant_id) as conn:
        rows = await page_reads.components_of_face(conn, tenant_id=face.tenant_id, page_id=face.id)
        return await held_of(conn, face, rows, since=since, until=until, limit=2 * MOST_HELD)


async def held_of(
    conn: Connection,
    face: PageFace,
    rows: Sequence[FacedComponent],
    *,
    since: datetime,
    until: datetime | None = None,
    limit: int = MOST_HELD,
) -> list[PublicMaintenance]:
    """The same on a connection."""
    if not rows:
        return []
    found = await maintenance_past.held_publicly(
        conn,
        tenant_id=face.tenant_id,
        monitor_ids=[row.monitor_id for row in rows],
        tags=sorted({tag for row in rows for tag in row.tags}),
        since=since,
        until=until,
        limit=limit,
    )
    told = [(window, [row for row in rows if _touches(window, row)]) for window in found]
    return [_told(window, touching, window.starts_at, window.ends_at, active=False) for window, touching in told]


def _touches(window: WindowRow | HeldWindow, row: FacedComponent) -> bool:
    return window.covers_all or row.monitor_id in window.monitors or not set(window.tags).isdisjoint(row.tags)


def _times(window: WindowRow, touching: Sequence[FacedComponent], *, now: datetime) -> list[PublicMaintenance]:
    times = times_of(window, since=now, until=now + AHEAD)[:PER_WINDOW]
    return [_told(window, touching, one.starts_at, one.ends_at, active=one.starts_at <= now) for one in times]


def _told(
    window: WindowRow | HeldWindow,
    touching: Sequence[FacedComponent],
    starts_at: datetime,
    ends_at: datetime,
    *,
    active: bool,
) -> PublicMaintenance:
    return PublicMaintenance(
        id=window.id,
        title=window.title,
        description=window.description,
        starts_at=starts_at,
        ends_at=ends_at,
        active=active,
        components=[row.name for row in touching],
        component_ids=[row.id for row in touching],
        changed_at=window.updated_at,
        changes=window.revision - 1,
    )
