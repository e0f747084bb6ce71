"""A tenant's silences: what is owed while one holds and means it is cancelled."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from control_plane.store.pool import Connection
from shared.ids import TenantId

State = Literal["pending", "active", "expired"]


class SilenceRow(Struct, frozen=True, kw_only=True):
    """A silence, and its state by the database's clock. What is empty does not restrict."""

    tenant_id: UUID
    id: UUID
    name: str
    reason: str
    starts_at: datetime
    ends_at: datetime
    severities: list[str]
    tags: list[str]
    groups: list[str]
    kinds: list[str]
    monitor_ids: list[UUID]
    channel_ids: list[UUID]
    created_by: str
    write_source: str
    created_at: datetime
    updated_at: datetime
    revision: int
    state: State


class SilenceWrite(Struct, frozen=True, kw_only=True):
    """What a write sets, in the order of the statements' parameters."""

    name: str
    reason: str
    starts_at: datetime
    ends_at: datetime
    severities: list[str]
    tags: list[str]
    groups: list[str]
    kinds: list[str]
    monitor_ids: list[UUID]
    channel_ids: list[UUID]
    write_source: str

    def values(self) -> tuple[object, ...]:
        return tuple(getattr(self, name) for name in self.__struct_fields__)


_STATE = """CASE WHEN ends_at <= clock_timestamp() THEN 'expired' WHEN starts_at > clock_timestamp() THEN 'pending'
    ELSE 'active' END"""
COLUMNS = f"""tenant_id, id, name, reason, starts_at, ends_at, severities, tags, groups, kinds, monitor_ids,
    channel_ids, created_by, write_source, created_at, updated_at, revision, {_STATE} AS state"""

SILENCE = f"SELECT {COLUMNS} FROM silences WHERE tenant_id = $1 AND id = $2"


async def silence(conn: Connection, *, tenant_id: TenantId, silence_id: UUID) -> SilenceRow | None:
    """One silence; None: the tenant has no such."""
    row = await conn.fetchrow(SILENCE, tenant_id, silence_id)
    return None if row is None else SilenceRow(**row)


LOCK = f"{SILENCE} FOR UPDATE"


async def hold_silence(conn: Connection, *, tenant_id: TenantId, silence_id: UUID) -> SilenceRow | None:
    """The same, locked until commit."""
    row = await conn.fetchrow(LOCK, tenant_id, silence_id)
    return None if row is None else SilenceRow(**row)


SILENCES = f"""
SELECT * FROM (SELECT {COLUMNS} FROM silences WHERE tenant_id = $1) s
WHERE $2::text IS NULL OR s.state = $2
ORDER BY s.id DESC LIMIT $3 OFFSET $4
"""
COUNT = f"SELECT count(*) FROM silences WHERE tenant_id = $1 AND ($2::text IS NULL OR {_STATE} = $2)"


async def silences(
    conn: Connection, *, tenant_id: TenantId, state: State | None, limit: int, offset: int
) -> tuple[list[SilenceRow], int]:
    """One page of a tenant's silences, newest first, and how many there are; `state`: of that state only."""
    rows = await conn.fetch(SILENCES, tenant_id, state, limit, offset)
    total: int = await conn.fetchval(COUNT, tenant_id, state)
    return [SilenceRow(**row) for row in rows], total


COUNT_UNENDED = "SELECT count(*) FROM silences WHERE tenant_id = $1 AND ends_at > clock_timestamp()"


async def count_unended(conn: Connection, *, tenant_id: TenantId) -> int:
    """How many count towards the plan: those that are not over."""
    count: int = await conn.fetchval(COUNT_UNENDED, tenant_id)
    return count


INSERT = f"""
INSERT INTO silences (tenant_id, id, created_by, name, reason, starts_at, ends_at, severities, tags, groups, kinds,
    monitor_ids, channel_ids, write_source)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
RETURNING {COLUMNS}
"""


async def insert_silence(
    conn: Connection, *, tenant_id: TenantId, silence_id: UUID, created_by: str, write: SilenceWrite
) -> SilenceRow:
    return SilenceRow(**await conn.fetchrow(INSERT, tenant_id, silence_id, created_by, *write.values()))


UPDATE = f"""
UPDATE silences
SET name = $3, reason = $4, starts_at = $5, ends_at = $6, severities = $7, tags = $8, groups = $9, kinds = $10,
    monitor_ids = $11, channel_ids = $12, write_source = $13, updated_at = now(), revision = revision + 1
WHERE tenant_id = $1 AND id = $2
RETURNING {COLUMNS}
"""


async def update_silence(conn: Connection, *, tenant_id: TenantId, silence_id: UUID, write: SilenceWrite) -> SilenceRow:
    """Change a silence that is held."""
    return SilenceRow(**await conn.fetchrow(UPDATE, tenant_id, silence_id, *write.values()))


DELETE = "DELETE FROM silences WHERE tenant_id = $1 AND id = $2"


async def delete_silence(conn: Connection, *, tenant_id: TenantId, silence_id: UUID) -> None:
    """It ends now, if it has not ended. What it cancelled keeps its name."""
    await conn.execute(DELETE, tenant_id, silence_id)
