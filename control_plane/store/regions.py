"""regions: the places that checks run from. `id` outside is the slug; the integer key stays inside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct, structs

from control_plane.store.pool import Connection
from shared.ids import MonitorId, RegionSlug, TenantId


class Region(Struct, frozen=True):
    """A region with a summary of its agents: `agents` enabled ones, `live` with a lease, `healthy` and live."""

    key: int
    slug: RegionSlug
    tenant_id: UUID | None
    name: str
    city: str | None
    country: str | None
    latitude: float | None
    longitude: float | None
    labels: dict[str, str]
    allow_cidrs: list[str]
    enabled: bool
    selected_by_default: bool
    created_at: datetime
    updated_at: datetime
    revision: int
    agents: int
    live: int
    healthy: int


_COLUMNS = """
r.id AS key, r.slug, r.tenant_id, r.name, r.city, r.country, r.latitude, r.longitude, r.labels,
r.allow_cidrs::text[] AS allow_cidrs, r.enabled, r.selected_by_default, r.created_at, r.updated_at, r.revision
"""
_WITH_AGENTS = f"""
SELECT {_COLUMNS}, h.agents, h.live, h.healthy FROM regions r CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE a.enabled) AS agents,
           count(*) FILTER (WHERE a.enabled AND a.lease_until > now()) AS live,
           count(*) FILTER (WHERE a.enabled AND a.lease_until > now() AND a.healthy) AS healthy
    FROM agents a WHERE a.region_id = r.id
) h
"""

INSERT = """
INSERT INTO regions (slug, tenant_id, name, city, country, latitude, longitude, labels, allow_cidrs, enabled,
                     selected_by_default)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::text[]::cidr[], $10, $11)
RETURNING id
"""


async def insert(conn: Connection, *, slug: str, tenant_id: TenantId | None, fields: Mapping[str, Any]) -> int:
    """A new region; its key. `fields` are the columns that may be changed later."""
    key: int = await conn.fetchval(
        INSERT,
        slug,
        tenant_id,
        fields["name"],
        fields["city"],
        fields["country"],
        fields["latitude"],
        fields["longitude"],
        fields["labels"],
        list(fields["allow_cidrs"]),
        fields["enabled"],
        fields["selected_by_default"],
    )
    return key


GET = f"{_WITH_AGENTS} WHERE r.id = $1"


async def get(conn: Connection, *, key: int) -> Region | None:
    """One region of whomever: for the operator."""
    row = await conn.fetchrow(GET, key)
    return row and Region(**row)


# Not FOR UPDATE: results go on being stored meanwhile, and their rows refer to the region.
FLEET_LOCK = "SELECT id FROM regions WHERE id = $1 FOR NO KEY UPDATE"


async def lock(conn: Connection, *, key: int) -> bool:
    """Hold a region against other writers until the transaction ends; whether it is there still."""
    return await conn.fetchval(FLEET_LOCK, key) is not None


# A shared region's id is no private one's, so that an id alone finds it, or private regions of that id.
FLEET_FIND = """
SELECT id FROM regions WHERE ($2::uuid IS NULL OR tenant_id = $2) AND slug = $1 ORDER BY id LIMIT 2
"""


async def find(conn: Connection, *, slug: str, tenant_id: UUID | None) -> list[int]:
    """The keys of the regions of that id, at most two; `tenant_id`: whose private one it must be."""
    return [row["id"] for row in await conn.fetch(FLEET_FIND, slug, tenant_id)]


LIST = f"{_WITH_AGENTS} ORDER BY r.slug LIMIT $1 OFFSET $2"
FLEET_COUNT = "SELECT count(*) FROM regions"


async def list_all(conn: Connection, *, limit: int, offset: int) -> tuple[list[Region], int]:
    """A page of all regions and how many there are: for the operator."""
    rows = await conn.fetch(LIST, limit, offset)
    return [Region(**row) for row in rows], await conn.fetchval(FLEET_COUNT)


# As the tenant's role sees them: without the agents of shared regions, which `count_agents` counts.
_SEEN = f"SELECT {_COLUMNS}, 0::bigint AS agents, 0::bigint AS live, 0::bigint AS healthy FROM regions r"
_CHOICE = """
WHERE ((r.tenant_id IS NULL AND r.enabled) OR r.tenant_id = $1)
    AND ($2::text IS NULL OR strpos(lower(concat_ws(' ', r.slug, r.name, r.city, r.country)), lower($2)) > 0)
    AND ($3::boolean IS NULL OR $3 = (r.tenant_id IS NOT NULL))
