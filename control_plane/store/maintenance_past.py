"""Public maintenance that is over, for whoever may read of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from control_plane.store.pool import Connection
from shared.ids import TenantId


class HeldWindow(Struct, frozen=True, kw_only=True):
    """One time that a public window held: [starts_at, ends_at). What it covers is as it is named today."""

    id: UUID
    title: str
    description: str
    covers_all: bool
    monitors: list[UUID]
    tags: list[str]
    starts_at: datetime
    ends_at: datetime
    updated_at: datetime
    revision: int


HELD_PUBLICLY = """
SELECT w.id, w.title, w.description, w.covers_all, w.monitors, w.tags, o.starts_at, o.ends_at, w.updated_at, w.revision
FROM maintenance_occurrences o
JOIN maintenance_windows w ON w.tenant_id = o.tenant_id AND w.id = o.window_id
WHERE o.tenant_id = $1 AND w.public AND (w.covers_all OR w.monitors && $2::uuid[] OR w.tags && $3::text[])
  AND o.ends_at > $4 AND o.ends_at <= clock_timestamp() AND ($5::timestamptz IS NULL OR o.starts_at < $5)
  AND o.ends_at > o.starts_at
ORDER BY o.starts_at DESC, o.window_id LIMIT $6
"""


async def held_publicly(
    conn: Connection,
    *,
    tenant_id: TenantId,
    monitor_ids: Sequence[UUID],
    tags: Sequence[str],
    since: datetime,
    until: datetime | None,
    limit: int,
) -> list[HeldWindow]:
    """What ended since an instant, and began before another, of windows that name one of these; newest first."""
    rows = await conn.fetch(HELD_PUBLICLY, tenant_id, list(monitor_ids), list(tags), since, until, limit)
    return [HeldWindow(**row) for row in rows]
