"""Where a tenant's monitors are not watched: regions of theirs without a vote that counts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from control_plane.store.pool import Connection
from shared.ids import TenantId


class Duty(Struct, frozen=True):
    """What a region is to watch for the tenant, and how much of that has no fresh vote."""

    region_id: int
    monitors: int
    without_vote: int


class Uncovered(Struct, frozen=True, kw_only=True):
    """A running monitor that a region of it says nothing fresh of. `heard`: the region has voted on it before."""

    id: UUID
    name: str
    kind: str
    region_id: int
    heard: bool


_VOTES = """
FROM monitors m CROSS JOIN LATERAL unnest(m.regions) AS chosen (region_id)
LEFT JOIN votes v ON v.tenant_id = m.tenant_id AND v.monitor_id = m.id AND v.region_id = chosen.region_id
    AND v.check_version = m.check_version
WHERE m.tenant_id = $1 AND m.enabled AND m.blocked_by IS NULL
"""
_FRESH = "coalesce(v.vote IS NOT NULL AND v.renewed AND v.newest_slot + v.window_ms > $2::bigint, false)"

DUTIES = f"""
SELECT chosen.region_id, count(*) AS monitors, count(*) FILTER (WHERE NOT {_FRESH}) AS without_vote
{_VOTES} GROUP BY chosen.region_id
"""


async def duties(conn: Connection, *, tenant_id: TenantId, now_ms: int) -> dict[int, Duty]:
    """By region, what is to be watched there. `now_ms`: Unix ms."""
    return {row["region_id"]: Duty(**row) for row in await conn.fetch(DUTIES, tenant_id, now_ms)}


UNCOVERED = f"""
SELECT m.id, m.name, m.kind, chosen.region_id, v.vote IS NOT NULL AS heard
{_VOTES} AND NOT {_FRESH} ORDER BY lower(m.name), m.id, chosen.region_id LIMIT $3
"""


async def uncovered(conn: Connection, *, tenant_id: TenantId, now_ms: int, limit: int) -> list[Uncovered]:
    """Monitors with a region that says nothing fresh, by name; one row for each such region."""
    return [Uncovered(**row) for row in await conn.fetch(UNCOVERED, tenant_id, now_ms, limit)]


FLEET_LAST_HEARD = """
SELECT a.region_id, max(a.last_seen_at) AS last_heard FROM agents a
WHERE a.region_id = ANY ($1::int[]) AND a.last_seen_at IS NOT NULL GROUP BY a.region_id
"""


async def last_heard(conn: Connection, *, region_ids: Sequence[int]) -> dict[int, datetime]:
    """When an agent of each region was last heard. Needs the application's role: shared agents are no tenant's."""
    rows = await conn.fetch(FLEET_LAST_HEARD, list(region_ids))
    return {row["region_id"]: row["last_heard"] for row in rows}
