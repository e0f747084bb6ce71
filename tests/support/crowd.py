"""Thousands of monitors that have lived for a while: groups, tags, votes, changes of verdict, a day of latency."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from control_plane.store.pool import Database
from tests.support.seed import new_id

GROUPS = 24
CHANGES_KEPT = 6

_MONITORS = """
INSERT INTO monitors (tenant_id, id, number, name, kind, "check", check_version, first_slot, interval_s, regions,
    tags, "group", write_source, created_at)
SELECT $1, m.id, c.monitors + m.n, 'Service ' || lpad(m.n::text, 5, '0'), 'http',
    jsonb_build_object('type', 'http', 'url', 'https://s' || m.n || '.example/health', 'timeout', 10000), 1,
    (extract(epoch FROM now()) * 1000)::bigint - 86400000, 60, $2::int[],
    ARRAY['team-' || m.n % 7, (ARRAY['production', 'staging'])[1 + m.n % 2]],
    CASE WHEN m.n % $4 > 0 THEN 'Group ' || lpad((m.n % $4)::text, 2, '0') END, 'api', now() - interval '60 days'
FROM unnest($3::uuid[]) WITH ORDINALITY AS m (id, n), tenant_counters c WHERE c.tenant_id = $1
"""
_COUNT = "UPDATE tenant_counters SET monitors = monitors + $2 WHERE tenant_id = $1"
_ASSIGNMENTS = """
INSERT INTO assignments (region_id, monitor_id, tenant_id, check_version, window_ms, phase_ms)
SELECT r, m.id, $1, 1, 600000000, m.n % 60000 FROM unnest($2::uuid[]) WITH ORDINALITY AS m (id, n), unnest($3::int[]) r
"""
_STATES = """
INSERT INTO monitor_states (tenant_id, monitor_id, verdict, reason, since, assigned)
SELECT $1, m.id, (ARRAY['down', 'degraded', 'up'])[s.n], (ARRAY['Down from 2 of 3 regions: connection refused',
    'Degraded from 3 of 3 regions', 'Up from 3 of 3 regions'])[s.n], now() - interval '3 hours', 3
FROM unnest($2::uuid[]) WITH ORDINALITY AS m (id, n)
CROSS JOIN LATERAL (SELECT CASE WHEN m.n % 400 = 1 THEN 1 WHEN m.n % 400 = 2 THEN 2 ELSE 3 END AS n) s
"""
_VOTES = """
INSERT INTO votes (monitor_id, region_id, tenant_id, check_version, window_ms, newest_slot, vote, vote_since, reason,
    message)
SELECT m.id, r.id, $1, 1, 600000000, (extract(epoch FROM now()) * 1000)::bigint - 15000,
    CASE WHEN d.down THEN 'down' ELSE 'up' END, (extract(epoch FROM now()) * 1000)::bigint - 10800000,
    CASE WHEN d.down THEN 'connect' END, CASE WHEN d.down THEN 'connection refused' END
FROM unnest($2::uuid[]) WITH ORDINALITY AS m (id, n), unnest($3::int[]) WITH ORDINALITY AS r (id, k)
CROSS JOIN LATERAL (SELECT m.n % 400 = 1 AND r.k < 3 AS down) d
"""
_CHANGES = """
INSERT INTO transitions (tenant_id, monitor_id, at, number, previous, verdict, reason)
SELECT $1, m.id, now() - interval '3 hours' - k * interval '5 days' - (m.n % 97) * interval '11 minutes'
    + (k % 2) * (m.n % 23) * interval '4 minutes', 2 * $3 - k, 'up', (ARRAY['up', 'down'])[1 + k % 2], 'told'
FROM unnest($2::uuid[]) WITH ORDINALITY AS m (id, n) CROSS JOIN generate_series(1, $3) AS k
"""
_LATENCY = """
INSERT INTO rollups_hourly (monitor_id, region_id, starts, tenant_id, up, degraded, down, error, samples, total_us,
    dns_us, connect_us, tls_us, ttfb_us, download_us, histogram)
SELECT m.id, r, h * 3600000, $1, 60, 0, 0, 0, 60, 60 * 81200, 60 * 1200, 60 * 8400, 60 * 21000, 60 * 48500, 60 * 2100,
    b.histogram
FROM unnest($2::uuid[]) AS m (id), unnest($3::int[]) r,
    generate_series((extract(epoch FROM now())::bigint / 3600) - 24, extract(epoch FROM now())::bigint / 3600 - 1) AS h
CROSS JOIN (SELECT string_agg(int2send((700 + n)::int2), ''::bytea ORDER BY n) AS histogram
    FROM generate_series(1, 60) AS n) b
"""
_WALKS = """
INSERT INTO rollup_walks (name, done_until)
SELECT name, extract(epoch FROM now())::bigint / 3600 * 3600000 FROM unnest(ARRAY['fine', 'hourly', 'check']) AS name
ON CONFLICT DO NOTHING
"""


async def a_crowd(
    database: Database, tenant_id: UUID, regions: Sequence[int], *, monitors: int, with_latency: int = 200
) -> list[UUID]:
    """This many monitors, one in 400 down and one in 400 degraded; the first `with_latency` have a day of rollups."""
    ids = [new_id() for _ in range(monitors)]
    async with database.app_transaction() as conn:
        await conn.execute(_MONITORS, tenant_id, list(regions), ids, GROUPS)
        await conn.execute(_COUNT, tenant_id, monitors)
        await conn.execute(_ASSIGNMENTS, tenant_id, ids, list(regions))
        await conn.execute(_STATES, tenant_id, ids)
        await conn.execute(_VOTES, tenant_id, ids, list(regions))
        await conn.execute(_CHANGES, tenant_id, ids, CHANGES_KEPT)
        await conn.execute(_LATENCY, tenant_id, ids[:with_latency], list(regions))
        await conn.execute(_WALKS)
    await _settle(database)
    return ids


async def _settle(database: Database) -> None:
    """As autovacuum leaves them a minute after so many rows came."""
    async with database.owner() as conn:
        tables = "monitors, assignments, monitor_states, votes, transitions, rollups_hourly"
        await conn.execute(f"VACUUM (ANALYZE) {tables}")
