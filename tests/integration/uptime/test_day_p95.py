"""One p95 of the last 24 hours: of all of them, and the same wherever it is shown."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from control_plane.dashboard.words import milliseconds
from control_plane.domain.uptime.latency_histogram import bucket_of, middle_us
from control_plane.domain.uptime.time_slices import FINE_MS, HOUR_MS
from control_plane.services.uptime.read_day_p95 import read_day_p95s
from control_plane.store.pool import Database
from shared.clock import from_unix_ms, to_unix_ms
from tests.support.dashboard import Desk, a_desk
from tests.support.pages import CREATED_AT, a_component, a_page

FAST, SLOW = bucket_of(40_000), bucket_of(383_000)
FAST_MS, SLOW_MS = (round(middle_us(bucket)) / 1000 for bucket in (FAST, SLOW))
ROLLUP = """
INSERT INTO {} SELECT $1, id, $2, $3, $4, 0, 0, 0, $4, $4 * 100000, 0, 0, 0, 0, 0, $5 FROM regions WHERE slug = 'eu'
"""
FINE, HOURLY = ROLLUP.format("rollups_fine"), ROLLUP.format("rollups_hourly")
WALKED = """
INSERT INTO rollup_walks (name, done_until) VALUES ('fine', $1), ('hourly', $2)
ON CONFLICT (name) DO UPDATE SET done_until = excluded.done_until
"""
NOW = datetime(2026, 5, 12, 14, 5, tzinfo=UTC)


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[Desk]:
    async with a_desk(database) as made:
        yield made


async def roll(desk: Desk, monitor_id: UUID, slow: range, *, now: datetime, fine_too: bool = True) -> None:
    """26 hours of a result in five minutes; those that start in `slow` (Unix ms) were slow.

    Without `fine_too` the finer rollups know of no slow one: what is read from the hours says so by itself.
    """
    tenant_id = desk.served.home.tenant_id
    until = to_unix_ms(now) // FINE_MS * FINE_MS
    done = until // HOUR_MS * HOUR_MS - HOUR_MS
    begin = done - 26 * HOUR_MS
    one = {at: SLOW if at in slow else FAST for at in range(begin, until, FINE_MS)}
    async with desk.database.owner() as conn:
        for at, bucket in one.items():
            told = bucket if fine_too else FAST
            await conn.execute(FINE, monitor_id, at, tenant_id, 1, told.to_bytes(2, "big"))
        for hour in range(begin, done, HOUR_MS):
            numbers = sorted(one[at] for at in range(hour, hour + HOUR_MS, FINE_MS))
            data = b"".join(bucket.to_bytes(2, "big") for bucket in numbers)
            await conn.execute(HOURLY, monitor_id, hour, tenant_id, len(numbers), data)
        await conn.execute(WALKED, until, done)
        await conn.execute(CREATED_AT, tenant_id, monitor_id, now - timedelta(days=3))


def between(start: datetime, hours: float) -> range:
    return range(to_unix_ms(start), to_unix_ms(start + timedelta(hours=hours)))


async def test_it_is_of_the_whole_day_and_of_nothing_before(desk: Desk) -> None:
    """A day that begins at 14:05: 55 minutes of the hour of 14:00 are its own, five are not."""
    began = NOW - timedelta(days=1)
    within, before = await desk.monitor("Within"), await desk.monitor("Before")
    await roll(desk, within, between(began, 1.5), now=NOW)
    await roll(desk, before, between(began - timedelta(hours=2), 2), now=NOW)
    async with desk.database.tenant(desk.served.home.tenant_id) as conn:
        found = await read_day_p95s(conn, [within, before], tenant_id=desk.served.home.tenant_id, now=NOW)
    assert found == {within: SLOW_MS, before: FAST_MS}


async def test_overview_monitor_status_page_and_share_link_say_the_same(desk: Desk) -> None:
    now, tenant_id = desk.served.deps.now(), desk.served.home.tenant_id
    monitor_id = await desk.monitor("Shop")
    hour = from_unix_ms(to_unix_ms(now) // HOUR_MS * HOUR_MS) - timedelta(hours=12)
    await roll(desk, monitor_id, between(hour, 6), now=now, fine_too=False)
    async with desk.database.owner() as conn:
        await a_component(conn, tenant_id, await a_page(conn, tenant_id, show_latency=True), monitor_id, "Shop")
    async with desk.served.tenant() as api:
        share = (await api.post(f"/api/v1/monitors/{monitor_id}/shares", json={})).json()
    async with desk.signed_in() as http:
        overview, page = (await http.get("/app")).text, (await http.get(f"/app/monitors/{monitor_id}?range=24h")).text
        public = (await http.get("/api/public/v1/pages/acme")).json()
        shared = (await http.get(f"/api/public/v1/shares/{share['token']}")).json()
    said = milliseconds(SLOW_MS)
    assert re.search(rf'<span class="unseen">p95 </span>{said}<', overview)
    assert re.search(rf"Over the whole range: p50 \S+ ms, p95 {said}, p99", page)
    assert public["components"][0]["latency_p95_ms"] == SLOW_MS
    assert shared["latency"]["p95"] == SLOW_MS
