"""Latency from rollups and raw rows together is that of the results themselves."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from control_plane.domain.uptime.latency_histogram import RELATIVE_ERROR
from control_plane.services.uptime.roll_up import roll_up
from shared.clock import from_unix_ms
from tests.bench.rotation import percentile
from tests.support.deciding import now_ms
from tests.support.rolling import HOUR_MS, write_results
from tests.support.tenant_world import World

MINUTE_MS = 60_000


async def a_day(world: World, *, hours: int = 26) -> UUID:
    """A monitor with a result a minute in each region."""
    monitor_id = UUID((await world.monitor(name="API"))["id"])
    end = now_ms()
    async with world.database.app_transaction() as conn:
        for region_id in world.regions.values():
            slots = range(end - hours * HOUR_MS, end, MINUTE_MS)
            await write_results(conn, world.tenant_id, monitor_id, region_id, slots, seed=region_id)
    return monitor_id


async def samples(world: World, monitor_id: UUID, start: datetime, end: datetime, *regions: str) -> list[int]:
    """The latencies of the range in microseconds, from the raw rows."""
    rows = await world.rows(
        "SELECT total_us FROM results WHERE monitor_id = $1 AND slot >= $2 AND slot < $3 AND outcome < 2"
        " AND total_us IS NOT NULL AND region_id = ANY ($4::int[])",
        monitor_id,
        int(start.timestamp() * 1000),
        int(end.timestamp() * 1000),
        [world.regions[region] for region in regions or world.regions],
    )
    return [row["total_us"] for row in rows]


def zulu(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def agrees(told: dict[str, Any], values: list[int]) -> None:
    assert told["samples"] == len(values)
    for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
        exact = percentile(values, share) / 1000
        assert told[name] == pytest.approx(exact, rel=RELATIVE_ERROR, abs=0.001)
    assert told["avg"] == pytest.approx(sum(values) / len(values) / 1000, abs=0.001)


@pytest.mark.parametrize("rolled", [False, True], ids=["raw", "rolled up"])
@pytest.mark.parametrize(("hours", "seconds"), [(0.4, 60), (1, 60), (6, 360), (24, 1440), (25.9, 1500)], ids=str)
async def test_any_range_has_exactly_its_results(world: World, hours: float, seconds: int, *, rolled: bool) -> None:
    monitor_id = await a_day(world)
    if rolled:
        await roll_up(world.database)
    chance = random.Random(int(hours * 10))
    end = from_unix_ms(now_ms() - chance.randrange(1000))
    start = end - timedelta(hours=hours)
    path = f"/monitors/{monitor_id}/latency"
    reply = await world.get(f"{path}?from={zulu(start)}&to={zulu(end)}")
    assert reply["bucket_seconds"] == seconds
    agrees(reply["summary"], await samples(world, monitor_id, start, end))
    assert sum(each["samples"] for each in reply["buckets"]) == reply["summary"]["samples"]
    assert 20 <= len(reply["buckets"]) <= 121
    one = await world.get(f"{path}?from={zulu(start)}&to={zulu(end)}&region=eu")
    agrees(one["summary"], await samples(world, monitor_id, start, end, "eu"))


async def test_long_ranges_are_read_from_hours(world: World) -> None:
    monitor_id = await a_day(world, hours=40)
    await roll_up(world.database)
    end = from_unix_ms(now_ms())
    start = end - timedelta(days=30)
    reply = await world.get(f"/monitors/{monitor_id}/latency?from={zulu(start)}&to={zulu(end)}")
    assert reply["bucket_seconds"] == 43_200
    agrees(reply["summary"], await samples(world, monitor_id, start, end))
    assert sum(bool(each["samples"]) for each in reply["buckets"]) <= 5


async def test_slices_on_the_grain_of_rollups_are_exact(world: World) -> None:
    monitor_id = await a_day(world, hours=12)
    await roll_up(world.database)
    end = from_unix_ms(now_ms() // HOUR_MS * HOUR_MS)
    start = end - timedelta(hours=5)
    reply = await world.get(f"/monitors/{monitor_id}/latency?from={zulu(start)}&to={zulu(end)}")
    assert reply["bucket_seconds"] == 300
    for n, told in enumerate(reply["buckets"]):
        since = start + n * timedelta(minutes=5)
        assert told["t"] == zulu(since)
        values = await samples(world, monitor_id, since, since + timedelta(minutes=5))
        if values:
            agrees(told, values)
        else:
            assert told["samples"] == 0


async def test_gaps_have_no_samples_and_nothing_else(world: World) -> None:
    monitor = await world.monitor(name="API")
    reply = await world.get(f"/monitors/{monitor['id']}/latency")
    assert reply["bucket_seconds"] == 1440
    assert 60 <= len(reply["buckets"]) <= 61
    empty = dict.fromkeys(("p50", "p95", "p99", "avg", "dns", "connect", "tls", "ttfb", "download"))
    assert all(each == {**empty, "t": each["t"], "samples": 0} for each in reply["buckets"])


async def test_phases_add_up_to_no_more_than_the_whole(world: World) -> None:
    monitor_id = UUID((await world.monitor(name="API"))["id"])
    async with world.database.app_transaction() as conn:
        for n, dns in enumerate((4000, None)):
            await conn.execute(
                "INSERT INTO results (monitor_id, slot, region_id, agent_number, tenant_id, check_version, outcome,"
                " reason, dns_us, connect_us, ttfb_us, total_us)"
                " VALUES ($1, $2, $3, 1, $4, 1, 0, 0, $5, 2000, 5000, 11000)",
                monitor_id,
                now_ms() - 60_000 + n,
                world.regions["eu"],
                world.tenant_id,
                dns,
            )
    reply = await world.get(f"/monitors/{monitor_id}/latency")
    (told,) = [each for each in reply["buckets"] if each["samples"]]
    assert {name: told[name] for name in ("dns", "connect", "tls", "ttfb", "avg")} == {
        "dns": 2.0, "connect": 2.0, "tls": 0.0, "ttfb": 5.0, "avg": 11.0,
    }  # fmt: skip


async def test_regions_have_series_of_their_own(world: World) -> None:
    monitor_id = await a_day(world, hours=3)
    await roll_up(world.database)
    end = from_unix_ms(now_ms())
    start = end - timedelta(hours=24)
    reply = await world.get(f"/monitors/{monitor_id}/latency/by-region?from={zulu(start)}&to={zulu(end)}")
    assert [each["region"] for each in reply["regions"]] == ["eu", "us"]
    for each in reply["regions"]:
        agrees(each["summary"], await samples(world, monitor_id, start, end, each["region"]))


async def test_a_range_that_is_none_is_refused(world: World) -> None:
    monitor = await world.monitor(name="API")
    at = "2026-05-01T00:00:00Z"
    reply = await world.http.get(f"/api/v1/monitors/{monitor['id']}/latency?from={at}&to={at}")
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "BAD_TIME_RANGE")
