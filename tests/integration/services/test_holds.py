"""Holds on real rows: windows and upstreams keep incidents from opening, and what began under one has to be renewed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from control_plane.domain.heartbeats.heartbeat import Ping, PingKind
from control_plane.services.heartbeats.take_pings import NewPing, take_pings
from control_plane.services.judging.judge_due import judge_due, judge_followers
from control_plane.services.judging.judge_monitors import judge_monitors
from control_plane.services.judging.sweep_verdicts import sweep_verdicts
from control_plane.store import cases
from control_plane.store.pool import Database
from shared.ids import TenantId
from tests.support import seed
from tests.support.auditor import audit
from tests.support.deciding import Stage
from tests.support.heartbeats import a_heartbeat
from tests.support.restraining import (
    a_window,
    all_say,
    another_monitor,
    depends,
    incidents_of,
    look_again,
    pass_time,
    rechecks_of,
    soon,
    state_of,
)


@pytest.fixture
async def stage(database: Database) -> Stage:
    return await Stage.make(database, regions=("ap", "eu", "us"))


async def an_outage_under_a_window(stage: Stage) -> None:
    """The window ended a second ago; the outage began under it and goes on."""
    await a_window(stage, ends_in_s=60)
    await stage.outage("eu", "us")
    await stage.take_rechecks(*stage.reporters)
    await pass_time(stage.database, seconds=61)


async def test_an_outage_in_a_window_is_a_verdict_and_no_incident(stage: Stage) -> None:
    await a_window(stage, ends_in_s=60)
    await stage.outage("eu", "us")

    state = await stage.state()
    [period] = await stage.rows("SELECT ends_at FROM monitor_periods")
    assert (state["verdict"], await stage.incidents()) == ("down", [])
    assert "database" in state["held_by"]
    assert state["held_since"] is not None
    assert abs(state["due_at"] - period["ends_at"]) < timedelta(milliseconds=1)


async def test_the_end_of_a_window_asks_every_region_again_and_opens_nothing_by_itself(stage: Stage) -> None:
    await an_outage_under_a_window(stage)

    assert await judge_due(stage.database) == 1

    state = await stage.state()
    assert (state["held_since"], state["hold_ended_at"] is not None) == (None, True)
    assert [row["slug"] for row in await rechecks_of(stage, stage.monitor_id)] == ["ap"] * 4 + ["eu"] * 4 + ["us"] * 4
    await look_again(stage.database)
    assert (await stage.state())["verdict"] == "down"
    assert await stage.incidents() == []


async def test_after_a_window_the_incident_opens_on_new_down_slots_of_enough_regions(stage: Stage) -> None:
    await an_outage_under_a_window(stage)
    await judge_due(stage.database)

    await stage.report("eu", "down", at=soon(stage))
    await look_again(stage.database)
    assert await stage.incidents() == []

    await stage.report("us", "down", at=soon(stage))
    await look_again(stage.database)
    [incident] = await stage.incidents()
    assert "database" in incident["held_by"]
    [opened] = await stage.rows("SELECT text FROM incident_events WHERE kind = 'opened'")
    assert "database" in opened["text"]
    state = await stage.state()
    assert (state["hold_ended_at"], state["held_by"]) == (None, None)
    async with stage.database.app() as conn:
        assert await audit(conn) == []


async def test_what_recovers_after_a_window_opens_nothing_and_the_hold_is_forgotten(stage: Stage) -> None:
    await an_outage_under_a_window(stage)
    await judge_due(stage.database)

    for region in ("eu", "us"):
        await stage.send(region, [stage.item("up", at=soon(stage)), stage.item("up", at=soon(stage, 3))])
    await look_again(stage.database)

    state = await stage.state()
    assert (state["verdict"], await stage.incidents()) == ("up", [])
    assert (state["held_by"], state["hold_ended_at"], state["due_at"]) == (None, None, None)
    await stage.send("eu", [stage.item("down", at=soon(stage, 5)), stage.item("down", at=soon(stage, 7))])
    await stage.send("us", [stage.item("down", at=soon(stage, 5)), stage.item("down", at=soon(stage, 7))])
    [incident] = await stage.incidents()
    assert incident["held_by"] is None


async def test_a_window_without_an_end_holds_until_its_row_has_one(stage: Stage) -> None:
    await a_window(stage, ends_in_s=None)
    await stage.outage("eu", "us")
    assert (await stage.state())["due_at"] is None
    assert await judge_followers(stage.database) == 0
    await stage.rows("UPDATE monitor_periods SET ends_at = now() - interval '1 second'")
    await judge_followers(stage.database)
    state = await stage.state()
    assert (state["held_since"], await stage.incidents()) == (None, [])
    assert await rechecks_of(stage, stage.monitor_id)


async def test_a_window_that_begins_while_an_incident_is_open_leaves_it_as_it_is(stage: Stage) -> None:
    await stage.outage("eu", "us")
    await a_window(stage, ends_in_s=60)
    [incident] = await stage.incidents()
    assert incident["state"] == "triggered"
    for region in ("eu", "us"):
        await stage.send(region, [stage.item("up", at=4), stage.item("up", at=6)])
    [incident] = await stage.incidents()
    assert (incident["state"], incident["resolution"]) == ("resolved", "recovered")


# ------------------------------------------------------------------------------------------------------ upstreams


async def chain(stage: Stage) -> UUID:
    """gateway ← router ← the stage's monitor. All up; the gateway is returned."""
    gateway = await another_monitor(stage, name="gateway")
    router = await another_monitor(stage, name="router")
    await stage.all_up()
    await depends(stage, router, gateway)
    await depends(stage, stage.monitor_id, router)
    return gateway


