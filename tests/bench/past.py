"""A past for monitors: a day of raw results, rolled up, and a month of transitions and periods."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from uuid import UUID

from control_plane.services.uptime.roll_up import recompute, roll_up
from tests.bench.batches import now_ms
from tests.bench.world import World

DAY_MS = 86_400_000
EVERY_MS = 10_000
_PAIRS_AT_ONCE = 20

_RESULTS = """
INSERT INTO results (monitor_id, slot, region_id, agent_number, tenant_id, check_version, outcome, reason, http_status,
                     dns_us, connect_us, ttfb_us, download_us, total_us)
SELECT m.id, slot, $2, 1, $1, 1, 0, 0, 200, 1000 + hash % 4000, 200 + hash % 30000, 1000 + hash % 200000,
       50 + hash % 20000, 2300 + hash % 250000
FROM unnest($3::uuid[]) AS m (id)
CROSS JOIN generate_series($4::bigint, $5::bigint, $6::bigint) AS slot
CROSS JOIN LATERAL (SELECT abs(hashtextextended(m.id::text, slot)) AS hash) h
ON CONFLICT DO NOTHING
"""
_TRANSITIONS = """
INSERT INTO transitions (tenant_id, monitor_id, at, number, previous, verdict, reason)
SELECT $1, m.id, now() - n * interval '67 hours', 1000000 - n, 'up', (ARRAY['down', 'up'])[1 + n % 2], 'told'
FROM unnest($2::uuid[]) AS m (id) CROSS JOIN generate_series(1, 10) AS n
"""
_PERIODS = """
INSERT INTO monitor_periods (tenant_id, monitor_id, kind, starts_at, ends_at)
SELECT $1, m.id, 'maintenance', now() - n * interval '7 days', now() - n * interval '7 days' + interval '2 hours'
FROM unnest($2::uuid[]) AS m (id) CROSS JOIN generate_series(1, 4) AS n
"""
_BEHIND = "SELECT (extract(epoch FROM now()) * 1000)::bigint - min(done_until) FROM rollup_walks WHERE name <> 'check'"
_AT_MOST_BEHIND_MS = 2 * 3_600_000
_OLDER = "UPDATE monitors SET created_at = now() - interval '60 days' WHERE tenant_id = $1 AND id = ANY ($2::uuid[])"


async def write_changes(world: World, monitors: Sequence[UUID]) -> None:
    """What uptime rests on: ten changes of verdict and four windows of maintenance in a month."""
    async with world.database.app_transaction() as conn:
        await conn.execute(_TRANSITIONS, world.tenant_id, monitors)
        await conn.execute(_PERIODS, world.tenant_id, monitors)
        await conn.execute(_OLDER, world.tenant_id, monitors)
    async with world.database.owner() as conn:
        await conn.execute("ANALYZE transitions, monitor_periods, monitors")


async def write_results(world: World, monitors: Sequence[UUID]) -> int:
    """One result in ten seconds and region over the last day, rolled up. Returns how many results."""
    end = now_ms()
    for region in world.regions:
        async with world.database.app_transaction() as conn:
            await conn.execute(_RESULTS, world.tenant_id, region.id, monitors, end - DAY_MS, end - EVERY_MS, EVERY_MS)
    pairs = [(monitor_id, region.id) for monitor_id in monitors for region in world.regions]
    for first in range(0, len(pairs), _PAIRS_AT_ONCE):
        async with world.database.app_transaction() as conn:
            await recompute(conn, pairs[first : first + _PAIRS_AT_ONCE], since_ms=end - DAY_MS, until_ms=end)
    await _caught_up(world)
    async with world.database.owner() as conn:
        await conn.execute("ANALYZE results, rollups_fine, rollups_hourly")
    return len(pairs) * (DAY_MS // EVERY_MS)


async def _caught_up(world: World) -> None:
    """The control plane's own job may stand where it was kept from its turn: reads would go to the raw rows."""
    while True:
        await roll_up(world.database)
        async with world.database.app() as conn:
            behind: int = await conn.fetchval(_BEHIND)
        if behind < _AT_MOST_BEHIND_MS:
            return
        await asyncio.sleep(0.2)
