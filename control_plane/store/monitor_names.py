"""A tenant's monitors by name: what a form offers to choose from, and what was typed instead."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct

from control_plane.store.pool import Connection
from shared.ids import TenantId


class MonitorName(Struct, frozen=True):
    """A monitor as people tell it from others."""

    id: UUID
    number: int
    name: str


NAMES = "SELECT id, number, name FROM monitors WHERE tenant_id = $1 ORDER BY lower(name), number LIMIT $2"


async def names(conn: Connection, *, tenant_id: TenantId, limit: int) -> list[MonitorName]:
    """The first of them by name."""
    return [MonitorName(**row) for row in await conn.fetch(NAMES, tenant_id, limit)]


FIND = """
SELECT id, number, name FROM monitors
WHERE tenant_id = $1 AND (name = ANY ($2::text[]) OR number = ANY ($3::bigint[]) OR id = ANY ($4::uuid[]))
ORDER BY lower(name), number
"""


async def find(
    conn: Connection, *, tenant_id: TenantId, named: Sequence[str], numbers: Sequence[int], ids: Sequence[UUID]
) -> list[MonitorName]:
    """Those of these names, numbers or ids."""
    return [MonitorName(**row) for row in await conn.fetch(FIND, tenant_id, list(named), list(numbers), list(ids))]
