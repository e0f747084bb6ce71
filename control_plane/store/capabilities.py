"""What live agents can do, and what their newest results say of it: read for one monitor at a time."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct

from control_plane.store.pool import Connection

LIVE_CAPABILITIES = """
SELECT region_id, capabilities FROM agents
WHERE region_id = ANY ($1::integer[]) AND enabled AND healthy AND lease_until > now()
"""


async def live_capabilities(conn: Connection, *, region_ids: Sequence[int]) -> dict[int, list[frozenset[str]]]:
    """What each live, healthy agent of these regions says it can do. As farwatch_app: tenants see only their own."""
    found: dict[int, list[frozenset[str]]] = {}
    for record in await conn.fetch(LIVE_CAPABILITIES, list(region_ids)):
        found.setdefault(record["region_id"], []).append(frozenset(record["capabilities"]))
    return found


class Newest(Struct, frozen=True):
    """A region's newest result. Outcome and reason by number, `detail` JSON (shared.results.Detail)."""

    region_id: int
    outcome: int
    reason: int
    detail: str | None


# Each region's newest row is the first one backwards in the key (monitor, region, slot), in one or two days.
NEWEST_RESULTS = """
SELECT r.region_id, r.outcome, r.reason, r.detail
FROM unnest($3::integer[]) AS asked (region_id) CROSS JOIN LATERAL (
    SELECT * FROM results
    WHERE results.tenant_id = $1 AND results.monitor_id = $2 AND results.region_id = asked.region_id
        AND results.slot >= $5 AND results.slot < $6 AND results.check_version = $4
    ORDER BY results.slot DESC LIMIT 1
) r
"""


async def newest_results(
    conn: Connection,
    *,
    tenant_id: UUID,
    monitor_id: UUID,
    region_ids: Sequence[int],
    check_version: int,
    start_ms: int,
    end_ms: int,
) -> list[Newest]:
    """The newest result of each of these regions with a slot in [start_ms, end_ms) of this check version."""
    records = await conn.fetch(NEWEST_RESULTS, tenant_id, monitor_id, list(region_ids), check_version, start_ms, end_ms)
    return [Newest(*record.values()) for record in records]
