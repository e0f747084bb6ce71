"""What the overview shows beside the monitors themselves: how many are how, and the newest results of each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from uuid import UUID

from msgspec import Struct

from control_plane.store.monitor_reads import SHOWN_OF_ALL
from control_plane.store.pool import Connection

COUNT_BY_GROUP = f"""
SELECT m."group", {SHOWN_OF_ALL} AS shown, count(*) AS monitors
FROM monitors m JOIN monitor_states s ON s.tenant_id = m.tenant_id AND s.monitor_id = m.id
WHERE m.tenant_id = $1 GROUP BY 1, 2
"""


class GroupCount(Struct, frozen=True):
    """How many monitors of a group are shown as this: a verdict, maintenance or paused. None: of no group."""

    group: str | None
    shown: str
    monitors: int


async def count_by_group(conn: Connection, *, tenant_id: UUID) -> list[GroupCount]:
    """How many of the tenant's monitors are shown as what, group by group."""
    return [GroupCount(*row) for row in await conn.fetch(COUNT_BY_GROUP, tenant_id)]


class RecentResult(Struct, frozen=True):
    """One result, shortly. `slot` in Unix ms, `outcome` by its number in shared.results, `total_us` microseconds."""

    slot: int
    outcome: int
    total_us: int | None


# Region by region like every read of results: each reads its newest rows backwards from the key.
RECENT_RESULTS = """
SELECT a.monitor_id, r.slot, r.outcome, r.total_us
FROM assignments a CROSS JOIN LATERAL (
    SELECT slot, outcome, total_us FROM results
    WHERE results.tenant_id = $1 AND results.monitor_id = a.monitor_id AND results.region_id = a.region_id
        AND results.slot >= $3 AND results.slot < $4
    ORDER BY results.slot DESC LIMIT $5
) r
WHERE a.tenant_id = $1 AND a.monitor_id = ANY ($2::uuid[])
ORDER BY r.slot DESC
"""


async def recent_results(
    conn: Connection, *, tenant_id: UUID, monitor_ids: Sequence[UUID], start_ms: int, end_ms: int, limit: int
) -> Mapping[UUID, list[RecentResult]]:
    """The newest results of each monitor over all its regions, oldest first, at most `limit` each."""
    records = await conn.fetch(RECENT_RESULTS, tenant_id, list(monitor_ids), start_ms, end_ms, limit)
    found: dict[UUID, list[RecentResult]] = defaultdict(list)
    for record in records:
        rows = found[record["monitor_id"]]
        if len(rows) < limit:
            rows.append(RecentResult(record["slot"], record["outcome"], record["total_us"]))
    return {monitor_id: rows[::-1] for monitor_id, rows in found.items()}
