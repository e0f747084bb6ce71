"""The components of status pages: which monitors the public sees, under what names, in what order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from control_plane.store.pool import Connection
from shared.ids import TenantId


class ComponentRow(Struct, frozen=True, kw_only=True):
    """A component as stored, with the name that its monitor has inside."""

    tenant_id: UUID
    id: UUID
    page_id: UUID
    monitor_id: UUID
    monitor_name: str
    name: str
    description: str
    group: str | None
    position: int
    show_uptime: bool
    show_latency: bool
    write_source: str
    created_at: datetime
    updated_at: datetime
    revision: int


class ComponentWrite(Struct, frozen=True, kw_only=True):
    """What a write sets, in the order of the statements' parameters."""

    name: str
    description: str
    group: str | None
    show_uptime: bool
    show_latency: bool
    write_source: str

    def values(self) -> tuple[object, ...]:
        return tuple(getattr(self, name) for name in self.__struct_fields__)


VIEW = """
SELECT c.tenant_id, c.id, c.page_id, c.monitor_id, m.name AS monitor_name, c.name, c.description, c."group", c.position,
    c.show_uptime, c.show_latency, c.write_source, c.created_at, c.updated_at, c.revision
FROM page_components c JOIN monitors m ON m.tenant_id = c.tenant_id AND m.id = c.monitor_id
"""
LIST_COMPONENTS = f"{VIEW} WHERE c.tenant_id = $1 AND c.page_id = $2 ORDER BY c.position, c.id LIMIT $3 OFFSET $4"
COUNT_COMPONENTS = "SELECT count(*) FROM page_components WHERE tenant_id = $1 AND page_id = $2"


async def list_components(
    conn: Connection, *, tenant_id: TenantId, page_id: UUID, limit: int | None = None, offset: int = 0
) -> list[ComponentRow]:
    """Those of a page, in its order; all of them without a limit."""
    return [ComponentRow(**row) for row in await conn.fetch(LIST_COMPONENTS, tenant_id, page_id, limit, offset)]


async def count_components(conn: Connection, *, tenant_id: TenantId, page_id: UUID) -> int:
    """How many a page has."""
    count: int = await conn.fetchval(COUNT_COMPONENTS, tenant_id, page_id)
    return count


GET_COMPONENT = f"{VIEW} WHERE c.tenant_id = $1 AND c.page_id = $2 AND c.id = $3"


async def get_component(
    conn: Connection, *, tenant_id: TenantId, page_id: UUID, component_id: UUID
) -> ComponentRow | None:
    """One component of a page; None: the page has no such."""
    row = await conn.fetchrow(GET_COMPONENT, tenant_id, page_id, component_id)
    return None if row is None else ComponentRow(**row)


COUNT_PUBLIC = "SELECT count(DISTINCT monitor_id) FROM page_components WHERE tenant_id = $1"


async def count_public_monitors(conn: Connection, *, tenant_id: TenantId) -> int:
    """How many monitors the tenant shows on its pages, each counted once."""
    count: int = await conn.fetchval(COUNT_PUBLIC, tenant_id)
    return count


INSERT_COMPONENT = """
INSERT INTO page_components (tenant_id, id, page_id, monitor_id, name, description, "group", show_uptime, show_latency,
    write_source, position)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, (
    SELECT coalesce(max(position), 0) + 1 FROM page_components WHERE tenant_id = $1 AND page_id = $3))
"""


async def insert_component(
    conn: Connection, *, tenant_id: TenantId, component_id: UUID, page_id: UUID, monitor_id: UUID, write: ComponentWrite
) -> None:
    """Put it at the end of the page, which is held. Raises Conflict COMPONENT_ON_PAGE, BadRequest INVALID_MONITOR."""
    await conn.execute(INSERT_COMPONENT, tenant_id, component_id, page_id, monitor_id, *write.values())


UPDATE_COMPONENT = """
UPDATE page_components
SET name = $4, description = $5, "group" = $6, show_uptime = $7, show_latency = $8, write_source = $9,
    updated_at = now(), revision = revision + 1
WHERE tenant_id = $1 AND page_id = $2 AND id = $3
"""


async def update_component(
    conn: Connection, *, tenant_id: TenantId, page_id: UUID, component_id: UUID, write: ComponentWrite
) -> None:
    """Change a component of a page that is held."""
    await conn.execute(UPDATE_COMPONENT, tenant_id, page_id, component_id, *write.values())


DELETE_COMPONENT = "DELETE FROM page_components WHERE tenant_id = $1 AND page_id = $2 AND id = $3"


async def delete_component(conn: Connection, *, tenant_id: TenantId, page_id: UUID, component_id: UUID) -> None:
    """Take a component from a page that is held; its monitor stays."""
    await conn.execute(DELETE_COMPONENT, tenant_id, page_id, component_id)


# In the order of monitors, in which those that are deleted take their components along.
HOLD_COMPONENTS = "SELECT FROM page_components WHERE tenant_id = $1 AND page_id = $2 ORDER BY monitor_id FOR UPDATE"
PLACE_COMPONENTS = """
UPDATE page_components c SET position = o.position, updated_at = now(), write_source = $4, revision = revision + 1
FROM unnest($3::uuid[]) WITH ORDINALITY AS o (id, position)
WHERE c.tenant_id = $1 AND c.page_id = $2 AND c.id = o.id AND c.position <> o.position
"""


async def place_components(
    conn: Connection, *, tenant_id: TenantId, page_id: UUID, ids: Sequence[UUID], write_source: str
) -> None:
    """Put the components of a page that is held into this order."""
    await conn.execute(HOLD_COMPONENTS, tenant_id, page_id)
    await conn.execute(PLACE_COMPONENTS, tenant_id, page_id, list(ids), write_source)
