"""audit: who changed what. Rows are written by triggers alone (sql/migrations/0013.audit.sql)."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from control_plane.store.pool import Connection


class AuditEntry(Struct, frozen=True, kw_only=True):
    """One object that somebody changed. `changes`: field → [before, after], `***` for what is secret."""

    id: UUID
    at: datetime
    actor_kind: str
    actor_id: UUID | None
    actor: str
    source: str
    address: str | None
    trace_id: str | None
    operation: str
    action: str
    object_kind: str
    object_id: str
    object_name: str | None
    changes: dict[str, Any]


class FleetAuditEntry(AuditEntry, frozen=True, kw_only=True):
    """The same as the operator sees it. `tenant_id` is made of noughts where the object is no tenant's."""

    tenant_id: UUID


class AuditFilter(Struct, frozen=True, kw_only=True):
    """Which entries; None does not filter. `since` and `until` are half-open: [since, until)."""

    actor_id: UUID | None = None
    actor_kind: str | None = None
    action: str | None = None
    operation: str | None = None
    object_kind: str | None = None
    object_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


_COLUMNS = """id, at, actor_kind, actor_id, actor, source, address, trace_id, operation, action, object_kind, object_id,
    object_name, changes"""

_WANTED = """
  AND ($2::uuid IS NULL OR id < $2)
  AND ($3::uuid IS NULL OR actor_id = $3)
  AND ($4::text IS NULL OR actor_kind = $4)
  AND ($5::text IS NULL OR action = $5)
  AND ($6::text IS NULL OR operation = $6)
  AND ($7::text IS NULL OR object_kind = $7)
  AND ($8::text IS NULL OR object_id = $8)
  AND ($9::timestamptz IS NULL OR at >= $9)
  AND ($10::timestamptz IS NULL OR at < $10)
ORDER BY id DESC LIMIT $11
"""

LIST = f"SELECT {_COLUMNS} FROM audit WHERE tenant_id = $1 {_WANTED}"


async def entries(
    conn: Connection, *, tenant_id: UUID, wanted: AuditFilter, before: UUID | None, limit: int
) -> list[AuditEntry]:
    """The newest entries of a tenant that came before an entry, newest first."""
    rows = await conn.fetch(LIST, tenant_id, before, *_arguments(wanted), limit)
    return [AuditEntry(**row) for row in rows]


FLEET_LIST = f"SELECT tenant_id, {_COLUMNS} FROM audit WHERE ($1::uuid IS NULL OR tenant_id = $1) {_WANTED}"


async def fleet_entries(
    conn: Connection, *, tenant_id: UUID | None, wanted: AuditFilter, before: UUID | None, limit: int
) -> list[FleetAuditEntry]:
    """The same over all tenants, or of one, for the operator."""
    rows = await conn.fetch(FLEET_LIST, tenant_id, before, *_arguments(wanted), limit)
    return [FleetAuditEntry(**row) for row in rows]


def _arguments(wanted: AuditFilter) -> tuple[object, ...]:
    return (
        wanted.actor_id,
        wanted.actor_kind,
        wanted.action,
        wanted.operation,
        wanted.object_kind,
        wanted.object_id,
        wanted.since,
        wanted.until,
    )
