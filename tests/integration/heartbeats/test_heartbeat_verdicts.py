"""Pings and missed deadlines through the engine: verdicts, incidents, and what a pause does."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from control_plane.domain.heartbeats.heartbeat import Ping, PingKind
from control_plane.services.heartbeats.take_pings import NewPing, take_pings
from control_plane.services.judging.judge_due import judge_due, judge_followers
from control_plane.store import cases, heartbeats
from control_plane.store.pool import Database
from shared.ids import MonitorId, TenantId
from tests.support import seed
from tests.support.heartbeats import a_heartbeat


class Lives:
    """One heartbeat with a period of an hour and a grace of five minutes, and means to make time pass for it."""

    def __init__(self, database: Database, tenant_id: TenantId, monitor_id: MonitorId, ping_id: UUID) -> None:
        self.database, self.tenant_id, self.monitor_id, self.ping_id = database, tenant_id, monitor_id, ping_id

    async def ping(self, kind: str = "success", *, exit_code: int | None = None) -> None:
        async with self.database.app() as conn:
            now_ms = await cases.database_clock_ms(conn)
        signal = Ping(kind=PingKind(kind), at_ms=now_ms, exit_code=exit_code)
        ping = NewPing(ping_id=self.ping_id, signal=signal, method="GET", source="127.0.0.1", user_agent="")
        [taken] = await take_pings(self.database, [ping])
        assert taken is not None

    async def pass_time(self, by: timedelta) -> None:
        """As if everything that happened to it had happened so much earlier."""
        async with self.database.app() as conn:
            await conn.execute(
                "UPDATE heartbeats SET since = since - $1::interval, counted_from = counted_from - $1::interval,"
                " due_at = due_at - $1::interval, last_ping_at = last_ping_at - $1::interval,"
                " first_bad_at = first_bad_at - $1::interval",
                by,
            )
            await conn.execute(
                "UPDATE monitor_states SET due_at = due_at - $1::interval, since = since - $1::interval,"
                " judged_at = judged_at - $1::interval",
                by,
            )

    async def one(self, statement: str) -> dict[str, Any]:
        [row] = await self.all(statement)
        return row

    async def all(self, statement: str) -> list[dict[str, Any]]:
        async with self.database.app() as conn:
            return [dict(row) for row in await conn.fetch(statement)]

    async def verdict(self) -> str:
        found: str = (await self.one("SELECT verdict FROM monitor_states"))["verdict"]
        return found

    async def open_incidents(self) -> list[dict[str, Any]]:
        return await self.all("SELECT * FROM incidents WHERE state <> 'resolved'")

    async def events(self) -> list[str]:
        return [row["event"] for row in await self.all("SELECT event FROM events ORDER BY number")]

    async def due(self) -> tuple[Any, Any]:
        found = await self.one(
            "SELECT s.due_at, h.due_at AS own FROM monitor_states s JOIN heartbeats h USING (monitor_id)"
        )
        return found["due_at"], found["own"]


@pytest.fixture
async def lives(database: Database) -> Lives:
    async with database.app_transaction() as conn:
        tenant_id = await seed.a_tenant(conn)
        monitor_id, ping_id = await a_heartbeat(conn, tenant_id)
    return Lives(database, tenant_id, monitor_id, ping_id)


async def test_a_heartbeat_is_unknown_until_its_first_ping(lives: Lives) -> None:
    await judge_due(lives.database)
    await judge_followers(lives.database)
    assert await lives.verdict() == "unknown"
    await lives.ping("log")
    assert await lives.verdict() == "unknown"
    await lives.ping()
    assert await lives.verdict() == "up"


async def test_a_missed_period_opens_an_incident_and_a_ping_resolves_it(lives: Lives) -> None:
    await lives.ping()
    await lives.pass_time(timedelta(minutes=64))
    await judge_due(lives.database)
    assert (await lives.verdict(), await lives.open_incidents()) == ("up", [])

    await lives.pass_time(timedelta(minutes=2))
    await judge_due(lives.database)
    assert await lives.verdict() == "down"
    [incident] = await lives.open_incidents()
    assert "no ping came in time" in incident["cause"]
    last = (await lives.one("SELECT last_ping_at FROM heartbeats"))["last_ping_at"]
    assert incident["started_at"] == last + timedelta(hours=1)

    assert await lives.events() == ["verdict.changed", "verdict.changed", "heartbeat.missed", "incident.opened"]

    await lives.ping()
    assert (await lives.verdict(), await lives.open_incidents()) == ("up", [])


async def test_a_steady_ping_moves_the_deadline_and_nothing_else(lives: Lives) -> None:
    await lives.ping()
    before = await lives.one("SELECT * FROM monitor_states")
    await lives.ping()
    after = await lives.one("SELECT * FROM monitor_states")
    due, own = await lives.due()
    assert due == own > before["due_at"]
    assert {**before, "due_at": None} == {**after, "due_at": None}


async def test_a_failure_is_down_at_once_and_until_a_success(lives: Lives) -> None:
    await lives.ping()
    await lives.ping("fail", exit_code=3)
    [incident] = await lives.open_incidents()
    assert "exit code 3" in incident["cause"]
    assert "heartbeat.missed" not in await lives.events()
    for kind in ("start", "log", "fail"):
        await lives.ping(kind)
        assert [one["id"] for one in await lives.open_incidents()] == [incident["id"]]
    await lives.ping(exit_code=0)
    assert (await lives.verdict(), await lives.open_incidents()) == ("up", [])


async def test_a_run_that_never_ends_is_down_after_its_limit(lives: Lives) -> None:
    await lives.ping("start")
    assert await lives.verdict() == "unknown"
    await lives.pass_time(timedelta(minutes=66))
    await judge_due(lives.database)
    assert await lives.verdict() == "down"
    [incident] = await lives.open_incidents()
    assert "a run did not end in time" in incident["cause"]


async def test_the_sweep_finds_a_deadline_whose_date_was_lost(lives: Lives) -> None:
    await lives.ping()
    await lives.pass_time(timedelta(hours=2))
    async with lives.database.app() as conn:
        await conn.execute("UPDATE monitor_states SET due_at = NULL")
        assert await heartbeats.stale(conn, await cases.database_clock_ms(conn), 10) == [lives.monitor_id]
    await judge_followers(lives.database)
    assert await lives.verdict() == "down"
    async with lives.database.app() as conn:
        assert await heartbeats.stale(conn, await cases.database_clock_ms(conn), 10) == []
