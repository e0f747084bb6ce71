"""What starts, whom it covers and what ends, on real PostgreSQL: late, twice at once, and killed in between."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from control_plane.services.fleet.ingest_results import Reporter
from control_plane.services.judging.judge_due import judge_due
from control_plane.services.maintenance import advance_maintenance as service
from control_plane.services.maintenance.advance_maintenance import advance_maintenance, sweep_maintenance
from control_plane.store import maintenance_advance
from control_plane.store.pool import Database
from tests.support import seed
from tests.support.deciding import Stage
from tests.support.maintenance import PATH, Planner, in_
from tests.support.plans import rows_read
from tests.support.waiting import until_async

TAGGED = "UPDATE monitors SET tags = $2, revision = revision + 1, updated_at = now() WHERE id = $1"
LONG_AGO = "UPDATE monitors SET updated_at = now() - interval '1 day'"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def test_a_window_that_begins_now_holds_at_once(planner: Planner) -> None:
    monitor = await planner.monitor()
    window = await planner.plan(starts_at=in_(minutes=-5), ends_at=in_(hours=1))
    assert window["state"] == "active"
    (period,) = await planner.periods()
    assert (period["monitor_id"], period["title"], str(period["window_id"])) == (monitor, "Upkeep", window["id"])
    assert period["starts_at"] == at(window["current"]["starts_at"])  # not before it was written
    assert period["ends_at"] == at(window["ends_at"])
    assert await planner.events() == ["maintenance.started"]
    assert await advance_maintenance(planner.database) == 0


async def test_a_planned_window_covers_nobody_until_its_time(planner: Planner) -> None:
    await planner.monitor()
    window = await planner.plan()
    assert (window["state"], await advance_maintenance(planner.database), await planner.periods()) == ("planned", 0, [])
    await planner.shift(window, minutes=90)
    await advance_maintenance(planner.database)
    (period,) = await planner.periods()
    assert period["starts_at"] == at(window["starts_at"]) - timedelta(minutes=90)
    assert (await planner.read(window))["state"] == "active"


async def test_a_window_that_nobody_was_there_for_is_made_up_with_its_true_instants(planner: Planner) -> None:
    monitor = await planner.monitor()
    window = await planner.plan()
    await planner.shift(window, hours=5)
    await advance_maintenance(planner.database)
    (period,) = await planner.periods(monitor)
    assert period["starts_at"] == at(window["starts_at"]) - timedelta(hours=5)
    assert period["ends_at"] == at(window["ends_at"]) - timedelta(hours=5)
    assert await planner.events() == ["maintenance.started", "maintenance.ended"]
    assert (await planner.read(window))["state"] == "ended"


async def test_many_missed_times_of_a_recurring_window_are_made_up_each_once(planner: Planner) -> None:
    await planner.monitor()
    window = await planner.plan(cron="0 * * * *", duration=600)
    first = at(window["next"][0]["starts_at"])
    await planner.execute(
        "UPDATE maintenance_windows SET starts_at = starts_at - interval '1 day',"
        " next_starts_at = next_starts_at - interval '1 day', next_ends_at = next_ends_at - interval '1 day'"
    )
    await planner.execute("UPDATE monitors SET created_at = created_at - interval '30 days'")
    await advance_maintenance(planner.database)
    begun = [period["starts_at"] for period in await planner.periods()]
    assert begun[:24] == [first + timedelta(hours=hour - 24) for hour in range(24)]
    assert len(begun) in (24, 25)  # the hour may turn while this runs
    assert (await planner.events())[:4] == ["maintenance.started", "maintenance.ended"] * 2


async def test_a_monitor_created_during_a_window_is_covered_since_it_came(planner: Planner) -> None:
    await planner.plan(starts_at=in_(minutes=-5), ends_at=in_(hours=1))
    monitor = await planner.monitor()
    await advance_maintenance(planner.database)
    (period,) = await planner.periods(monitor)
    (row,) = await planner.rows("SELECT created_at FROM monitors WHERE id = $1", monitor)
    assert period["starts_at"] == row["created_at"]
    assert await advance_maintenance(planner.database) == 0


async def test_a_tag_given_and_taken_covers_just_as_long(planner: Planner) -> None:
    monitor, other = await planner.monitor(), await planner.monitor(tags=["db"])
    window = await planner.plan(all=False, tags=["db"], starts_at=in_(minutes=-5), ends_at=in_(hours=1))
    assert [period["monitor_id"] for period in await planner.periods()] == [other]
    for tags in (["db"], [], ["db"]):
        await planner.execute(TAGGED, monitor, tags)
        await advance_maintenance(planner.database)
    first, second = await planner.periods(monitor)
    assert at(window["current"]["starts_at"]) < first["starts_at"] < first["ends_at"] < second["starts_at"]
    assert second["ends_at"] == at(window["ends_at"])
    assert await planner.events() == ["maintenance.started"]


async def test_changes_that_nobody_saw_in_time_are_found_by_the_sweep(planner: Planner) -> None:
    monitor, other = await planner.monitor(), await planner.monitor(tags=["db"])
    await planner.plan(all=False, tags=["db"], starts_at=in_(minutes=-5), ends_at=in_(hours=1))
    for tagged, tags in ((monitor, ["db"]), (other, [])):
        await planner.execute(TAGGED, tagged, tags)
    await planner.execute(LONG_AGO)
    assert await advance_maintenance(planner.database) == 0
    assert await sweep_maintenance(planner.database) > 0
    assert await sweep_maintenance(planner.database) == 0
    (kept,), (left,) = await planner.periods(monitor), await planner.periods(other)
    assert left["ends_at"] < kept["ends_at"]
    assert left["starts_at"] < kept["starts_at"]


async def test_what_a_window_covers_is_not_read_every_second(dsn: str, planner: Planner) -> None:
    for _ in range(60):
        await planner.monitor()
    window = await planner.plan(starts_at=in_(minutes=-5), ends_at=in_(hours=1))
    assert len(await planner.periods()) == 60
    await planner.execute(LONG_AGO)
    owner = await asyncpg.connect(dsn)
    try:
        read = await rows_read(owner, maintenance_advance.FLEET_DUE, 500, tables=("monitors", "monitor_periods"))
        assert read == {"monitors": 60, "monitor_periods": 0}, "once for what changed, and nobody did"
    finally:
        await owner.close()
    assert (await planner.read(window))["state"] == "active"


async def test_two_processes_at_once_start_and_end_each_window_once(planner: Planner) -> None:
    for _ in range(30):
        await planner.monitor()
    for _ in range(4):
        window = await planner.plan()
        await planner.shift(window, hours=5)
    await asyncio.gather(*(advance_maintenance(planner.database) for _ in range(4)))
    await advance_maintenance(planner.database)
    assert sorted(await planner.events()) == ["maintenance.ended"] * 4 + ["maintenance.started"] * 4
    assert len(await planner.periods()) == 30 * 4
    numbers = await planner.rows("SELECT number FROM events ORDER BY number")
    assert [row["number"] for row in numbers] == list(range(1, 9))


class KilledError(Exception):
    """The process is gone before the commit."""


async def test_a_process_killed_between_steps_leaves_the_rest_to_another(planner: Planner) -> None:
    """A step is one transaction: a kill rolls it back, and the next process does it."""
    for _ in range(7):
        await planner.monitor()
    window = await planner.plan()
    await planner.shift(window, hours=5)
    tenant_id, window_id = planner.tenant_id, UUID(window["id"])
    for _ in range(10):
        try:
            async with planner.database.app_transaction() as conn:
                row = await maintenance_advance.claim_window(conn, tenant_id=tenant_id, window_id=window_id)
                assert row is not None
                await service._step(conn, row, now=await maintenance_advance.clock(conn))
                raise KilledError
        except KilledError:
            pass
        async with planner.database.app_transaction() as conn:
            row = await maintenance_advance.claim_window(conn, tenant_id=tenant_id, window_id=window_id)
            assert row is not None
            if not await service._step(conn, row, now=await maintenance_advance.clock(conn)):
                break
    assert await planner.events() == ["maintenance.started", "maintenance.ended"]
    assert len(await planner.periods()) == 7
    assert (await planner.read(window))["state"] == "ended"


async def test_ending_early_cuts_what_is_covered(planner: Planner) -> None:
    await planner.monitor()
    window = await planner.plan(starts_at=in_(minutes=-5), ends_at=in_(hours=1))
    reply = await planner.http.post(f"{PATH}/{window['id']}/end")
    assert (reply.status_code, reply.json()["state"]) == (200, "ended")
    (period,) = await planner.periods()
    assert period["starts_at"] <= period["ends_at"] < at(window["ends_at"])
    assert period["ends_at"] == at(reply.json()["ended_at"])
    assert await planner.events() == ["maintenance.started", "maintenance.ended"]
    again = await planner.http.post(f"{PATH}/{window['id']}/end")
    assert (again.status_code, again.json()["error"]["code"]) == (409, "MAINTENANCE_NOT_ACTIVE")


async def test_moving_the_end_moves_what_is_covered(planner: Planner) -> None:
    await planner.monitor()
    window = await planner.plan(starts_at=in_(minutes=-5), ends_at=in_(hours=1))
    for hours in (3, 0.5):
        end = in_(hours=hours)
        assert (await planner.http.patch(f"{PATH}/{window['id']}", json={"ends_at": end})).status_code == 200
        (period,) = await planner.periods()
        assert period["ends_at"] == at(end)


async def test_deleting_a_window_that_holds_ends_it_and_keeps_what_it_covered(planner: Planner) -> None:
    await planner.monitor()
    window = await planner.plan(starts_at=in_(minutes=-5), ends_at=in_(hours=1))
    assert (await planner.http.delete(f"{PATH}/{window['id']}")).status_code == 204
    assert (await planner.http.get(f"{PATH}/{window['id']}")).status_code == 404
    (period,) = await planner.periods()
    assert period["ends_at"] < at(window["ends_at"])
    assert await planner.events() == ["maintenance.started", "maintenance.ended"]


async def test_another_tenants_monitors_are_never_covered(planner: Planner) -> None:
    await planner.monitor(tenant_id=planner.stranger_id, tags=["db"])
    await planner.plan(starts_at=in_(minutes=-5), ends_at=in_(hours=1))
    assert await planner.periods() == []


async def test_more_monitors_than_one_transaction_takes_are_covered(
    planner: Planner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "BATCH", 5)
    for _ in range(12):
        await planner.monitor()
    window = await planner.plan(starts_at=in_(minutes=-5), ends_at=in_(hours=1))
    assert len(await planner.periods()) == 12
    assert (await planner.http.post(f"{PATH}/{window['id']}/end")).status_code == 200
    assert len({period["ends_at"] for period in await planner.periods()}) == 1


async def a_stage(planner: Planner) -> Stage:
    monitor = await planner.monitor()
    async with planner.database.app_transaction() as conn:
        agent_id, _ = await seed.an_agent(conn, planner.region_id)
        number = await conn.fetchval("SELECT number FROM agents WHERE id = $1", agent_id)
    return Stage(planner.database, planner.tenant_id, monitor, {"eu": Reporter(agent_id, number, planner.region_id)})


async def test_an_outage_in_a_window_opens_nothing_and_one_after_it_does(planner: Planner, database: Database) -> None:
    stage = await a_stage(planner)
    window = await planner.plan(starts_at=in_(minutes=-5), ends_at=in_(hours=1))
    await stage.outage("eu")
    assert await planner.rows("SELECT 1 FROM incidents") == []
    assert (await planner.http.post(f"{PATH}/{window['id']}/end")).status_code == 200
    assert await planner.rows("SELECT 1 FROM incidents") == []  # votes from under the hold do not count
    rechecks = await planner.rows("SELECT 1 FROM dispatches WHERE kind = 'recheck'")
    assert rechecks, "asked anew at the end"
    stage.start = int((await planner.rows("SELECT extract(epoch FROM clock_timestamp()) * 1000 AS ms"))[0]["ms"])
    await stage.report("eu", "down", at=1)
    await stage.report("eu", "down", at=2)

    async def opened() -> list[dict[str, Any]]:
        await judge_due(database)
        return await planner.rows("SELECT held_by FROM incidents")

    await until_async(opened, "the outage opens an incident")
    (incident,) = await opened()
    assert "Upkeep" in incident["held_by"]
