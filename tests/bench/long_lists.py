"""An installation whose lists are long: monitors in groups, with votes, a month of changes and a day of latency, and as
many incidents; and status pages of a hundred systems.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from tests.bench.background import Background, Sender
from tests.bench.batches import now_ms
from tests.bench.http_client import http_client
from tests.bench.past import write_changes, write_results
from tests.bench.population import Population, populate
from tests.bench.world import World
from tests.support.pages import a_component, a_page

COMPONENTS = 100
_INTERVAL_S = 3600
_VOTED_AGO_MS = 60_000

_SORTED = """
UPDATE monitors SET "group" = 'Group ' || number % 40, tags = ARRAY['team-' || number % 10, 'tier-' || number % 3]
"""
_AS_ONE = """
INSERT INTO {table} (monitor_id, region_id, starts, tenant_id, up, degraded, down, error, samples, total_us, dns_us,
    connect_us, tls_us, ttfb_us, download_us, histogram)
SELECT m.id, region_id, starts, r.tenant_id, up, degraded, down, error, samples, total_us, dns_us, connect_us, tls_us,
    ttfb_us, download_us, histogram
FROM {table} r CROSS JOIN monitors m WHERE r.monitor_id = $1 AND r.starts >= $2
ON CONFLICT DO NOTHING
"""
_FINE_AGO_MS = 3_600_000
_PATIENCE_S = 300
_INCIDENTS = """
INSERT INTO incidents (tenant_id, id, number, monitor_id, severity, state, cause, started_at, opened_at,
    acknowledged_at, resolved_at, resolution, regions_down, regions_up)
SELECT m.tenant_id, gen_random_uuid(), m.number, m.id, 'major', 'resolved', 'Down from 2 of 3 regions: no answer',
    at, at, at + interval '3 minutes', at + interval '20 minutes', 'recovered', '{r1,r2}', '{r3}'
FROM monitors m CROSS JOIN LATERAL (SELECT now() - m.number * interval '50 minutes' AS at) t
"""
_COUNTED = "UPDATE tenant_counters SET incidents = $2 WHERE tenant_id = $1"


async def long_lists(running: World, monitors: int) -> Population:
    """So many of each; everything is up."""
    urls = [f"https://site-{n}.example/health" for n in range(monitors)]
    made = await populate(running, urls, interval_s=_INTERVAL_S)
    await vote(running, made)
    await write_changes(running, made.ids)
    await write_results(running, made.ids[:1])
    async with running.database.owner() as conn:
        await conn.execute(_SORTED)
        await conn.execute(_AS_ONE.format(table="rollups_hourly"), made.ids[0], 0, timeout=_PATIENCE_S)
        since_ms = now_ms() - _FINE_AGO_MS
        await conn.execute(_AS_ONE.format(table="rollups_fine"), made.ids[0], since_ms, timeout=_PATIENCE_S)
        await conn.execute(_INCIDENTS)
        await conn.execute(_COUNTED, running.tenant_id, monitors)
        for table in ("monitors", "monitor_states", "votes", "incidents", "rollups_hourly", "rollups_fine"):
            await conn.execute(f"VACUUM (ANALYZE) {table}", timeout=_PATIENCE_S)
    return made


async def vote(running: World, population: Population, *, ago_ms: int = _VOTED_AGO_MS) -> None:
    """A good result of each monitor from each region, through the API."""
    told = Background()
    for region in running.regions:
        async with http_client(running.port) as client:
            await Sender(client, region, population, told).slot(now_ms() - ago_ms, gap_s=0, step_ms=1000)
    assert told.wrong == 0


async def status_pages(running: World, monitors: Sequence[UUID], count: int) -> list[str]:
    """Published pages, each of the same hundred systems in ten groups. Their slugs."""
    slugs = [f"status-{n}" for n in range(count)]
    async with running.database.app_transaction() as conn:
        for slug in slugs:
            page_id = await a_page(conn, running.tenant_id, slug)
            for n, monitor_id in enumerate(monitors[:COMPONENTS]):
                group = f"Part {n % 10}"
                await a_component(conn, running.tenant_id, page_id, monitor_id, f"System {n}", group=group, position=n)
    return slugs
