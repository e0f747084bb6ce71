"""Reading raw results. Every statement names the monitor and bounds the slot, so that only days asked for are read."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from msgspec import Struct

from control_plane.store.pool import Connection


class ResultRow(Struct, frozen=True):
    """A stored result. `slot` in Unix ms, durations in microseconds, `detail` JSON (shared.results.Detail)."""

    slot: int
    region_id: int
    region: str
    agent_number: int
    check_version: int
    outcome: int
    reason: int
    http_status: int | None
    dns_us: int | None
    connect_us: int | None
    tls_us: int | None
    ttfb_us: int | None
    download_us: int | None
    total_us: int | None
    detail: str | None


class ResultFilter(Struct, frozen=True, kw_only=True):
    """Slots in [start_ms, end_ms); `before` (slot, region id) is where the page before ended; outcome by number."""

    start_ms: int
    end_ms: int
    region: str | None = None
    outcome: int | None = None
    before: tuple[int, int] | None = None


# Region by region, because the key is (monitor, region, slot): each reads its newest rows backwards from the index.
LIST_RESULTS = """
SELECT r.slot, r.region_id, g.slug AS region, r.agent_number, r.check_version, r.outcome, r.reason, r.http_status,
    r.dns_us, r.connect_us, r.tls_us, r.ttfb_us, r.download_us, r.total_us, r.detail
FROM regions g CROSS JOIN LATERAL (
    SELECT * FROM results
    WHERE results.tenant_id = $1 AND results.monitor_id = $2 AND results.region_id = g.id
        AND results.slot >= $3 AND results.slot < $4 AND ($6::smallint IS NULL OR results.outcome = $6)
        AND (results.slot, results.region_id) < ($7::bigint, $8::integer)
    ORDER BY results.slot DESC LIMIT $9
) r
WHERE $5::text IS NULL OR g.slug = $5
ORDER BY r.slot DESC, r.region_id DESC LIMIT $9
"""


async def list_results(
    conn: Connection, *, tenant_id: UUID, monitor_id: UUID, wanted: ResultFilter, limit: int
) -> list[ResultRow]:
    """The newest matching results, newest first."""
    before_slot, before_region = wanted.before or (wanted.end_ms, 0)
    end_ms = min(wanted.end_ms, before_slot + 1)
    records = await conn.fetch(
        LIST_RESULTS,
        tenant_id,
        monitor_id,
        wanted.start_ms,
        end_ms,
        wanted.region,
        wanted.outcome,
        before_slot,
        before_region,
        limit,
    )
    return [ResultRow(*record.values()) for record in records]


RESULTS_OF_SLOTS = """
SELECT r.slot, r.region_id, g.slug AS region, r.agent_number, r.check_version, r.outcome, r.reason, r.http_status,
    r.dns_us, r.connect_us, r.tls_us, r.ttfb_us, r.download_us, r.total_us, r.detail
FROM unnest($3::integer[], $4::bigint[]) AS asked (region_id, slot)
JOIN results r ON r.monitor_id = $2 AND r.region_id = asked.region_id AND r.slot = asked.slot
JOIN regions g ON g.id = r.region_id
WHERE r.tenant_id = $1 AND r.slot BETWEEN $5 AND $6
ORDER BY g.slug
"""


async def results_of_slots(
    conn: Connection, *, tenant_id: UUID, monitor_id: UUID, slots: Sequence[tuple[int, int]]
) -> list[ResultRow]:
    """The results of these (region id, slot) pairs that are stored already."""
    times = [slot for _, slot in slots]
    records = await conn.fetch(
        RESULTS_OF_SLOTS, tenant_id, monitor_id, [region for region, _ in slots], times, min(times), max(times)
    )
    return [ResultRow(*record.values()) for record in records]


COUNT_ON_PHASE = """
SELECT r.region_id, count(*) AS kept
FROM results r JOIN assignments a ON a.monitor_id = r.monitor_id AND a.region_id = r.region_id
WHERE r.tenant_id = $1 AND a.tenant_id = $1 AND r.monitor_id = $2 AND r.slot >= $3 AND r.slot < $4
    AND (r.slot - a.phase_ms) % $5 = 0
GROUP BY r.region_id
"""


async def count_on_phase(
    conn: Connection, *, tenant_id: UUID, monitor_id: UUID, start_ms: int, end_ms: int, interval_ms: int
) -> dict[int, int]:
    """Per region, how many scheduled slots in [start_ms, end_ms) have a result. Re-checks are not counted."""
    records = await conn.fetch(COUNT_ON_PHASE, tenant_id, monitor_id, start_ms, end_ms, interval_ms)
    return {record["region_id"]: record["kept"] for record in records}


ANY_RESULT = """
SELECT EXISTS (SELECT FROM results WHERE tenant_id = $1 AND monitor_id = $2 AND slot >= $3 AND slot < $4)
"""


async def any_result(conn: Connection, *, tenant_id: UUID, monitor_id: UUID, start_ms: int, end_ms: int) -> bool:
    """Whether the monitor has any result of a slot in [start_ms, end_ms)."""
    found: bool = await conn.fetchval(ANY_RESULT, tenant_id, monitor_id, start_ms, end_ms)
    return found
