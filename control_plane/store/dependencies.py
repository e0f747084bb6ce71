"""Which monitor depends on which. The graph of one tenant is changed by one transaction at a time.

Lock order: the graph (`hold_graph`), before any state row: a state is locked with all that it depends on, and which
those are must not change meanwhile. Edges are read in a statement after the lock, so that two transactions cannot each
add half of a cycle.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from control_plane.store.pool import Connection

KNOWN_MONITORS = """
SELECT id, key FROM monitors WHERE tenant_id = $1 AND (id::text = ANY ($2::text[]) OR key = ANY ($3::text[]))
"""


async def known_monitors(conn: Connection, *, tenant_id: UUID, names: Sequence[str]) -> dict[str, UUID]:
    """The tenant's monitors among these ids and keys, by id in lower case and by key; an id goes before a key."""
    records = await conn.fetch(KNOWN_MONITORS, tenant_id, [name.lower() for name in names], list(names))
    by_key = {record["key"]: record["id"] for record in records if record["key"] is not None}
    return by_key | {str(record["id"]): record["id"] for record in records}


HOLD_GRAPH = "SELECT pg_advisory_xact_lock(hashtextextended('dependencies of ' || $1::uuid, 0))"


async def hold_graph(conn: Connection, *, tenant_id: UUID) -> None:
    """Take turns with whoever changes what depends on what in this tenant, until the transaction ends."""
    await conn.execute(HOLD_GRAPH, tenant_id)


READ_UPSTREAMS = """
SELECT depends_on FROM monitor_dependencies WHERE tenant_id = $1 AND monitor_id = $2 ORDER BY depends_on
"""


async def read_upstreams(conn: Connection, *, tenant_id: UUID, monitor_id: UUID) -> list[UUID]:
    """What the monitor depends on directly, in ascending id."""
    records = await conn.fetch(READ_UPSTREAMS, tenant_id, monitor_id)
    return [record["depends_on"] for record in records]


READ_DOWNSTREAMS = """
SELECT monitor_id FROM monitor_dependencies WHERE tenant_id = $1 AND depends_on = $2 ORDER BY monitor_id
"""


async def read_downstreams(conn: Connection, *, tenant_id: UUID, monitor_id: UUID) -> list[UUID]:
    """The monitors that depend on this one directly, in ascending id."""
    records = await conn.fetch(READ_DOWNSTREAMS, tenant_id, monitor_id)
    return [record["monitor_id"] for record in records]


DELETE_UPSTREAMS = "DELETE FROM monitor_dependencies WHERE tenant_id = $1 AND monitor_id = $2"
INSERT_UPSTREAMS = """
INSERT INTO monitor_dependencies (tenant_id, monitor_id, depends_on) SELECT $1, $2, unnest($3::uuid[]) ORDER BY 3
"""


async def replace_upstreams(conn: Connection, *, tenant_id: UUID, monitor_id: UUID, depends_on: Sequence[UUID]) -> None:
    """Make these what the monitor depends on directly. Raises BadRequest when one of them is gone."""
    await conn.execute(DELETE_UPSTREAMS, tenant_id, monitor_id)
    if depends_on:
        await conn.execute(INSERT_UPSTREAMS, tenant_id, monitor_id, list(depends_on))


# UNION forgets what was found twice: the work is bounded by the edges below, however many ways lead there.
EDGES_BELOW = """
WITH RECURSIVE reached (id) AS (
    SELECT unnest($2::uuid[])
    UNION
    SELECT d.depends_on FROM reached r JOIN monitor_dependencies d ON d.tenant_id = $1 AND d.monitor_id = r.id
)
SELECT d.monitor_id, d.depends_on FROM reached r
JOIN monitor_dependencies d ON d.tenant_id = $1 AND d.monitor_id = r.id
ORDER BY d.monitor_id, d.depends_on
"""


async def edges_below(conn: Connection, *, tenant_id: UUID, monitor_ids: Sequence[UUID]) -> dict[UUID, list[UUID]]:
    """What each of these depends on, and what those depend on, to the end."""
    edges: dict[UUID, list[UUID]] = {}
    for record in await conn.fetch(EDGES_BELOW, tenant_id, list(monitor_ids)):
        edges.setdefault(record["monitor_id"], []).append(record["depends_on"])
    return edges


MONITOR_NAMES = "SELECT id, name FROM monitors WHERE tenant_id = $1 AND id = ANY ($2::uuid[])"


async def monitor_names(conn: Connection, *, tenant_id: UUID, monitor_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Names by id."""
    records = await conn.fetch(MONITOR_NAMES, tenant_id, list(monitor_ids))
    return {record["id"]: record["name"] for record in records}


# As above, the other way: what would be held if these were down.
EDGES_ABOVE = """
WITH RECURSIVE reached (id) AS (
    SELECT unnest($2::uuid[])
    UNION
    SELECT d.monitor_id FROM reached r JOIN monitor_dependencies d ON d.tenant_id = $1 AND d.depends_on = r.id
)
SELECT d.depends_on, d.monitor_id FROM reached r
JOIN monitor_dependencies d ON d.tenant_id = $1 AND d.depends_on = r.id
ORDER BY d.depends_on, d.monitor_id
"""


async def edges_above(conn: Connection, *, tenant_id: UUID, monitor_ids: Sequence[UUID]) -> dict[UUID, list[UUID]]:
    """What depends on each of these, and what depends on those, to the end."""
    edges: dict[UUID, list[UUID]] = {}
    for record in await conn.fetch(EDGES_ABOVE, tenant_id, list(monitor_ids)):
        edges.setdefault(record["depends_on"], []).append(record["monitor_id"])
    return edges


class Related(Struct, frozen=True, kw_only=True):
    """A monitor that another depends on, or that depends on it."""

    id: UUID
    number: int
    name: str
    kind: str
    enabled: bool
    verdict: str
    reason: str
    since: datetime


RELATED = """
SELECT m.id, m.number, m.name, m.kind, m.enabled, s.verdict, s.reason, s.since
FROM monitors m JOIN monitor_states s ON s.tenant_id = m.tenant_id AND s.monitor_id = m.id
WHERE m.tenant_id = $1 AND m.id = ANY ($2::uuid[])
ORDER BY m.number
"""


async def related(conn: Connection, *, tenant_id: UUID, monitor_ids: Sequence[UUID]) -> list[Related]:
    """These monitors with their verdicts, in order of number."""
    records = await conn.fetch(RELATED, tenant_id, list(monitor_ids))
    return [Related(**dict(record)) for record in records]


VERDICT_OF = "SELECT verdict FROM monitor_states WHERE tenant_id = $1 AND monitor_id = $2"


async def verdict_of(conn: Connection, *, tenant_id: UUID, monitor_id: UUID) -> str | None:
    """The monitor's verdict as it is at this moment, without a lock; None for no such monitor."""
    verdict: str | None = await conn.fetchval(VERDICT_OF, tenant_id, monitor_id)
    return verdict