"""
CATALOGUE = f"{_SEEN} {_CHOICE} ORDER BY r.tenant_id NULLS LAST, r.slug LIMIT $4 OFFSET $5"
CATALOGUE_COUNT = f"SELECT count(*) FROM regions r {_CHOICE}"


async def catalogue(
    conn: Connection, *, tenant_id: TenantId, q: str | None, private: bool | None, limit: int, offset: int
) -> tuple[list[Region], int]:
    """A page of the regions that a tenant may choose, enabled shared ones and its own: without their agents."""
    rows = await conn.fetch(CATALOGUE, tenant_id, q, private, limit, offset)
    return [Region(**row) for row in rows], await conn.fetchval(CATALOGUE_COUNT, tenant_id, q, private)


GET_CHOICE = f"{_SEEN} WHERE r.slug = $2 AND ((r.tenant_id IS NULL AND r.enabled) OR r.tenant_id = $1)"


async def get_choice(conn: Connection, *, tenant_id: TenantId, slug: str) -> Region | None:
    """One region that the tenant may choose, without its agents; None where it sees none of that id."""
    row = await conn.fetchrow(GET_CHOICE, tenant_id, slug)
    return row and Region(**row)


FLEET_COUNT_AGENTS = """
SELECT a.region_id, count(*) FILTER (WHERE a.enabled) AS agents,
    count(*) FILTER (WHERE a.enabled AND a.lease_until > now()) AS live,
    count(*) FILTER (WHERE a.enabled AND a.lease_until > now() AND a.healthy) AS healthy
FROM agents a WHERE a.region_id = ANY ($1::int[]) GROUP BY a.region_id
"""


async def count_agents(conn: Connection, *, found: Sequence[Region]) -> list[Region]:
    """The same regions with the counts of their agents. Needs the application's role."""
    rows = await conn.fetch(FLEET_COUNT_AGENTS, [region.key for region in found])
    counts = {row["region_id"]: (row["agents"], row["live"], row["healthy"]) for row in rows}
    told = ((region, *counts.get(region.key, (0, 0, 0))) for region in found)
    return [structs.replace(region, agents=a, live=b, healthy=c) for region, a, b, c in told]


HOLD_OWN = "SELECT id, revision FROM regions WHERE tenant_id = $1 AND slug = $2 FOR NO KEY UPDATE"


async def hold_own(conn: Connection, *, tenant_id: TenantId, slug: str) -> tuple[int, int] | None:
    """Key and revision of the tenant's private region, held against other writers until the transaction ends."""
    row = await conn.fetchrow(HOLD_OWN, tenant_id, slug)
    return row and (row["id"], row["revision"])


COUNT_OWN = "SELECT count(*) FROM regions WHERE tenant_id = $1"


async def count_own(conn: Connection, *, tenant_id: TenantId) -> int:
    """How many private regions the tenant has."""
    count: int = await conn.fetchval(COUNT_OWN, tenant_id)
    return count


FLEET_UPDATE = """
UPDATE regions SET name = $2, city = $3, country = $4, latitude = $5, longitude = $6, labels = $7,
    allow_cidrs = $8::text[]::cidr[], enabled = $9, selected_by_default = $10,
    updated_at = now(), revision = revision + 1
WHERE id = $1
"""


async def update(conn: Connection, *, key: int, fields: Mapping[str, Any]) -> None:
    """Write all the columns that may be changed."""
    await conn.execute(
        FLEET_UPDATE,
        key,
        fields["name"],
        fields["city"],
        fields["country"],
        fields["latitude"],
        fields["longitude"],
        fields["labels"],
        list(fields["allow_cidrs"]),
        fields["enabled"],
        fields["selected_by_default"],
    )


FLEET_MONITORS_NAMING = "SELECT id FROM monitors WHERE $1 = ANY (regions) ORDER BY id"


async def monitors_naming(conn: Connection, *, key: int) -> Sequence[MonitorId]:
    """The monitors that chose a region, ascending; paused ones as well."""
    return [row["id"] for row in await conn.fetch(FLEET_MONITORS_NAMING, key)]


# The operator's statement: a region that goes, goes from the monitors of all tenants.
FLEET_LEAVE_MONITORS = """
UPDATE monitors SET regions = array_remove(regions, $1), updated_at = now(), revision = revision + 1
WHERE $1 = ANY (regions) AND id = ANY ($2::uuid[])
"""


async def leave_monitors(conn: Connection, *, key: int, monitor_ids: Sequence[UUID]) -> None:
    """Take a region out of these monitors, whose states are held."""
    await conn.execute(FLEET_LEAVE_MONITORS, key, monitor_ids)


FLEET_LEAVE_ASSIGNMENTS = "DELETE FROM assignments WHERE region_id = $1"


async def leave_assignments(conn: Connection, *, key: int) -> None:
    """Nobody runs anything in this region any more."""
    await conn.execute(FLEET_LEAVE_ASSIGNMENTS, key)


FLEET_DELETE = "DELETE FROM regions WHERE id = $1"


async def delete(conn: Connection, *, key: int) -> None:
    """Remove a region with its agents, assignments, votes and dispatches. Results stay until retention takes them."""
    await conn.execute(FLEET_DELETE, key)
