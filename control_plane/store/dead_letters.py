"""Deliveries of all tenants that were given up: for the operator."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from control_plane.store.pool import Connection


class DeadLetter(Struct, frozen=True, kw_only=True):
    """A delivery that nobody tries any more. `reason` says why; `channel_id` is null where the channel is gone."""

    tenant_id: UUID
    tenant: str
    id: UUID
    number: int
    channel_id: UUID | None
    channel_name: str
    channel_kind: str
    incident_id: UUID | None
    monitor_id: UUID | None
    event: str
    notice: str
    state: str
    reason: str | None
    attempts: int
    created_at: datetime
    finished_at: datetime | None


class LetterFilter(Struct, frozen=True, kw_only=True):
    """All that is given must hold. `since` and `until` are half-open: [since, until), of when it was given up."""

    tenant_id: UUID | None = None
    channel_id: UUID | None = None
    channel_kind: str | None = None
    since: datetime | None = None
    until: datetime | None = None


_COLUMNS = """
d.tenant_id, t.name AS tenant, d.id, d.number, d.channel_id, d.channel_name, d.channel_kind, d.incident_id,
d.monitor_id, d.event, d.notice, d.state, d.reason, d.attempts, d.created_at, d.finished_at
"""
_WANTED = """
FROM deliveries d JOIN tenants t ON t.id = d.tenant_id
WHERE d.state = 'dead' AND ($1::uuid IS NULL OR d.tenant_id = $1) AND ($2::uuid IS NULL OR d.channel_id = $2)
  AND ($3::text IS NULL OR d.channel_kind = $3)
  AND ($4::timestamptz IS NULL OR d.finished_at >= $4) AND ($5::timestamptz IS NULL OR d.finished_at < $5)
"""
FLEET_LIST = f"SELECT {_COLUMNS} {_WANTED} ORDER BY d.id DESC LIMIT $6 OFFSET $7"
FLEET_COUNT = f"SELECT count(*) {_WANTED}"


def _given(wanted: LetterFilter) -> tuple[object, ...]:
    return (wanted.tenant_id, wanted.channel_id, wanted.channel_kind, wanted.since, wanted.until)


async def list_letters(
    conn: Connection, *, wanted: LetterFilter, limit: int, offset: int
) -> tuple[list[DeadLetter], int]:
    """One page, newest first, and how many there are."""
    rows = await conn.fetch(FLEET_LIST, *_given(wanted), limit, offset)
    return [DeadLetter(**row) for row in rows], await conn.fetchval(FLEET_COUNT, *_given(wanted))


FLEET_GET = f"SELECT {_COLUMNS} FROM deliveries d JOIN tenants t ON t.id = d.tenant_id WHERE d.id = $1"


async def find_letter(conn: Connection, *, delivery_id: UUID) -> DeadLetter | None:
    """A delivery of whomever, in whatever state."""
    row = await conn.fetchrow(FLEET_GET, delivery_id)
    return row and DeadLetter(**row)


class Revivable(Struct, frozen=True):
    """A dead delivery whose channel is there."""

    tenant_id: UUID
    id: UUID


# Oldest first within a channel, in the order in which whoever replays locks channels.
FLEET_REVIVABLE = f"""
SELECT d.tenant_id, d.id {_WANTED} AND d.channel_id IS NOT NULL
ORDER BY d.tenant_id, d.channel_id, d.number LIMIT $6
"""


async def revivable(conn: Connection, *, wanted: LetterFilter, most: int) -> list[Revivable]:
    """Up to so many that can be owed again, by tenant."""
    return [Revivable(**row) for row in await conn.fetch(FLEET_REVIVABLE, *_given(wanted), most)]


FLEET_COUNT_REVIVABLE = f"SELECT count(*) {_WANTED} AND d.channel_id IS NOT NULL"


async def count_revivable(conn: Connection, *, wanted: LetterFilter) -> int:
    """How many can be owed again."""
    count: int = await conn.fetchval(FLEET_COUNT_REVIVABLE, *_given(wanted))
    return count
