"""What is missed because of an outage of our own: processes that are killed, and a database that goes away."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import pytest

from control_plane.domain.heartbeat import Ping, PingKind
from control_plane.errors import Unavailable
from control_plane.services.judge_due import judge_due, judge_followers
from control_plane.services.keep_ping_door import PingDoorKeeper
from control_plane.services.sweep_verdicts import sweep_verdicts
from control_plane.services.take_pings import NewPing, PingCollector
from control_plane.store import cases, heartbeats, ping_door
from control_plane.store.pool import Database
from tests.support import seed
from tests.support.farm import Farm, a_farm, free_port
from tests.support.heartbeats import a_heartbeat
from tests.support.postgres import TestServer
from tests.support.waiting import until_async

SHORT: dict[str, int] = {"period": 30, "grace": 10}

# As if the last ping, and everything that follows from it, had been so many seconds ago.
AGE = """
WITH moved AS (
    UPDATE heartbeats SET phase = 'up', counted_from = clock_timestamp() - $2::float8 * interval '1 s',
        last_ping_at = clock_timestamp() - $2::float8 * interval '1 s', pings = 1, last_kind = 'success',
        since = clock_timestamp() - $2::float8 * interval '1 s',
        due_at = clock_timestamp() + (40 - $2::float8) * interval '1 s'
    WHERE monitor_id = $1 RETURNING tenant_id, monitor_id, due_at
)
UPDATE monitor_states s SET verdict = 'up', assigned = 1, fresh_up = 1, fresh_down = 0, due_at = moved.due_at,
    since = clock_timestamp() - $2::float8 * interval '1 s'
FROM moved WHERE s.tenant_id = moved.tenant_id AND s.monitor_id = moved.monitor_id
"""
SHIFT = """
WITH moved AS (
    UPDATE heartbeats SET counted_from = counted_from - $2::float8 * interval '1 s',
        last_ping_at = last_ping_at - $2::float8 * interval '1 s', due_at = due_at - $2::float8 * interval '1 s'
    WHERE monitor_id = $1 RETURNING tenant_id, monitor_id, due_at
)
UPDATE monitor_states s SET due_at = moved.due_at
FROM moved WHERE s.tenant_id = moved.tenant_id AND s.monitor_id = moved.monitor_id
"""
EARLIER = """
UPDATE ping_door_spells
SET opened_at = opened_at - interval '1 h', seen_at = seen_at - $1::float8 * interval '1 s'
"""
STATE = "SELECT verdict, reason FROM monitor_states WHERE monitor_id = $1"
SPELL = """
INSERT INTO ping_door_spells (id, opened_at, seen_at)
VALUES (gen_random_uuid(), clock_timestamp() - $1::float8 * interval '1 s',
    clock_timestamp() - $2::float8 * interval '1 s')
