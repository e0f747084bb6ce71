"""Monitors by the thousand, consistent with each other, written in a few statements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import msgspec

from control_plane.domain.judging.schedule import phase_ms, vote_window_ms
from shared.checks.http import HttpCheck
from tests.bench.world import World
from tests.support.seed import FIRST_SLOT, new_id

_INSERT_MONITORS = """
INSERT INTO monitors (tenant_id, id, number, name, kind, "check", check_version, first_slot, interval_s, regions,
                      write_source)
SELECT $1, m.id, c.monitors + m.n, 'monitor ' || (c.monitors + m.n), 'http', m.spec::jsonb, 1, $2, $3, $4, 'api'
FROM unnest($5::uuid[], $6::text[]) WITH ORDINALITY AS m (id, spec, n), tenant_counters c WHERE c.tenant_id = $1
"""
_COUNT = "UPDATE tenant_counters SET monitors = monitors + $2 WHERE tenant_id = $1"
_INSERT_ASSIGNMENTS = """
INSERT INTO assignments (region_id, monitor_id, tenant_id, check_version, window_ms, phase_ms)
SELECT $1, m.id, $2, 1, $3, m.phase FROM unnest($4::uuid[], $5::int[]) AS m (id, phase)
"""
_INSERT_STATES = """
INSERT INTO monitor_states (tenant_id, monitor_id, assigned) SELECT $1, id, $2 FROM unnest($3::uuid[]) AS m (id)
"""
_HOUR_S = 3600


@dataclass(frozen=True, slots=True)
class Population:
    """Monitors of one interval in all regions; `phases` by region id, in the order of `ids`."""

    ids: Sequence[UUID]
    phases: dict[int, Sequence[int]]
    interval_s: int


async def populate(
    world: World, urls: Sequence[str], *, interval_s: int = _HOUR_S, timeout_ms: int = 10_000
) -> Population:
    """One http monitor per URL, each in every region of the world."""
    ids = [new_id() for _ in urls]
    specs = [msgspec.json.encode(HttpCheck(url=url, timeout=timeout_ms)).decode() for url in urls]
    region_ids = [region.id for region in world.regions]
    population = Population(ids, _phases(world.tenant_id, len(ids), region_ids, interval_s=interval_s), interval_s)
    window = vote_window_ms(cadence_ms=interval_s * 1000, timeout_ms=timeout_ms)
    async with world.database.app_transaction() as conn:
        await conn.execute(_INSERT_MONITORS, world.tenant_id, FIRST_SLOT, interval_s, region_ids, ids, specs)
        await conn.execute(_COUNT, world.tenant_id, len(ids))
        for region_id in region_ids:
            phases = population.phases[region_id]
            await conn.execute(_INSERT_ASSIGNMENTS, region_id, world.tenant_id, window, ids, phases)
        await conn.execute(_INSERT_STATES, world.tenant_id, len(region_ids), ids)
    async with world.database.owner() as conn:
        # As autovacuum leaves them a minute after so many rows came: a table that was just filled is read otherwise.
        await conn.execute("VACUUM (ANALYZE) monitors, assignments, monitor_states")
    return population


def _phases(tenant_id: UUID, count: int, region_ids: Sequence[int], *, interval_s: int) -> dict[int, Sequence[int]]:
    return {
        region_id: [
            phase_ms(tenant_id, number, region_index=index, region_count=len(region_ids), interval_ms=interval_s * 1000)
            for number in range(1, count + 1)
        ]
        for index, region_id in enumerate(region_ids)
    }
