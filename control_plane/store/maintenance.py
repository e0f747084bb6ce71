"""Maintenance windows: what people plan, and what has held."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from control_plane.store.pool import Connection
from shared.ids import TenantId

WindowState = Literal["planned", "active", "ended"]


class WindowRow(Struct, frozen=True, kw_only=True):
    """A window. `next_*` is what it will hold next, `current_*` what it holds now."""

    tenant_id: UUID
    id: UUID
    number: int
    title: str
    description: str
    public: bool
    covers_all: bool
    monitors: list[UUID]
    tags: list[str]
    starts_at: datetime
    ends_at: datetime | None
    cron: str | None
    rrule: str | None
    duration_s: int | None
    timezone: str
    until: datetime | None
    next_starts_at: datetime | None
    next_ends_at: datetime | None
    current_starts_at: datetime | None
    current_ends_at: datetime | None
    covered_at: datetime | None
    ended_at: datetime | None
    deleted_at: datetime | None
    write_source: str
    created_at: datetime
    updated_at: datetime
    revision: int
    state: WindowState
    key: str | None = None


_STATE = """CASE
    WHEN current_ends_at > clock_timestamp()
        OR (next_starts_at <= clock_timestamp() AND next_ends_at > clock_timestamp()) THEN 'active'
    WHEN next_starts_at IS NOT NULL AND (duration_s IS NOT NULL OR next_ends_at > clock_timestamp()) THEN 'planned'
    ELSE 'ended' END"""
WINDOW_COLUMNS = f"""tenant_id, id, number, title, description, public, covers_all, monitors, tags, starts_at, ends_at,
    cron, rrule, duration_s, timezone, until, next_starts_at, next_ends_at, current_starts_at, current_ends_at,
    covered_at, ended_at, deleted_at, write_source, created_at, updated_at, revision, {_STATE} AS state, key"""

INSERT = f"""
WITH counted AS (
    UPDATE tenant_counters SET maintenance = maintenance + 1 WHERE tenant_id = $1 RETURNING maintenance
)
INSERT INTO maintenance_windows (tenant_id, id, number, title, description, public, covers_all, monitors, tags,
    starts_at, ends_at, cron, rrule, duration_s, timezone, until, next_starts_at, next_ends_at, write_source, key)
SELECT $1, $2, counted.maintenance, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19
FROM counted
RETURNING {WINDOW_COLUMNS}
"""


class WindowWrite(Struct, frozen=True, kw_only=True):
    """What a write sets, in the order of the statements' parameters."""

    title: str
    description: str
    public: bool
    covers_all: bool
    monitors: list[UUID]
    tags: list[str]
    starts_at: datetime
    ends_at: datetime | None
    cron: str | None
    rrule: str | None
    duration_s: int | None
    timezone: str
    until: datetime | None
    next_starts_at: datetime | None
    next_ends_at: datetime | None
    write_source: str
    key: str | None = None

    def values(self) -> tuple[object, ...]:
        return tuple(getattr(self, name) for name in self.__struct_fields__)


async def insert_window(conn: Connection, *, tenant_id: TenantId, window_id: UUID, write: WindowWrite) -> WindowRow:
    """Create it. Holds the tenant's counters until commit. Raises Conflict KEY_TAKEN."""
    return WindowRow(**await conn.fetchrow(INSERT, tenant_id, window_id, *write.values()))


WINDOW = f"SELECT {WINDOW_COLUMNS} FROM maintenance_windows WHERE tenant_id = $1 AND id = $2 AND deleted_at IS NULL"


async def window(conn: Connection, *, tenant_id: TenantId, window_id: UUID) -> WindowRow | None:
    """One window; None: the tenant has no such."""
    row = await conn.fetchrow(WINDOW, tenant_id, window_id)
    return row and WindowRow(**row)


LOCK = f"{WINDOW} FOR UPDATE"


async def lock_window(conn: Connection, *, tenant_id: TenantId, window_id: UUID) -> WindowRow | None:
    """The same, locked until commit."""
    row = await conn.fetchrow(LOCK, tenant_id, window_id)
    return row and WindowRow(**row)


UPDATE = f"""
UPDATE maintenance_windows
SET title = $3, description = $4, public = $5, covers_all = $6, monitors = $7, tags = $8, starts_at = $9, ends_at = $10,
    cron = $11, rrule = $12, duration_s = $13, timezone = $14, until = $15, next_starts_at = $16, next_ends_at = $17,
    write_source = $18, key = $19, current_ends_at = coalesce($20, current_ends_at),
    updated_at = now(), revision = revision + 1
WHERE tenant_id = $1 AND id = $2
RETURNING {WINDOW_COLUMNS}
"""


