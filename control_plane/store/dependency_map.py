"""All of a tenant's dependencies at once, with how the monitors are: what the graph is drawn from."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct

from control_plane.store.monitor_reads import SHOWN
from control_plane.store.pool import Connection
from shared.ids import TenantId


class MapNode(Struct, frozen=True, kw_only=True):
    """A monitor that depends on another, or that another depends on."""

    id: UUID
    name: str
    kind: str
    group: str | None
    tags: Sequence[str]
    shown: str


EDGES = "SELECT monitor_id, depends_on FROM monitor_dependencies WHERE tenant_id = $1 ORDER BY monitor_id, depends_on"


async def edges(conn: Connection, *, tenant_id: TenantId) -> dict[UUID, list[UUID]]:
    """What each monitor depends on directly."""
    found: dict[UUID, list[UUID]] = {}
    for record in await conn.fetch(EDGES, tenant_id):
        found.setdefault(record["monitor_id"], []).append(record["depends_on"])
    return found


NODES = f"""
SELECT m.id, m.name, m.kind, m."group", m.tags, {SHOWN} AS shown
FROM monitors m JOIN monitor_states s ON s.tenant_id = m.tenant_id AND s.monitor_id = m.id
WHERE m.tenant_id = $1 AND m.id = ANY ($2::uuid[]) ORDER BY lower(m.name), m.id
"""


async def nodes(conn: Connection, *, tenant_id: TenantId, monitor_ids: Sequence[UUID]) -> list[MapNode]:
    """These monitors, by name."""
    return [MapNode(**record) for record in await conn.fetch(NODES, tenant_id, list(monitor_ids))]