"""


class Watched:
    """A heartbeat of 30 s with 10 s of grace, and the rows that tell of the door."""

    def __init__(self, database: Database, monitor_id: UUID, ping_id: UUID) -> None:
        self.database, self.monitor_id, self.ping_id = database, monitor_id, ping_id

    async def run(self, statement: str, *args: Any) -> list[dict[str, Any]]:
        async with self.database.app() as conn:
            return [dict(row) for row in await conn.fetch(statement, *args)]

    async def age(self, seconds: float) -> None:
        """Pinged so many seconds ago, and up since."""
        await self.run(AGE, self.monitor_id, seconds)

    async def shift(self, seconds: float) -> None:
        """As if the last ping had come so much earlier."""
        await self.run(SHIFT, self.monitor_id, seconds)

    async def spell(self, since: float, until: float = 0) -> None:
        """Some process marked the door from so many seconds ago to so many seconds ago."""
        await self.run(SPELL, since, until)

    async def state(self) -> tuple[str, str]:
        [row] = await self.run(STATE, self.monitor_id)
        return row["verdict"], row["reason"]

    async def verdict(self) -> str:
        return (await self.state())[0]

    async def incidents(self) -> int:
        return len(await self.run("SELECT FROM incidents WHERE monitor_id = $1", self.monitor_id))

    async def stale(self) -> list[UUID]:
        async with self.database.app() as conn:
            return await heartbeats.stale(conn, await cases.database_clock_ms(conn), 100)

    async def new_ping(self, kind: str = "success") -> NewPing:
        async with self.database.app() as conn:
            now_ms = await cases.database_clock_ms(conn)
        signal = Ping(kind=PingKind(kind), at_ms=now_ms)
        return NewPing(ping_id=self.ping_id, signal=signal, method="GET", source="127.0.0.1", user_agent="")


@pytest.fixture
async def watched(database: Database) -> Watched:
    return await _watched(database)


async def _watched(database: Database) -> Watched:
    async with database.app_transaction() as conn:
        monitor_id, ping_id = await a_heartbeat(conn, await seed.a_tenant(conn), **SHORT)
    return Watched(database, monitor_id, ping_id)


async def test_a_miss_while_no_process_marked_is_unknown_and_the_next_deadline_counts(watched: Watched) -> None:
    await watched.spell(300, 20)
    await watched.spell(5)
    await watched.age(45)
    await judge_due(watched.database)
    verdict, reason = await watched.state()
    assert verdict == "unknown"
    assert "ping door was closed from" in reason
    assert (await watched.incidents(), await watched.stale()) == (0, [])

    await watched.run("UPDATE ping_door_spells SET opened_at = opened_at - interval '60 s', seen_at = CASE"
                      " WHEN seen_at < clock_timestamp() - interval '10 s' THEN seen_at - interval '60 s'"
                      " ELSE clock_timestamp() END")  # fmt: skip
    await watched.run("UPDATE heartbeats SET counted_from = counted_from - interval '60 s',"
                      " due_at = due_at - interval '60 s'")  # fmt: skip
    assert await watched.stale() == [watched.monitor_id]
    await sweep_verdicts(watched.database)
    assert (await watched.verdict(), await watched.incidents()) == ("down", 1)


async def test_a_door_that_another_process_held_open_hides_no_miss(watched: Watched) -> None:
    await watched.spell(300, 20)
    await watched.spell(200)
    await watched.spell(5)
    await watched.age(45)
    await judge_due(watched.database)
    assert (await watched.verdict(), await watched.incidents()) == ("down", 1)


async def test_before_the_first_mark_after_an_outage_nobody_is_judged_down(watched: Watched) -> None:
    await watched.spell(300, 41)
    await watched.age(45)
    await judge_due(watched.database)
    await judge_followers(watched.database)
    assert (await watched.verdict(), await watched.incidents()) == ("unknown", 0)


async def test_a_deadline_after_the_newest_mark_waits_for_the_next_one(watched: Watched) -> None:
    await watched.spell(300, 2)
    await watched.age(41)
    await judge_due(watched.database)
    assert await watched.stale() == []
    assert await watched.verdict() == "up"
    await watched.run("UPDATE ping_door_spells SET seen_at = clock_timestamp()")
    await watched.run("UPDATE monitor_states SET due_at = clock_timestamp() - interval '1 s'")
    await judge_due(watched.database)
    assert (await watched.verdict(), await watched.incidents()) == ("down", 1)


async def test_refused_pings_excuse_and_a_failure_afterwards_counts(watched: Watched) -> None:
    await watched.spell(300)
    await watched.age(45)
    await watched.run(
        "INSERT INTO ping_door_refusals (from_at, until_at, pings)"
        " VALUES (clock_timestamp() - interval '12 s', clock_timestamp() - interval '11 s', 7)"
    )
    await judge_due(watched.database)
    assert (await watched.verdict(), await watched.incidents()) == ("unknown", 0)
    pings = PingCollector()
    assert await pings.take(watched.database, await watched.new_ping("log"))
    assert await watched.verdict() == "unknown"
    assert await pings.take(watched.database, await watched.new_ping("fail"))
    assert (await watched.verdict(), await watched.incidents()) == ("down", 1)


async def test_what_a_process_refused_is_judged_again_once_it_is_written_down(watched: Watched) -> None:
    await watched.spell(300)
    await watched.age(45)
    await judge_due(watched.database)
    assert await watched.verdict() == "down"
    await watched.run(
        "INSERT INTO ping_door_refusals (from_at, until_at, pings)"
        " VALUES (clock_timestamp() - interval '12 s', clock_timestamp() - interval '11 s', 1)"
    )
    assert await watched.stale() == [watched.monitor_id]
    await sweep_verdicts(watched.database)
    assert (await watched.verdict(), await watched.stale()) == ("unknown", [])


async def test_a_database_that_went_away_closes_the_door_and_nobody_is_down_when_it_is_back(
    postgres: TestServer, dsn: str, watched: Watched
) -> None:
    ours = await Database.connect(dsn, max_size=2)
    try:
        keeper, pings, ping = PingDoorKeeper(), PingCollector(), await watched.new_ping()
        for _ in range(2):
            await keeper.mark(ours, pings)
        assert len(await _spells(watched)) == 1
        await watched.age(45)
        await watched.run(EARLIER, 12)
        name = urlsplit(dsn).path.removeprefix("/")
        await postgres.execute(
            f"ALTER DATABASE {name} CONNECTION LIMIT 0",
            f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'",
        )
        for attempt in (pings.take(ours, ping), keeper.mark(ours, pings)):
            with pytest.raises(Unavailable):
                await attempt
        await postgres.execute(f"ALTER DATABASE {name} CONNECTION LIMIT -1")
        await until_async(lambda: _is_marked(keeper, ours, pings), "the door is marked again", timeout=30)
        await until_async(lambda: _is_judged(watched), "the database is back", timeout=30)
        assert (await watched.verdict(), await watched.incidents()) == ("unknown", 0)
        assert len(await _spells(watched)) == 2
        assert [row["pings"] for row in await watched.run("SELECT pings FROM ping_door_refusals")] == [1]
        assert await pings.take(ours, await watched.new_ping())
        assert await watched.verdict() == "up"
    finally:
        await ours.close()


async def test_a_spell_that_was_not_marked_for_long_is_not_gone_on_with(watched: Watched) -> None:
    keeper, pings = PingDoorKeeper(), PingCollector()
    await keeper.mark(watched.database, pings)
    await watched.run(EARLIER, 30)
    await keeper.mark(watched.database, pings)
    await keeper.mark(watched.database, pings)
    assert len(await _spells(watched)) == 2
    async with watched.database.app() as conn:
        door = await ping_door.read_door(conn, now_ms=await cases.database_clock_ms(conn))
    [closure] = door.closures
    assert closure.until_ms - closure.from_ms >= 30_000


async def _spells(watched: Watched) -> list[dict[str, Any]]:
    return await watched.run("SELECT id FROM ping_door_spells")


async def _is_marked(keeper: PingDoorKeeper, database: Database, pings: PingCollector) -> bool:
    with suppress(Unavailable):
        await keeper.mark(database, pings)
        return True
    return False


async def _is_judged(watched: Watched) -> bool:
    with suppress(Unavailable):
        await judge_due(watched.database)
        return True
    return False


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_a_control_plane_that_was_killed_over_a_deadline_pages_nobody_when_it_is_back(
    dsn: str, tmp_path: Path
) -> None:
    async with a_farm(dsn, tmp_path) as farm:
        server = await farm.start_control_plane()
        met, missed = [await _pinged(farm) for _ in range(2)]
        await until_async(lambda: _has_spells(farm, 1), "the door is marked", timeout=30)
        await server.kill()
        await met.run(EARLIER, 30)
        await met.shift(45)  # expected 15 s ago, while nobody served
        await missed.shift(90)  # due 50 s ago, while somebody did
        await farm.start_control_plane()
        await until_async(lambda: _is(missed, "down"), "what was missed before is down", timeout=30)
        await until_async(lambda: _is(met, "unknown"), "what was missed meanwhile is unknown", timeout=30)
        assert (await missed.incidents(), await met.incidents()) == (1, 0)
        async with httpx.AsyncClient(base_url=farm.url, timeout=20, trust_env=False) as http:
            assert (await http.get(f"/ping/{met.ping_id}")).status_code == 200
        assert (await met.verdict(), await met.incidents()) == ("up", 0)
        assert await farm.audit() == []


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_one_of_two_processes_that_is_killed_closes_nothing(dsn: str, tmp_path: Path) -> None:
    async with a_farm(dsn, tmp_path) as farm:
        first = await farm.start_control_plane()
        await farm.start_control_plane(port=free_port())
        await until_async(lambda: _has_spells(farm, 2), "both mark the door", timeout=30)
        missed = await _pinged(farm)
        await first.kill()
        await until_async(lambda: _is_seen_again(farm), "the other goes on marking", timeout=30)
        await missed.shift(45)
        await until_async(lambda: _is(missed, "down"), "a miss counts", timeout=30)
        assert await missed.incidents() == 1
        async with farm.database.app() as conn:
            assert (await ping_door.read_door(conn, now_ms=await cases.database_clock_ms(conn))).closures == ()
        assert await farm.audit() == []


async def _pinged(farm: Farm) -> Watched:
    async with farm.database.app_transaction() as conn:
        monitor_id, ping_id = await a_heartbeat(conn, farm.home.tenant_id, **SHORT)
    async with httpx.AsyncClient(base_url=farm.url, timeout=20, trust_env=False) as http:
        assert (await http.get(f"/ping/{ping_id}")).status_code == 200
    return Watched(farm.database, monitor_id, ping_id)


async def _has_spells(farm: Farm, count: int) -> bool:
    return len(await farm.rows("SELECT FROM ping_door_spells WHERE seen_at > opened_at")) == count


async def _is_seen_again(farm: Farm) -> bool:
    ages = await farm.rows("SELECT clock_timestamp() - seen_at > interval '3 s' AS dead FROM ping_door_spells")
    return sorted(row["dead"] for row in ages) == [False, True]


async def _is(watched: Watched, verdict: str) -> bool:
    return await watched.verdict() == verdict