async def update_window(
    conn: Connection, *, tenant_id: TenantId, window_id: UUID, write: WindowWrite, current_ends_at: datetime | None
) -> WindowRow:
    """Change a window that is locked. `current_ends_at` moves the end of what holds now; None leaves it."""
    return WindowRow(**await conn.fetchrow(UPDATE, tenant_id, window_id, *write.values(), current_ends_at))


CUT = f"""
UPDATE maintenance_windows
SET current_ends_at = $3::timestamptz, deleted_at = CASE WHEN $4::boolean THEN $3::timestamptz END,
    write_source = coalesce($5, write_source),
    next_starts_at = CASE WHEN $4 THEN NULL ELSE next_starts_at END,
    next_ends_at = CASE WHEN $4 THEN NULL ELSE next_ends_at END,
    updated_at = now(), revision = revision + 1
WHERE tenant_id = $1 AND id = $2
RETURNING {WINDOW_COLUMNS}
"""


async def cut_window(
    conn: Connection, *, tenant_id: TenantId, window_id: UUID, at: datetime, delete: bool, write_source: str | None
) -> WindowRow:
    """End what a locked window holds at this instant; `delete`: and the window with it."""
    return WindowRow(**await conn.fetchrow(CUT, tenant_id, window_id, at, delete, write_source))


DELETE = "DELETE FROM maintenance_windows WHERE tenant_id = $1 AND id = $2"


async def delete_window(conn: Connection, *, tenant_id: UUID, window_id: UUID) -> None:
    """Delete a window and the list of when it held. What it covered stays in the monitors' periods."""
    await conn.execute(DELETE, tenant_id, window_id)


COUNT_KEPT = """
SELECT count(*) FROM maintenance_windows WHERE tenant_id = $1 AND ended_at IS NULL AND deleted_at IS NULL
"""


async def count_unended(conn: Connection, *, tenant_id: TenantId) -> int:
    """How many windows count towards the plan: those that are not over."""
    count: int = await conn.fetchval(COUNT_KEPT, tenant_id)
    return count


KNOWN_MONITORS = "SELECT id FROM monitors WHERE tenant_id = $1 AND id = ANY($2::uuid[])"


async def known_monitors(conn: Connection, *, tenant_id: TenantId, monitor_ids: Sequence[UUID]) -> set[UUID]:
    """Those of these ids that are monitors of the tenant."""
    return {row["id"] for row in await conn.fetch(KNOWN_MONITORS, tenant_id, list(monitor_ids))}


class Wanted(Struct, frozen=True, kw_only=True):
    """Filters of a list; None leaves one out. A range names windows that are not over before it nor begin after it."""

    state: WindowState | None = None
    since: datetime | None = None
    until: datetime | None = None
    monitor_id: UUID | None = None


_LISTED = f"""
FROM maintenance_windows w
WHERE tenant_id = $1 AND deleted_at IS NULL
  AND ($2::text IS NULL OR {_STATE} = $2)
  AND ($3::timestamptz IS NULL OR coalesce(ended_at, current_ends_at, next_ends_at) > $3
       OR (duration_s IS NOT NULL AND ended_at IS NULL AND (w.until IS NULL OR w.until > $3)))
  AND ($4::timestamptz IS NULL OR starts_at < $4)
  AND ($5::uuid IS NULL OR EXISTS (SELECT FROM monitors m WHERE m.tenant_id = $1 AND m.id = $5
        AND (w.covers_all OR m.id = ANY(w.monitors) OR m.tags && w.tags)))
"""
WINDOWS = f"SELECT {WINDOW_COLUMNS} {_LISTED} ORDER BY number DESC LIMIT $6 OFFSET $7"
COUNT_WINDOWS = f"SELECT count(*) {_LISTED}"


async def windows(
    conn: Connection, *, tenant_id: TenantId, wanted: Wanted, limit: int, offset: int
) -> tuple[list[WindowRow], int]:
    """A page of windows, newest first, and how many there are."""
    chosen = (tenant_id, wanted.state, wanted.since, wanted.until, wanted.monitor_id)
    rows = await conn.fetch(WINDOWS, *chosen, limit, offset)
    return [WindowRow(**row) for row in rows], await conn.fetchval(COUNT_WINDOWS, *chosen)


UNENDED = f"""
SELECT {WINDOW_COLUMNS} FROM maintenance_windows
WHERE tenant_id = $1 AND ended_at IS NULL AND deleted_at IS NULL ORDER BY number LIMIT $2
"""


async def unended_windows(conn: Connection, *, tenant_id: TenantId, limit: int) -> list[WindowRow]:
    """Windows that hold now or will hold again, oldest first."""
    return [WindowRow(**row) for row in await conn.fetch(UNENDED, tenant_id, limit)]
