"""Maintenance as a page tells it: public windows that touch its components, now and in the next time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from control_plane.domain.pages.public_page import PublicMaintenance
from control_plane.services.maintenance.read_maintenance import MOST, times_of
from control_plane.store import maintenance
from control_plane.store.maintenance import WindowRow
from control_plane.store.page_reads import FacedComponent, PageFace
from control_plane.store.pool import Connection

AHEAD = timedelta(days=30)
PER_WINDOW = 3
"""Times told of one window: a nightly one would fill the page."""


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


def _touches(window: WindowRow, row: FacedComponent) -> bool:
    return window.covers_all or row.monitor_id in window.monitors or not set(window.tags).isdisjoint(row.tags)


def _times(window: WindowRow, touching: Sequence[FacedComponent], *, now: datetime) -> list[PublicMaintenance]:
    times = times_of(window, since=now, until=now + AHEAD)[:PER_WINDOW]
    return [
        PublicMaintenance(
            id=window.id,
            title=window.title,
            description=window.description,
            starts_at=one.starts_at,
            ends_at=one.ends_at,
            active=one.starts_at <= now,
            components=[row.name for row in touching],
            component_ids=[row.id for row in touching],
            changed_at=window.updated_at,
            changes=window.revision - 1,
        )
        for one in times
    ]
