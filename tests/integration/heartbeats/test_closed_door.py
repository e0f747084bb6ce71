"""What is missed while the ping door is closed: its marks, its refusals, and a database that goes away."""

from __future__ import annotations

import random
from contextlib import suppress
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from uuid import UUID

import pytest

from control_plane.errors import Unavailable
from control_plane.services.heartbeats.keep_ping_door import PingDoorKeeper
from control_plane.services.heartbeats.take_pings import PingCollector
from control_plane.services.judging.judge_due import judge_due, judge_followers
from control_plane.services.judging.sweep_verdicts import sweep_verdicts
from control_plane.store import cases, heartbeats, ping_door
from control_plane.store.pool import Database
from tests.support import seed
from tests.support.heartbeats import a_heartbeat
from tests.support.ping_door import EARLIER, SHORT, SPELL, Watched
from tests.support.postgres import TestServer
from tests.support.waiting import until_async

RANDOM = """
WITH made AS (
    UPDATE heartbeats SET phase = $2, counted_from = clock_timestamp() - $3::float8 * interval '1 s', open_runs = $4,
        due_run = jsonb_array_length($4) > 0,
        due_at = clock_timestamp() + coalesce(-$5::float8, 40 - $3::float8) * interval '1 s'
    WHERE monitor_id = $1 RETURNING tenant_id, monitor_id
)
UPDATE monitor_states s SET fresh_up = $6, fresh_down = $7
FROM made WHERE s.tenant_id = made.tenant_id AND s.monitor_id = made.monitor_id
"""


class Whose(NamedTuple):
    """A heartbeat as votes are asked for."""

    tenant_id: UUID
    monitor_id: UUID


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


async def test_what_is_stale_is_exactly_what_would_be_voted_otherwise(watched: Watched) -> None:
    chance = random.Random(26)
    async with watched.database.app_transaction() as conn:
        tenant_id = await seed.a_tenant(conn, "Many")
        whose = [Whose(tenant_id, (await a_heartbeat(conn, tenant_id, **SHORT))[0]) for _ in range(80)]
        now_ms = await cases.database_clock_ms(conn)
        for one in whose:
            ago, ran = chance.choice([5, 45, 60, 100, 200]), chance.choice([None, 20, 90])
            runs = [] if ran is None else [[1, now_ms - ran * 1000, None]]
            say = chance.choice([(0, 0), (1, 0), (0, 1)])
            phase = chance.choice(["new", "up", "up", "down"])
            await conn.execute(RANDOM, one.monitor_id, phase, ago, runs, chance.choice([None, 10, -20, ran]), *say)
        for since, until in ((500, 150), (120, 70), (40, 0)):
            await conn.execute(SPELL, since, until)
        votes = await heartbeats.sole_votes(conn, whose, now_ms)
        states = await conn.fetch("SELECT * FROM monitor_states WHERE tenant_id = $1", tenant_id)
        counted = {row["monitor_id"]: (row["fresh_up"], row["fresh_down"]) for row in states}
        says = {one: vote.say for one, vote in votes.items()}
        turned = {one for one, say in says.items() if counted[one] != (say == "up", say == "down")}
        assert {*says.values()} == {None, "up", "down"}
        assert 0 < len(turned) < len(whose)
        assert {*await heartbeats.stale(conn, now_ms, 1000)} - {watched.monitor_id} == turned
