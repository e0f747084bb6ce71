"""A tenant's routes: which notices go to which channels, whatever monitors are bound to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from control_plane.store.pool import Connection
from shared.ids import TenantId


class RouteRow(Struct, frozen=True, kw_only=True):
    """A route and the channels that it leads to, in ascending id. What is empty does not restrict."""

    tenant_id: UUID
    id: UUID
    key: str | None
    name: str
    enabled: bool
    severities: list[str]
    tags: list[str]
    groups: list[str]
    kinds: list[str]
    monitor_ids: list[UUID]
    events: list[str] | None
    write_source: str
    created_at: datetime
    updated_at: datetime
    revision: int
    channel_ids: list[UUID]


class RouteWrite(Struct, frozen=True, kw_only=True):
    """What a write sets, in the order of the statements' parameters; the channels come last."""

    key: str | None
    name: str
    enabled: bool
    severities: list[str]
    tags: list[str]
    groups: list[str]
    kinds: list[str]
    monitor_ids: list[UUID]
    events: list[str] | None
    write_source: str
    channel_ids: list[UUID]

    def values(self) -> tuple[object, ...]:
        return tuple(getattr(self, name) for name in self.__struct_fields__ if name != "channel_ids")


COLUMNS = """r.tenant_id, r.id, r.key, r.name, r.enabled, r.severities, r.tags, r.groups, r.kinds, r.monitor_ids,
    r.events, r.write_source, r.created_at, r.updated_at, r.revision,
    ARRAY(SELECT rc.channel_id FROM route_channels rc
          WHERE rc.tenant_id = r.tenant_id AND rc.route_id = r.id ORDER BY rc.channel_id) AS channel_ids"""

ROUTE = f"SELECT {COLUMNS} FROM routes r WHERE r.tenant_id = $1 AND r.id = $2"


async def route(conn: Connection, *, tenant_id: TenantId, route_id: UUID) -> RouteRow | None:
    """One route; None: the tenant has no such."""
    row = await conn.fetchrow(ROUTE, tenant_id, route_id)
    return None if row is None else RouteRow(**row)


ROUTES = f"SELECT {COLUMNS} FROM routes r WHERE r.tenant_id = $1 ORDER BY r.id LIMIT $2 OFFSET $3"


async def routes(conn: Connection, *, tenant_id: TenantId, limit: int | None = None, offset: int = 0) -> list[RouteRow]:
    """A tenant's routes, oldest first; all of them without a limit."""
    return [RouteRow(**row) for row in await conn.fetch(ROUTES, tenant_id, limit, offset)]


COUNT = "SELECT count(*) FROM routes WHERE tenant_id = $1"


async def count_routes(conn: Connection, *, tenant_id: TenantId) -> int:
    """How many the tenant has."""
    count: int = await conn.fetchval(COUNT, tenant_id)
    return count


LOCK_ROUTES = "SELECT FROM routes WHERE tenant_id = $1 AND id = ANY ($2::uuid[]) ORDER BY id FOR UPDATE"


async def hold_routes(conn: Connection, *, tenant_id: TenantId, ids: Sequence[UUID]) -> None:
    """Lock these routes until commit. Their channels are held after them."""
    await conn.execute(LOCK_ROUTES, tenant_id, list(ids))


# Whoever deletes a channel holds it first, and what leads to it after: so does whoever changes where a route leads.
HOLD_CHANNELS = """
SELECT FROM channels
WHERE tenant_id = $1 AND (id = ANY($3::uuid[]) OR id IN (
    SELECT channel_id FROM route_channels WHERE tenant_id = $1 AND route_id = $2))
ORDER BY id
FOR KEY SHARE
"""
INSERT = """
INSERT INTO routes (tenant_id, id, key, name, enabled, severities, tags, groups, kinds, monitor_ids, events,
    write_source)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
"""
INSERT_CHANNELS = """
INSERT INTO route_channels (tenant_id, route_id, channel_id) SELECT $1, $2, unnest($3::uuid[])
"""


async def insert_route(conn: Connection, *, tenant_id: TenantId, route_id: UUID, write: RouteWrite) -> None:
    """Create it. Raises Conflict NAME_TAKEN, KEY_TAKEN, BadRequest when a channel is gone."""
    await conn.execute(INSERT, tenant_id, route_id, *write.values())
    await conn.execute(HOLD_CHANNELS, tenant_id, route_id, write.channel_ids)
    await conn.execute(INSERT_CHANNELS, tenant_id, route_id, write.channel_ids)


UPDATE = """
UPDATE routes
SET key = $3, name = $4, enabled = $5, severities = $6, tags = $7, groups = $8, kinds = $9, monitor_ids = $10,
    events = $11, write_source = $12, updated_at = now(), revision = revision + 1
WHERE tenant_id = $1 AND id = $2
"""
DELETE_CHANNELS = """
DELETE FROM route_channels WHERE tenant_id = $1 AND route_id = $2 AND channel_id <> ALL ($3::uuid[])
"""
ADD_CHANNELS = f"{INSERT_CHANNELS} ON CONFLICT DO NOTHING"


async def update_route(conn: Connection, *, tenant_id: TenantId, route_id: UUID, write: RouteWrite) -> None:
    """Change a route that is held. Raises as `insert_route` does."""
    await conn.execute(UPDATE, tenant_id, route_id, *write.values())
    await conn.execute(HOLD_CHANNELS, tenant_id, route_id, write.channel_ids)
    await conn.execute(DELETE_CHANNELS, tenant_id, route_id, write.channel_ids)
    await conn.execute(ADD_CHANNELS, tenant_id, route_id, write.channel_ids)


DELETE = "DELETE FROM routes WHERE tenant_id = $1 AND id = $2"


async def delete_route(conn: Connection, *, tenant_id: TenantId, route_id: UUID) -> None:
    """Delete a route that is held; its channels stay."""
    await conn.execute(HOLD_CHANNELS, tenant_id, route_id, [])
    await conn.execute(DELETE, tenant_id, route_id)