async def test_an_upstream_that_is_down_holds_what_depends_on_it_through_others(stage: Stage) -> None:
    gateway = await chain(stage)
    await all_say(stage, gateway, "down", "down", at=0)
    await judge_followers(stage.database)
    assert "gateway" in (await stage.state())["held_by"]

    await all_say(stage, stage.monitor_id, "down", "down", at=4)

    assert ((await stage.state())["verdict"], await incidents_of(stage, stage.monitor_id)) == ("down", [])
    [theirs] = await incidents_of(stage, gateway)
    assert theirs["state"] == "triggered"


async def test_an_upstream_that_recovers_releases_and_the_outage_has_to_be_renewed(stage: Stage) -> None:
    gateway = await chain(stage)
    await all_say(stage, gateway, "down", "down", at=0)
    await all_say(stage, stage.monitor_id, "down", "down", at=4)
    await stage.take_rechecks(*stage.reporters)
    await all_say(stage, gateway, "up", "up", at=8)
    await judge_followers(stage.database)
    assert (await stage.state())["hold_ended_at"] is not None
    assert await rechecks_of(stage, stage.monitor_id)
    assert await incidents_of(stage, stage.monitor_id) == []

    [router] = await stage.rows("SELECT id FROM monitors WHERE name = 'router'")
    for upstream in (gateway, router["id"]):  # both have been heard since
        await all_say(stage, upstream, "up", at=soon(stage))
    await all_say(stage, stage.monitor_id, "down", at=soon(stage))
    await look_again(stage.database)

    [incident] = await incidents_of(stage, stage.monitor_id)
    assert "gateway" in incident["held_by"]
    async with stage.database.app() as conn:
        assert await audit(conn) == []


async def test_the_sweep_finds_a_hold_that_nobody_told_of(stage: Stage) -> None:
    gateway = await chain(stage)
    await stage.rows("UPDATE monitor_states SET verdict = 'down' WHERE monitor_id = $1", gateway)
    await sweep_verdicts(stage.database)
    assert "gateway" in ((await stage.state())["held_by"] or "")


# ------------------------------------------------------------------------------------------- kinds without regions


async def test_a_ping_missed_inside_a_window_pages_at_the_next_deadline_and_not_at_the_windows_end(
    stage: Stage,
) -> None:
    heartbeat = await pinged_once(stage, period=60, grace=10)
    await a_window(stage, ends_in_s=90, monitor_id=heartbeat)
    await pass_time(stage.database, seconds=75)
    await judge_due(stage.database)
    state = await state_of(stage, heartbeat)
    assert (state["verdict"], await incidents_of(stage, heartbeat)) == ("down", [])

    await pass_time(stage.database, seconds=20)
    await judge_due(stage.database)
    await look_again(stage.database)
    state = await state_of(stage, heartbeat)
    assert (state["held_since"], await incidents_of(stage, heartbeat)) == (None, [])
    [own] = await stage.rows("SELECT due_at FROM heartbeats")
    assert (state["due_at"] - own["due_at"]).total_seconds() == 60

    await pass_time(stage.database, seconds=40)
    await judge_due(stage.database)
    [incident] = await incidents_of(stage, heartbeat)
    assert "database" in incident["held_by"]


async def test_a_ping_in_time_after_the_window_pages_nobody(stage: Stage) -> None:
    heartbeat = await pinged_once(stage, period=60, grace=10)
    await a_window(stage, ends_in_s=90, monitor_id=heartbeat)
    await pass_time(stage.database, seconds=95)
    await judge_due(stage.database)
    await ping(stage)
    await look_again(stage.database)
    assert ((await state_of(stage, heartbeat))["verdict"], await incidents_of(stage, heartbeat)) == ("up", [])


async def test_a_composite_is_held_like_any_other_and_opens_by_what_its_members_say_after_the_window(
    stage: Stage,
) -> None:
    await stage.all_up()
    composite = await a_composite(stage)
    await a_window(stage, ends_in_s=60, monitor_id=composite)
    await all_say(stage, stage.monitor_id, "down", "down", at=0)
    await judge_followers(stage.database)
    assert ((await state_of(stage, composite))["verdict"], await incidents_of(stage, composite)) == ("down", [])

    await pass_time(stage.database, seconds=61)
    await judge_due(stage.database)
    assert await incidents_of(stage, composite) == []
    await look_again(stage.database)
    [incident] = await incidents_of(stage, composite)
    assert "database" in incident["held_by"]


async def a_composite(stage: Stage) -> UUID:
    check = {"type": "composite", "at_least": 1, "of": {"monitors": [str(stage.monitor_id)]}}
    async with stage.database.app_transaction() as conn:
        made = await seed.a_monitor(conn, TenantId(stage.tenant_id), [], kind="composite", check=check)
        await conn.execute("UPDATE monitor_states SET sole = true WHERE monitor_id = $1", made)
        await judge_monitors(conn, [made])
    return made


async def pinged_once(stage: Stage, **check: Any) -> UUID:
    async with stage.database.app_transaction() as conn:
        monitor_id, _ = await a_heartbeat(conn, TenantId(stage.tenant_id), **check)
    await ping(stage)
    return monitor_id


async def ping(stage: Stage) -> None:
    [row] = await stage.rows("SELECT ping_id FROM heartbeats")
    async with stage.database.app() as conn:
        at_ms = await cases.database_clock_ms(conn)
    signal = Ping(kind=PingKind.SUCCESS, at_ms=at_ms)
    await take_pings(
        stage.database,
        [NewPing(ping_id=row["ping_id"], signal=signal, method="GET", source="127.0.0.1", user_agent="")],
    )
