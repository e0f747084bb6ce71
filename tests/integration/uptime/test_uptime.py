"""Uptime of real rows, held against a second computation that shares nothing with it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from control_plane.services.uptime.read_availability import Horizon, day_start, read_days, read_uptimes
from control_plane.store import retention, uptime_reads
from control_plane.store.pool import Database
from shared.ids import TenantId
from tests.support import seed
from tests.support.independent_uptime import by_the_second, local_days, percentage, read_rows
from tests.support.long_past import an_eventful_time, utc, write_past
from tests.support.tenant_world import World

STATES = ("up", "degraded", "down", "maintenance", "paused", "unknown")
KEPT = timedelta(days=400)
SET_SLA = "UPDATE monitors SET sla_target = 99.9, sla_period_days = 10 WHERE id = $1"
ZONES = (
    *("UTC", "Europe/Berlin", "Europe/London", "Europe/Lisbon", "America/New_York", "America/Los_Angeles"),
    *(
        "America/St_Johns",
        "America/Havana",
        "America/Santiago",
        "America/Sao_Paulo",
        "Africa/Cairo",
        "Africa/Casablanca",
    ),
    *("Asia/Beirut", "Asia/Kathmandu", "Asia/Kolkata", "Asia/Tokyo", "Australia/Adelaide"),
    *("Australia/Lord_Howe", "Pacific/Auckland", "Pacific/Chatham", "Pacific/Kiritimati"),
)
DATES = {
    "spring": (utc(2025, 3, 31, 12), 40),
    "autumn": (utc(2025, 11, 4, 12), 45),
    "leap day": (utc(2024, 3, 2, 12), 5),
    "year end": (utc(2026, 1, 2, 12), 5),
}


async def a_monitor(database: Database, **past: Any) -> tuple[TenantId, UUID]:
    async with database.app_transaction() as conn:
        tenant_id = await seed.a_tenant(conn)
        monitor_id = await seed.a_monitor(conn, tenant_id, [await seed.a_region(conn)])
        await write_past(conn, tenant_id, monitor_id, **past)
    return tenant_id, monitor_id


def seconds_of(found: Any) -> dict[str, int]:
    return {name: value for name in STATES if (value := getattr(found, name))}


@pytest.mark.parametrize("number", range(3))
async def test_a_month_is_recomputed_to_the_second(database: Database, number: int) -> None:
    start, end = utc(2026, 5, 1), utc(2026, 6, 1)
    transitions, periods = an_eventful_time(start - timedelta(days=9), end, seed=number)
    tenant_id, monitor_id = await a_monitor(
        database, created_at=start - timedelta(days=10), transitions=transitions, periods=periods
    )
    async with database.tenant(tenant_id) as conn:
        monitors = await uptime_reads.uptime_monitors(conn, tenant_id=tenant_id, monitor_ids=[monitor_id])
        found = await read_uptimes(
            conn, monitors, tenant_id=tenant_id, start=start, end=end, horizon=Horizon(utc(2026, 6, 3), KEPT)
        )
        rows = await read_rows(conn, str(monitor_id))
    counted = by_the_second(**rows, start=start, end=end)
    assert set(counted) == set(STATES)
    assert seconds_of(found[monitor_id].seconds) == counted
    assert found[monitor_id].uptime_pct == percentage(counted)
    assert sum(counted.values()) == 31 * 86_400


@pytest.mark.parametrize("name", DATES)
async def test_days_of_twenty_zones_add_up_and_are_as_long_as_their_clocks_say(database: Database, name: str) -> None:
    now, days = DATES[name]
    since = now - timedelta(days=days + 2)
    transitions, periods = an_eventful_time(since, now, seed=len(name))
    created_at = since - timedelta(days=1)
    tenant_id, monitor_id = await a_monitor(database, created_at=created_at, transitions=transitions, periods=periods)
    horizon = Horizon(now, KEPT)
    async with database.tenant(tenant_id) as conn:
        (monitor,) = await uptime_reads.uptime_monitors(conn, tenant_id=tenant_id, monitor_ids=[monitor_id])
        for zone in ZONES:
            clock = ZoneInfo(zone)
            last = now.astimezone(clock).date()
            found = await read_days(
                conn, monitor, tenant_id=tenant_id, zone=clock, last=last, days=days, horizon=horizon
            )
            lengths = local_days(zone, start=since, end=now)
            assert len(found) == days
            for day in found:
                assert day.availability.seconds.total == lengths[day.day] * 60, (zone, day.day)
            for one, following in pairwise(found):
                assert one.availability.end == following.availability.start, zone
            newest = found[-1].availability
            assert newest.end == now
            counted = by_the_second(transitions, periods, created_at=created_at, start=newest.start, end=now)
            assert seconds_of(newest.seconds) == counted, zone


@pytest.mark.parametrize("zone", ZONES)
def test_a_day_starts_when_the_clock_first_shows_it(zone: str) -> None:
    clock = ZoneInfo(zone)
    for year in (2024, 2025):
        at = datetime(year, 1, 1, tzinfo=UTC)
        while at.year == year:
            day = at.astimezone(clock).date()
            start = day_start(day, clock)
            assert start.astimezone(clock).date() == day
            assert (start - timedelta(seconds=1)).astimezone(clock).date() == day - timedelta(days=1)
            at += timedelta(days=1)


async def test_days_of_23_and_25_hours(database: Database) -> None:
    tenant_id, monitor_id = await a_monitor(database, created_at=utc(2025, 1, 1), transitions=[(utc(2025, 1, 1), "up")])
    berlin = ZoneInfo("Europe/Berlin")
    for day, hours in ((utc(2025, 3, 30), 23), (utc(2025, 10, 26), 25), (utc(2025, 10, 27), 24)):
        async with database.tenant(tenant_id) as conn:
            (monitor,) = await uptime_reads.uptime_monitors(conn, tenant_id=tenant_id, monitor_ids=[monitor_id])
            (found,) = await read_days(
                conn,
                monitor,
                tenant_id=tenant_id,
                zone=berlin,
                last=day.date(),
                days=1,
                horizon=Horizon(utc(2025, 12, 1), KEPT),
            )
        assert found.availability.seconds.up == hours * 3600


async def now_of(world: World) -> datetime:
    (row,) = await world.rows("SELECT date_trunc('second', now()) AS now")
    now: datetime = row["now"]
    return now


async def test_the_door_tells_time_by_state_and_results_by_region(world: World) -> None:
    monitor = await world.monitor(name="API")
    monitor_id, now = UUID(monitor["id"]), await now_of(world)
    async with world.database.app_transaction() as conn:
        await write_past(
            conn,
            world.tenant_id,
            monitor_id,
            created_at=now - timedelta(hours=10),
            transitions=[
                (now - timedelta(hours=9), "up"),
                (now - timedelta(hours=2), "down"),
                (now - timedelta(hours=1), "up"),
            ],
            periods=[("maintenance", now - timedelta(minutes=90), now - timedelta(minutes=60))],
        )
        slot = int((now - timedelta(minutes=5)).timestamp() * 1000)
        for n, (region, outcome) in enumerate((("eu", 0), ("eu", 2), ("us", 0), ("us", 3))):
            await conn.execute(
                "INSERT INTO results (monitor_id, slot, region_id, agent_number, tenant_id, check_version, outcome,"
                " reason) VALUES ($1, $2, $3, 1, $4, 1, $5, 0)",
                monitor_id,
                slot + n,
                world.regions[region],
                world.tenant_id,
                outcome,
            )
    to = now.isoformat().replace("+00:00", "Z")
    reply = await world.get(f"/monitors/{monitor_id}/uptime?to={to}")
    assert reply["from"] == (now - timedelta(hours=10)).isoformat().replace("+00:00", "Z")
    assert reply["to"] == to
    assert reply["seconds"] == {
        "up": 8 * 3600, "degraded": 0, "down": 1800, "maintenance": 1800, "paused": 0, "unknown": 3600,
    }  # fmt: skip
    assert reply["uptime_pct"] == 94.117
    assert reply["results"] == {"total": 4, "up": 2, "degraded": 0, "down": 1, "error": 1}
    assert [(each["region"], each["good_pct"]) for each in reply["regions"]] == [("eu", 50.0), ("us", 100.0)]
    one = await world.get(f"/monitors/{monitor_id}/uptime?region=us")
    assert one["results"]["total"] == 2
    assert one["uptime_pct"] is not None


async def test_no_known_time_is_null_and_what_is_to_come_is_left_out(world: World) -> None:
    monitor = await world.monitor(name="API")
    path = f"/monitors/{monitor['id']}/uptime"
    fresh = await world.get(path)
    assert fresh["uptime_pct"] is None
    before = await world.get(f"{path}?from=2020-01-01T00:00:00Z&to=2020-02-01T00:00:00Z")
    assert before["uptime_pct"] is None
    assert sum(before["seconds"].values()) == 0
    ahead = await world.get(f"{path}?from=2020-01-01T00:00:00Z&to=2100-01-01T00:00:00Z")
    assert ahead["to"] < "2090"
    assert sum(ahead["seconds"].values()) < 3600


async def test_time_longer_ago_than_it_is_kept_is_null(database: Database) -> None:
    now = utc(2026, 6, 3)
    tenant_id, monitor_id = await a_monitor(database, created_at=utc(2024, 1, 1), transitions=[(utc(2024, 1, 1), "up")])
    async with database.tenant(tenant_id) as conn:
        monitors = await uptime_reads.uptime_monitors(conn, tenant_id=tenant_id, monitor_ids=[monitor_id])
        for start, end, seconds in (
            (utc(2024, 5, 1), utc(2024, 6, 1), 0),
            (now - timedelta(days=401), now - timedelta(days=399), 86_400),
        ):
            found = await read_uptimes(
                conn, monitors, tenant_id=tenant_id, start=start, end=end, horizon=Horizon(now, KEPT)
            )
            assert found[monitor_id].seconds.total == seconds
            assert found[monitor_id].uptime_pct == (100 if seconds else None)


async def test_periods_are_forgotten_when_no_uptime_reaches_back_to_them(world: World) -> None:
    monitor, now = await world.monitor(name="API"), await now_of(world)
    periods = [("maintenance", now - timedelta(days=days + 1), now - timedelta(days=days)) for days in (399, 401)]
    open_ended = ("paused", now - timedelta(days=500), None)
    async with world.database.app_transaction() as conn:
        await write_past(conn, world.tenant_id, UUID(monitor["id"]), created_at=now, periods=[*periods, open_ended])
        assert await retention.forget_periods(conn, older_than=KEPT) == 1
        left = await conn.fetch("SELECT kind, starts_at FROM monitor_periods ORDER BY starts_at")
    assert [tuple(row) for row in left] == [open_ended[:2], periods[0][:2]]


async def test_days_are_served_by_zone(world: World) -> None:
    monitor = await world.monitor(name="API")
    reply = await world.get(f"/monitors/{monitor['id']}/uptime/daily?tz=Asia/Tokyo&days=7")
    assert reply["tz"] == "Asia/Tokyo"
    assert len(reply["days"]) == 7
    assert reply["days"][0]["uptime_pct"] is None
    for query, code in (
        ("tz=Mars/Olympus", "INVALID_TIMEZONE"),
        ("days=0", "INVALID_DAYS"),
        ("days=401", "INVALID_DAYS"),
    ):
        refused = await world.http.get(f"/api/v1/monitors/{monitor['id']}/uptime/daily?{query}")
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, code)


async def test_nobody_else_reads_it(world: World) -> None:
    monitor = await world.monitor(name="API")
    for path in ("uptime", "uptime/daily", "latency", "latency/by-region", "sla"):
        reply = await world.stranger.get(f"/api/v1/monitors/{monitor['id']}/{path}")
        assert (reply.status_code, reply.json()["error"]["code"]) == (404, "MONITOR_NOT_FOUND"), path


async def test_an_sla_tells_what_is_left_of_the_budget(world: World) -> None:
    monitor = await world.monitor(name="API")
    path = f"/monitors/{monitor['id']}/sla"
    reply = await world.http.get(f"/api/v1{path}")
    assert (reply.status_code, reply.json()["error"]["code"]) == (404, "SLA_NOT_SET")
    now = await now_of(world)
    day = timedelta(days=1)
    for down, state in (
        (timedelta(0), "met"),
        (timedelta(minutes=6), "met"),
        (timedelta(minutes=12), "at_risk"),
        (timedelta(minutes=15), "breached"),
    ):
        async with world.database.app_transaction() as conn:
            await conn.execute(
                "UPDATE monitors SET sla_target = 99.9, sla_period_days = 10 WHERE id = $1", UUID(monitor["id"])
            )
            ended = now - day + down
            transitions = [(now - 20 * day, "up"), *([(now - day, "down"), (ended, "up")] if down else [])]
            await write_past(
                conn, world.tenant_id, UUID(monitor["id"]), created_at=now - 20 * day, transitions=transitions
            )
        told = await world.get(path)
        assert (told["state"], told["down_secs"]) == (state, down.total_seconds())
        assert (told["target"], told["period_days"], told["error_budget_secs"]) == (99.9, 10, 864)
        assert told["left"] == 864 - down.total_seconds()
        assert (told["uptime_pct"] < 99.9) == (state == "breached")
