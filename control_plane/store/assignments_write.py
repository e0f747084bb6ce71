"""Writing assignments: which regions run a monitor. Every row written here moves to the end of its region's changes."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct

from control_plane.store.pool import Connection


class RegionRow(Struct, frozen=True, kw_only=True):
    """A region that the tenant may choose. `tenant_id` None: shared by all tenants."""

    id: int
    slug: str
    name: str
    tenant_id: UUID | None
    enabled: bool
    selected_by_default: bool


class AssignmentRow(Struct, frozen=True):
    """One region's share. `window_ms`: how long its vote lives; `phase_ms`: its offset in the interval."""

    region_id: int
    window_ms: int
    phase_ms: int


VISIBLE_REGIONS = """
SELECT id, slug, name, tenant_id, enabled, selected_by_default FROM regions
WHERE tenant_id IS NULL OR tenant_id = $1 ORDER BY id
"""


async def visible_regions(conn: Connection, *, tenant_id: UUID) -> list[RegionRow]:
    """The shared regions and the tenant's own, in order of id."""
    records = await conn.fetch(VISIBLE_REGIONS, tenant_id)
    return [RegionRow(**dict(record)) for record in records]


UPSERT_ASSIGNMENTS = """
INSERT INTO assignments (tenant_id, monitor_id, check_version, region_id, window_ms, phase_ms)
SELECT $1, $2, $3, * FROM unnest($4::integer[], $5::integer[], $6::integer[])
ON CONFLICT (region_id, monitor_id) DO UPDATE SET
    check_version = excluded.check_version, window_ms = excluded.window_ms, phase_ms = excluded.phase_ms,
    cadence_s = NULL, removed_at = NULL, changed_xid = pg_current_xact_id(), change = nextval('assignment_changes')
WHERE assignments.tenant_id = $1
"""


async def upsert_assignments(
    conn: Connection, *, tenant_id: UUID, monitor_id: UUID, check_version: int, rows: Sequence[AssignmentRow]
) -> None:
    """Assign the monitor to these regions, in ascending order of region, or tell their agents of a change."""
    ordered = sorted(rows, key=lambda row: row.region_id)
    await conn.execute(
        UPSERT_ASSIGNMENTS,
        tenant_id,
        monitor_id,
        check_version,
        [row.region_id for row in ordered],
        [row.window_ms for row in ordered],
        [row.phase_ms for row in ordered],
    )


REMOVE_ASSIGNMENTS = """
UPDATE assignments SET removed_at = now(), changed_xid = pg_current_xact_id(), change = nextval('assignment_changes')
WHERE tenant_id = $1 AND monitor_id = $2 AND removed_at IS NULL AND region_id <> ALL ($3::integer[])
RETURNING region_id
"""


async def remove_assignments(
    conn: Connection, *, tenant_id: UUID, monitor_id: UUID, keep: Sequence[int] = ()
) -> list[int]:
    """Turn the assignments of every other region into tombstones; returns those regions."""
    records = await conn.fetch(REMOVE_ASSIGNMENTS, tenant_id, monitor_id, list(keep))
    return [record["region_id"] for record in records]


NOTIFY_REGIONS = "SELECT pg_notify('farwatch_assignments', region::text) FROM unnest($1::integer[]) AS region"


async def notify_regions(conn: Connection, region_ids: Sequence[int]) -> None:
    """Hint at the commit that these regions' assignments changed."""
    await conn.execute(NOTIFY_REGIONS, list(region_ids))


DROP_DISPATCHES = """
DELETE FROM dispatches
WHERE tenant_id = $1 AND monitor_id = $2 AND claimed_at IS NULL AND check_version IS DISTINCT FROM $3
"""


async def drop_stale_dispatches(
    conn: Connection, *, tenant_id: UUID, monitor_id: UUID, check_version: int | None
) -> None:
    """Re-checks of another check version are none. `check_version` None drops them all."""
    await conn.execute(DROP_DISPATCHES, tenant_id, monitor_id, check_version)


LIVE_AGENTS = """
SELECT region_id, count(*) AS live FROM agents
WHERE region_id = ANY ($1::integer[]) AND enabled AND healthy AND lease_until > now()
GROUP BY region_id
"""


async def live_agents(conn: Connection, *, region_ids: Sequence[int]) -> dict[int, int]:
    """How many agents of each region are live and healthy now. As farwatch_app: tenants see only their own agents."""
    records = await conn.fetch(LIVE_AGENTS, list(region_ids))
    return {record["region_id"]: record["live"] for record in records}


AGENT_NAMES = "SELECT number, name FROM agents WHERE number = ANY ($1::integer[])"


async def agent_names(conn: Connection, *, numbers: Sequence[int]) -> dict[int, str]:
    """The names of agents by their number in results. As farwatch_app."""
    records = await conn.fetch(AGENT_NAMES, list(numbers))
    return {record["number"]: record["name"] for record in records}
