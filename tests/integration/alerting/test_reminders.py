"""Reminders and escalation on real rows: what is told, to whom, how often, and what keeps it waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest

from control_plane.services.alerting.remind_of_incidents import remind_of_incidents
from control_plane.services.incidents.acknowledge_incident import acknowledge_incident
from control_plane.services.incidents.declare_incident import Declaration, declare_incident
from control_plane.services.incidents.reopen_incident import reopen_incident
from control_plane.services.incidents.resolve_incident import resolve_incident
from control_plane.services.installation.identity import new_id
from control_plane.services.judging.judge_due import judge_followers
from control_plane.store.pool import Database
from shared.ids import TenantId
from tests.support.deciding import Stage
from tests.support.restraining import a_window, all_say, another_monitor, depends, pass_time, soon
from tests.support.waiting import until_async

HOUR = 3600
ALL_DAY = {"start": "00:00", "end": "00:00", "time_zone": "UTC"}


@pytest.fixture
async def stage(database: Database) -> Stage:
    return await Stage.make(database, regions=("eu", "us"))


async def an_outage(stage: Stage) -> UUID:
    """A channel is bound and told; the id of the incident."""
    await stage.bind_channel()
    await stage.outage("eu", "us")
    return UUID(str((await stage.incidents())[0]["id"]))


async def still_down(stage: Stage, *, after_s: int) -> int:
    """So long later, with fresh votes; how much was told."""
    await pass_time(stage.database, seconds=after_s)
    await stage.rows("UPDATE votes SET newest_slot = (extract(epoch FROM clock_timestamp()) * 1000)::bigint")
    return await remind_of_incidents(stage.database)


async def a_channel(stage: Stage, name: str) -> UUID:
    channel_id = new_id()
    await stage.rows(
        "INSERT INTO channels (tenant_id, id, number, name, kind, config, write_source)"
        " SELECT $1, $2, coalesce(max(number), 10) + 1, $3, 'webhook', '{}', 'api' FROM channels",
        stage.tenant_id, channel_id, name,
    )  # fmt: skip
    return channel_id


async def escalate(stage: Stage, *steps: tuple[int, Sequence[UUID]]) -> None:
    for number, (after_s, channels) in enumerate(steps, 1):
        for channel_id in channels:
            await stage.rows(
                "INSERT INTO monitor_escalations (tenant_id, monitor_id, step, after_s, channel_id)"
                " VALUES ($1, $2, $3, $4, $5)",
                stage.tenant_id, stage.monitor_id, number, after_s, channel_id,
            )  # fmt: skip


async def notices(stage: Stage) -> list[tuple[str, str]]:
    return [(row["channel_name"], row["notice"]) for row in await stage.deliveries()]


async def reasons(stage: Stage, kind: str) -> list[str]:
    rows = await stage.rows("SELECT text FROM incident_events WHERE kind = $1 ORDER BY at, id", kind)
    return [row["text"] for row in rows]


async def person(stage: Stage, verb: Any, incident_id: UUID, **more: Any) -> None:
    await verb(stage.database, tenant_id=TenantId(stage.tenant_id), incident_id=incident_id, actor="Ada", **more)


async def test_nothing_is_told_before_the_interval_is_over(stage: Stage) -> None:
    await an_outage(stage)
    assert await still_down(stage, after_s=HOUR - 60) == 0
    assert await notices(stage) == [("ops", "opened")]


async def test_a_reminder_goes_to_whoever_was_told_with_its_line_and_its_event(stage: Stage) -> None:
    await an_outage(stage)
    await a_channel(stage, "nobody told this one")
    assert await still_down(stage, after_s=HOUR) == 1
    assert await remind_of_incidents(stage.database) == 0

    assert await notices(stage) == [("ops", "opened"), ("ops", "reminder")]
    assert await reasons(stage, "reminder") == ["Still down after 1 h: reminder 1 of 10"]
    assert (await stage.event_names())[-1] == "incident.updated"
    body = (await stage.deliveries())[-1]["body"]
    assert '"event":"incident.updated"' in body
    assert "Still down after 1 h" in body


async def test_reminders_end_at_the_cap(stage: Stage) -> None:
    await stage.rows("UPDATE monitors SET renotify_interval_s = 60, max_repeats = 2")
    await an_outage(stage)
    assert [await still_down(stage, after_s=60) for _ in range(4)] == [1, 1, 0, 0]
    assert (await stage.rows("SELECT due_at FROM incident_reminders"))[0]["due_at"] is None


async def test_another_cap_or_interval_applies_to_what_is_open(stage: Stage) -> None:
    await stage.rows("UPDATE monitors SET renotify_interval_s = 0")
    await an_outage(stage)
    assert await still_down(stage, after_s=HOUR) == 0
    await stage.rows("UPDATE monitors SET renotify_interval_s = 600")
    assert await still_down(stage, after_s=1) == 1


async def test_acknowledging_ends_reminders_and_resolving_takes_them_away(stage: Stage) -> None:
    incident_id = await an_outage(stage)
    await person(stage, acknowledge_incident, incident_id, note=None)
    assert await still_down(stage, after_s=5 * HOUR) == 0
    assert await stage.rows("SELECT * FROM incident_reminders") == []


async def test_a_reopened_incident_is_reminded_of_afresh(stage: Stage) -> None:
    incident_id = await an_outage(stage)
    await still_down(stage, after_s=HOUR)
    await person(stage, resolve_incident, incident_id)
    await person(stage, reopen_incident, incident_id)
    assert await still_down(stage, after_s=HOUR) == 1
    assert [row["ordinal"] for row in await stage.deliveries() if row["notice"] == "reminder"] == [1, 1001]


async def test_reminders_of_an_opening_that_waits_for_the_end_of_quiet_hours_are_left_out(stage: Stage) -> None:
    await stage.rows("UPDATE monitors SET renotify_interval_s = 60, quiet_hours = $1", ALL_DAY)
    await an_outage(stage)
    assert [await still_down(stage, after_s=60) for _ in range(2)] == [1, 1]
    states = [(row["notice"], row["state"]) for row in await stage.deliveries()]
    assert states == [("opened", "pending"), ("reminder", "cancelled"), ("reminder", "cancelled")]
    left_out = (await stage.rows("SELECT reason, rule FROM deliveries ORDER BY number"))[-1]
    assert left_out["reason"] == "An earlier notice of this incident waits for the end of quiet hours already"
    assert left_out["rule"]["type"] == "quiet_hours"


async def test_one_reminder_waits_for_the_end_of_quiet_hours_where_the_opening_was_told(stage: Stage) -> None:
    await stage.rows("UPDATE monitors SET renotify_interval_s = 60")
    await an_outage(stage)
    await stage.rows("UPDATE deliveries SET state = 'delivered', finished_at = now()")
    await stage.rows("UPDATE monitors SET quiet_hours = $1", ALL_DAY)
    assert [await still_down(stage, after_s=60) for _ in range(2)] == [1, 1]
    states = [(row["notice"], row["state"]) for row in await stage.deliveries()]
    assert states == [("opened", "delivered"), ("reminder", "pending"), ("reminder", "cancelled")]


async def test_unknown_waits_and_one_reminder_follows_it(stage: Stage) -> None:
    await an_outage(stage)
    await stage.rows("UPDATE monitor_states SET verdict = 'unknown'")
    assert await still_down(stage, after_s=3 * HOUR) == 0
    await stage.rows("UPDATE monitor_states SET verdict = 'down'")
    assert await still_down(stage, after_s=16) == 1
    assert await still_down(stage, after_s=600) == 0
    assert await reasons(stage, "reminder") == ["Still down after 3 h: reminder 1 of 10"]


async def test_a_window_that_began_after_the_opening_waits(stage: Stage) -> None:
    await an_outage(stage)
    await pass_time(stage.database, seconds=120)
    await a_window(stage, ends_in_s=2 * HOUR)
    await stage.rows("UPDATE monitor_states SET held_since = now() - interval '1 minute'")
    assert await still_down(stage, after_s=HOUR) == 0
    await stage.rows("UPDATE monitor_states SET held_since = NULL")
    assert await still_down(stage, after_s=16) == 1


async def test_an_upstream_that_went_down_after_the_opening_waits(stage: Stage) -> None:
    upstream = await another_monitor(stage)
    await an_outage(stage)
    await depends(stage, stage.monitor_id, upstream)
    await pass_time(stage.database, seconds=120)
    await all_say(stage, upstream, "down", "down", at=soon(stage))
    await judge_followers(stage.database)
    assert (await stage.state())["held_since"] is not None
    assert await still_down(stage, after_s=HOUR) == 0


@pytest.mark.parametrize(
    "halt",
    [
        "UPDATE tenants SET suspended_at = now()",
        "INSERT INTO installation (name, value) VALUES ('kill_switch', '{}')",
    ],
    ids=["suspended", "kill switch"],
)
async def test_a_suspended_tenant_and_the_kill_switch_wait(stage: Stage, halt: str) -> None:
    await an_outage(stage)
    await stage.rows(halt)
    assert await still_down(stage, after_s=HOUR) == 0


async def test_a_channel_that_is_switched_off_hears_nothing(stage: Stage) -> None:
    await an_outage(stage)
    await stage.rows("UPDATE channels SET enabled = false")
    assert await still_down(stage, after_s=HOUR) == 0
    assert await reasons(stage, "reminder") == []


async def test_each_step_tells_its_channels_once_and_they_hear_of_the_end(stage: Stage) -> None:
    lead, boss = await a_channel(stage, "lead"), await a_channel(stage, "boss")
    await escalate(stage, (900, [lead]), (1800, [boss, lead]))
    incident_id = await an_outage(stage)
    assert [await still_down(stage, after_s=900) for _ in range(3)] == [1, 1, 0]

    assert await notices(stage) == [
        ("ops", "opened"), ("lead", "escalated"), ("lead", "escalated"), ("boss", "escalated"),
    ]  # fmt: skip
    assert await reasons(stage, "escalated") == [
        "Not acknowledged for 15 min: escalated to step 1",
        "Not acknowledged for 30 min: escalated to step 2",
    ]
    await person(stage, resolve_incident, incident_id)
    assert sorted(name for name, notice in await notices(stage) if notice == "resolved") == ["boss", "lead", "ops"]


async def test_those_whom_a_step_told_are_reminded_as_well(stage: Stage) -> None:
    await escalate(stage, (900, [await a_channel(stage, "lead")]))
    await an_outage(stage)
    assert [await still_down(stage, after_s=900) for _ in range(4)] == [1, 0, 0, 1]
    assert sorted(name for name, notice in await notices(stage) if notice == "reminder") == ["lead", "ops"]


async def test_a_step_and_a_reminder_at_once_tell_a_channel_once(stage: Stage) -> None:
    ops = await stage.bind_channel()
    await escalate(stage, (HOUR, [ops]))
    await stage.outage("eu", "us")
    await still_down(stage, after_s=HOUR)
    assert await notices(stage) == [("ops", "opened"), ("ops", "escalated")]


async def test_acknowledging_stops_the_steps_and_reopening_starts_afresh(stage: Stage) -> None:
    await escalate(stage, (900, [await a_channel(stage, "lead")]), (1800, [await a_channel(stage, "boss")]))
    incident_id = await an_outage(stage)
    assert await still_down(stage, after_s=900) == 1
    await person(stage, acknowledge_incident, incident_id, note=None)
    assert await still_down(stage, after_s=900) == 0
    await person(stage, resolve_incident, incident_id)
    await person(stage, reopen_incident, incident_id)
    assert await still_down(stage, after_s=900) == 1
    told = [(row["channel_name"], row["ordinal"]) for row in await stage.deliveries() if row["notice"] == "escalated"]
    assert told == [("lead", 1_000_001), ("lead", 1_000_101)]


async def test_a_step_does_not_collide_with_an_incident_that_became_worse(stage: Stage) -> None:
    await stage.rows("UPDATE monitors SET alert_on = 'degraded'")
    ops = await stage.bind_channel()
    await escalate(stage, (900, [ops]))
    await stage.all_up()
    await all_say(stage, stage.monitor_id, "degraded", "degraded", at=soon(stage))
    await all_say(stage, stage.monitor_id, "down", "down", at=soon(stage, 6))
    assert await still_down(stage, after_s=900) == 1
    assert [row["ordinal"] for row in await stage.deliveries() if row["notice"] == "escalated"] == [0, 1_000_001]


async def test_a_channel_that_is_deleted_leaves_the_steps(stage: Stage) -> None:
    lead = await a_channel(stage, "lead")
    await escalate(stage, (900, [lead]))
    await an_outage(stage)
    await stage.rows("DELETE FROM channels WHERE id = $1", lead)
    assert await stage.rows("SELECT * FROM monitor_escalations") == []
    assert await still_down(stage, after_s=900) == 0


async def test_a_declared_incident_is_reminded_of_by_its_monitors_shortest_interval(stage: Stage) -> None:
    await stage.bind_channel()
    other = await another_monitor(stage, renotify_interval_s=600, max_repeats=1)
    declaration = Declaration(title="Slow for some", monitor_ids=[stage.monitor_id, other])
    await declare_incident(
        stage.database, declaration, tenant_id=TenantId(stage.tenant_id), incident_id=new_id(), actor="Ada"
    )
    assert [await still_down(stage, after_s=600) for _ in range(3)] == [1, 0, 0]
    assert await reasons(stage, "reminder") == ["Still open after 10 min: reminder 1 of 1"]


async def test_two_processes_at_once_remind_once(stage: Stage) -> None:
    await an_outage(stage)
    await pass_time(stage.database, seconds=HOUR)
    told = await asyncio.gather(*(remind_of_incidents(stage.database) for _ in range(4)))
    assert sum(told) == 1
    assert await notices(stage) == [("ops", "opened"), ("ops", "reminder")]


async def test_an_acknowledgement_and_a_reminder_at_once_leave_one_order(stage: Stage) -> None:
    incident_id = await an_outage(stage)
    await pass_time(stage.database, seconds=HOUR)
    await asyncio.gather(
        remind_of_incidents(stage.database), person(stage, acknowledge_incident, incident_id, note=None)
    )
    told = len(await reasons(stage, "reminder"))
    kinds = [row["kind"] for row in await stage.rows("SELECT kind FROM incident_events ORDER BY at, id")]
    assert told == [notice for _, notice in await notices(stage)].count("reminder")
    assert kinds in (["opened", "acknowledged"], ["opened", "reminder", "acknowledged"])
    assert await remind_of_incidents(stage.database) == 0


async def test_a_process_that_dies_in_the_middle_leaves_the_reminder_to_the_next(stage: Stage) -> None:
    await an_outage(stage)
    await pass_time(stage.database, seconds=HOUR)
    async with stage.database.app() as holder:
        await holder.execute("BEGIN")
        await holder.execute("SELECT FROM tenant_counters FOR UPDATE")  # it gets as far as the counters
        dying = asyncio.create_task(remind_of_incidents(stage.database))
        await _waits_for_a_lock(stage)
        dying.cancel()
        await asyncio.gather(dying, return_exceptions=True)
        await holder.execute("ROLLBACK")
    assert await notices(stage) == [("ops", "opened")]
    assert await remind_of_incidents(stage.database) == 1
    assert await reasons(stage, "reminder") == ["Still down after 1 h: reminder 1 of 10"]


async def _waits_for_a_lock(stage: Stage) -> None:
    async def waits() -> object:
        return await stage.rows("SELECT FROM pg_locks WHERE NOT granted")

    await until_async(waits, "it waits for the counters", timeout=30)


async def test_two_thousand_that_fall_due_at_once_are_told_once_each(stage: Stage) -> None:
    await an_outage(stage)
    await stage.rows(
        "WITH made AS (INSERT INTO monitors (tenant_id, id, number, name, kind, \"check\", check_version, first_slot,"
        " interval_s, regions, write_source) SELECT $1, gen_random_uuid(), 100 + n, 'shop ' || n, 'http', '{}', 1, 0,"
        " 60, '{}', 'api' FROM generate_series(1, 2000) n RETURNING id, number), states AS ("
        " INSERT INTO monitor_states (tenant_id, monitor_id, verdict) SELECT $1, id, 'down' FROM made), open AS ("
        " INSERT INTO incidents (tenant_id, id, number, monitor_id, severity, cause, started_at, opened_at)"
        " SELECT $1, gen_random_uuid(), number, id, 'major', 'down', now(), now() FROM made RETURNING id, monitor_id)"
        " INSERT INTO deliveries (tenant_id, id, number, channel_id, channel_name, channel_kind, incident_id,"
        " monitor_id, event, notice, ordinal, body, state, due_at)"
        " SELECT $1, gen_random_uuid(), 1000 + row_number() OVER (), c.id, c.name, c.kind, open.id, open.monitor_id,"
        " 'incident.opened', 'opened', 0, '{}', 'delivered', now() FROM open, channels c",
        stage.tenant_id,
    )  # fmt: skip
    await stage.rows("UPDATE tenant_counters SET deliveries = 5000, incidents = 5000")
    await pass_time(stage.database, seconds=HOUR)

    assert await remind_of_incidents(stage.database) == 2001
    [count] = await stage.rows(
        "SELECT count(*) AS n, count(DISTINCT number) AS numbers FROM deliveries WHERE notice = 'reminder'"
    )
    assert (count["n"], count["numbers"]) == (2001, 2001)
    assert await remind_of_incidents(stage.database) == 0
