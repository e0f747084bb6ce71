"""The times at which maintenance windows will hold."""

from __future__ import annotations

from datetime import datetime
from itertools import islice
from uuid import UUID

from msgspec import Struct

from control_plane.domain.maintenance.maintenance import Occurrence, between, occurrences
from control_plane.services.maintenance.maintenance_rows import planned_next, schedule_of
from control_plane.store import maintenance
from control_plane.store.maintenance import WindowRow
from control_plane.store.pool import Connection
from shared.ids import TenantId

NEXT = 10
"""Times told of one window."""
PER_WINDOW = 200
MOST = 1_000
"""Times told of all windows."""


class Planned(Struct, frozen=True, kw_only=True):
    """One time that a window holds: [starts_at, ends_at)."""

    window_id: UUID
    number: int
    title: str
    public: bool
    starts_at: datetime
    ends_at: datetime


def following(row: WindowRow) -> list[Occurrence]:
    """The next times that it holds, without what it holds now."""
    first = planned_next(row)
    if first is None or row.state == "ended" or not row.duration_s:
        return [first] if first is not None and row.state == "planned" else []
    later = (one for one in occurrences(schedule_of(row), after=first.ends_at) if one.starts_at >= first.ends_at)
    return [first, *islice(later, NEXT - 1)]


async def upcoming(conn: Connection, *, tenant_id: TenantId, since: datetime, until: datetime) -> list[Planned]:
    """What holds in [since, until), earliest first, at most MOST."""
    rows = await maintenance.unended_windows(conn, tenant_id=tenant_id, limit=MOST)
    found = [_told(row, one) for row in rows for one in times_of(row, since=since, until=until)]
    return sorted(found, key=lambda one: (one.starts_at, one.number))[:MOST]


def times_of(row: WindowRow, *, since: datetime, until: datetime) -> list[Occurrence]:
    """What the window holds in [since, until), at most PER_WINDOW."""
    held = (
        [Occurrence(row.current_starts_at, row.current_ends_at)]
        if row.current_starts_at and row.current_ends_at
        else []
    )
    first = planned_next(row)
    if first is not None and row.duration_s is None:
        held.append(first)
    told = [one for one in held if one.ends_at > since and one.starts_at < until]
    if first is not None and row.duration_s is not None:
        told += [
            one
            for one in between(schedule_of(row), since=max(since, first.starts_at), until=until, limit=PER_WINDOW)
            if one.starts_at >= first.starts_at
        ]
    return told


def _told(row: WindowRow, one: Occurrence) -> Planned:
    return Planned(
        window_id=row.id,
        number=row.number,
        title=row.title,
        public=row.public,
        starts_at=one.starts_at,
        ends_at=one.ends_at,
    )
