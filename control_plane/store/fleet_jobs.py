"""Jobs of all tenants: for the operator, who reads how they go and not what they are about."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from control_plane.store.pool import Connection


class FleetJob(Struct, frozen=True, kw_only=True):
    """A tenant's job: `done` of `total` items are done, `failed` of which were refused. Their words are its own."""

    id: UUID
    tenant_id: UUID
    tenant: str
    number: int
    kind: str
    state: str
    total: int
    done: int
    failed: int
    error_code: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


_COLUMNS = """
j.id, j.tenant_id, t.name AS tenant, j.number, j.kind, j.state, j.total, j.done, j.failed,
j.error ->> 'code' AS error_code, j.created_at, j.started_at, j.finished_at
"""
_WANTED = """
FROM jobs j JOIN tenants t ON t.id = j.tenant_id
WHERE ($1::uuid IS NULL OR j.tenant_id = $1) AND ($2::text IS NULL OR j.kind = $2)
  AND ($3::text IS NULL OR j.state = $3)
"""
FLEET_LIST = f"SELECT {_COLUMNS} {_WANTED} ORDER BY j.created_at DESC, j.id LIMIT $4 OFFSET $5"
FLEET_COUNT = f"SELECT count(*) {_WANTED}"


async def list_of_all(
    conn: Connection, *, tenant_id: UUID | None, kind: str | None, state: str | None, limit: int, offset: int
) -> tuple[list[FleetJob], int]:
    """One page, newest first, and how many there are."""
    rows = await conn.fetch(FLEET_LIST, tenant_id, kind, state, limit, offset)
    total: int = await conn.fetchval(FLEET_COUNT, tenant_id, kind, state)
    return [FleetJob(**row) for row in rows], total


FLEET_GET = f"SELECT {_COLUMNS} FROM jobs j JOIN tenants t ON t.id = j.tenant_id WHERE j.id = $1"


async def find_job(conn: Connection, *, job_id: UUID) -> FleetJob | None:
    """A job of whomever."""
    row = await conn.fetchrow(FLEET_GET, job_id)
    return row and FleetJob(**row)
