"""Bindings and routes that ask for events: told once, in order, from the moment on that somebody asked."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from uuid import UUID

import pytest

from control_plane.notify import render
from control_plane.notify.told import read_body
from control_plane.services.alerting.fan_out_events import fan_out_events
from control_plane.services.incidents.acknowledge_incident import acknowledge_incident
from control_plane.services.installation.identity import new_id
from control_plane.store.pool import Database
from shared.ids import TenantId
from tests.support.deciding import Stage
from tests.support.restraining import all_say, soon
from tests.support.waiting import until_async


@pytest.fixture
async def stage(database: Database) -> Stage:
    return await Stage.make(database, regions=("eu", "us"))


async def a_channel(stage: Stage, name: str) -> UUID:
    channel_id = new_id()
    await stage.rows(
        "INSERT INTO channels (tenant_id, id, number, name, kind, config, write_source)"
        " SELECT $1, $2, coalesce(max(number), 10) + 1, $3, 'webhook', '{}', 'api' FROM channels",
        stage.tenant_id, channel_id, name,
    )  # fmt: skip
    return channel_id


async def bound(stage: Stage, *events: str, name: str = "hook") -> UUID:
    channel_id = await a_channel(stage, name)
    await stage.rows(
        "INSERT INTO monitor_channels (tenant_id, monitor_id, channel_id, events) VALUES ($1, $2, $3, $4)",
        stage.tenant_id, stage.monitor_id, channel_id, list(events),
    )  # fmt: skip
    return channel_id


async def routed(stage: Stage, *events: str, name: str, channel_id: UUID | None = None, **match: Any) -> UUID:
    route_id, told = new_id(), channel_id or await a_channel(stage, name)
    columns = {"tenant_id": stage.tenant_id, "id": route_id, "name": name, "events": list(events)}
    columns |= {"write_source": "api", **match}
    names, places = ", ".join(columns), ", ".join(f"${n}" for n in range(1, len(columns) + 1))
    await stage.rows(f"INSERT INTO routes ({names}) VALUES ({places})", *columns.values())
    await stage.rows(
        "INSERT INTO route_channels (tenant_id, route_id, channel_id) VALUES ($1, $2, $3)",
        stage.tenant_id, route_id, told,
    )  # fmt: skip
    return told


async def told(stage: Stage) -> list[tuple[str, str]]:
    return [(row["channel_name"], row["event"]) for row in await stage.deliveries()]


async def an_event(stage: Stage, event: str, data: dict[str, Any] | None = None) -> None:
    """An event of the tenant without a monitor."""
    await stage.rows(
        "WITH taken AS (UPDATE tenant_counters SET events = events + 1 WHERE tenant_id = $1 RETURNING events)"
        " INSERT INTO events (tenant_id, number, event, data) SELECT $1, events, $2, $3 FROM taken",
        stage.tenant_id, event, json.dumps(data or {}),
    )  # fmt: skip


async def cursors(stage: Stage) -> list[int]:
    return [row["number"] for row in await stage.rows("SELECT number FROM event_cursors")]


async def test_a_change_of_verdict_is_told_once_with_its_own_data(stage: Stage) -> None:
    await stage.all_up()
    await bound(stage, "verdict.changed", "monitor.recovered")
    await all_say(stage, stage.monitor_id, "down", "down", at=soon(stage))
    assert await fan_out_events(stage.database) == 2, "degraded, then down"
    assert await fan_out_events(stage.database) == 0

    _, row = await stage.deliveries()
    body = json.loads(row["body"])
    assert list(body) == [
        "event", "delivery_id", "occurred_at", "tenant_id", "monitor", "incident", "reason", "data",
    ]  # fmt: skip
    assert (row["notice"], body["event"], body["incident"]) == ("event", "verdict.changed", None)
    assert body["delivery_id"] == str(row["id"])
    assert body["monitor"]["id"] == str(stage.monitor_id)
    assert body["data"]["verdict"] == "down"
    assert body["reason"].endswith(body["data"]["reason"])
    words = render.words([read_body(row["body"].encode())])
    assert body["reason"] in words.text


async def test_history_is_not_told_to_who_subscribes_later(stage: Stage) -> None:
    await stage.all_up()
    assert await cursors(stage) == []
    await bound(stage, "verdict.changed")
    assert await cursors(stage) == [1]
    assert await fan_out_events(stage.database) == 0


async def test_without_subscriptions_there_is_no_cursor_and_nothing_is_read(stage: Stage) -> None:
    await stage.bind_channel()
    await bound(stage, "incident.opened", "incident.resolved")
    await stage.outage("eu", "us")
    assert (await cursors(stage), await fan_out_events(stage.database)) == ([], 0)


async def test_the_last_subscription_takes_the_cursor_with_it(stage: Stage) -> None:
    await bound(stage, "verdict.changed")
    await stage.rows("DELETE FROM monitor_channels")
    await stage.all_up()
    assert (await fan_out_events(stage.database), await cursors(stage)) == (0, [])
    await routed(stage, "verdict.changed", name="later")
    assert await fan_out_events(stage.database) == 0
    await all_say(stage, stage.monitor_id, "down", "down", at=soon(stage))
    assert await fan_out_events(stage.database) == 2


async def test_notices_and_events_of_one_binding_are_each_told_once(stage: Stage) -> None:
    await stage.all_up()
    channel_id = await bound(stage, "incident.opened", "verdict.changed", "incident.acknowledged")
    await routed(stage, "verdict.changed", name="the same", channel_id=channel_id)
    await all_say(stage, stage.monitor_id, "down", "down", at=soon(stage))
    await fan_out_events(stage.database)
    incident_id = (await stage.incidents())[0]["id"]
    await acknowledge_incident(
        stage.database, tenant_id=TenantId(stage.tenant_id), incident_id=incident_id, actor="Ada", note=None
    )
    await fan_out_events(stage.database)
    assert await told(stage) == [
        ("hook", "incident.opened"),
        ("hook", "verdict.changed"),
        ("hook", "verdict.changed"),
        ("hook", "incident.acknowledged"),
    ]
    acknowledged = (await stage.deliveries())[-1]
    assert acknowledged["incident_id"] == incident_id
    assert json.loads(acknowledged["body"])["reason"] == "Acknowledged by Ada"


async def test_what_is_about_no_monitor_goes_to_tenant_wide_routes_only(stage: Stage) -> None:
    await bound(stage, "maintenance.started", name="bound")
    await routed(stage, "maintenance.started", "agent.offline", name="all of it")
    await routed(stage, "maintenance.started", name="of a tag", tags=["db"])
    await routed(stage, "maintenance.started", name="of a severity", severities=["critical"])
    await routed(stage, "maintenance.started", name="switched off", enabled=False)
    await an_event(stage, "maintenance.started", {"window": {"title": "Upkeep"}})
    await an_event(stage, "agent.offline", {"reason": "Berlin is silent"})
    await an_event(stage, "maintenance.ended", {})
    assert await fan_out_events(stage.database) == 2
    assert await told(stage) == [("all of it", "maintenance.started"), ("all of it", "agent.offline")]


async def test_a_route_of_a_tag_hears_of_its_monitors(stage: Stage) -> None:
    await stage.rows("UPDATE monitors SET tags = '{db}'")
    await routed(stage, "verdict.changed", name="db", tags=["db", "web"])
    await routed(stage, "verdict.changed", name="web", tags=["web"])
    await stage.all_up()
    assert await fan_out_events(stage.database) == 1
    assert await told(stage) == [("db", "verdict.changed")]


async def test_a_channel_that_is_switched_off_misses_what_happens_meanwhile(stage: Stage) -> None:
    await bound(stage, "verdict.changed")
    await stage.rows("UPDATE channels SET enabled = false")
    await stage.all_up()
    assert await fan_out_events(stage.database) == 0
    await stage.rows("UPDATE channels SET enabled = true")
    assert await fan_out_events(stage.database) == 0


async def test_processes_at_once_tell_each_event_once_and_in_order(stage: Stage) -> None:
    await routed(stage, "agent.offline", name="all")
    for number in range(1_200):
        await an_event(stage, "agent.offline", {"reason": f"agent {number}"})
    owed = 0
    while await stage.rows("SELECT FROM event_cursors JOIN tenant_counters USING (tenant_id) WHERE events > number"):
        owed += sum(await asyncio.gather(*(fan_out_events(stage.database) for _ in range(4))))
    assert owed == 1_200
    reasons = [json.loads(row["body"])["reason"] for row in await stage.deliveries()]
    assert reasons == [f"agent {number}" for number in range(1_200)]


async def test_a_process_that_dies_in_the_middle_leaves_the_cursor_where_it_was(stage: Stage) -> None:
    await routed(stage, "agent.offline", name="all")
    await an_event(stage, "agent.offline")
    before = await cursors(stage)
    async with stage.database.app() as holder:
        await holder.execute("BEGIN")
        await holder.execute("SELECT FROM tenant_counters FOR UPDATE")
        dying = asyncio.create_task(fan_out_events(stage.database))
        await until_async(lambda: stage.rows("SELECT FROM pg_locks WHERE NOT granted"), "it waits", timeout=30)
        dying.cancel()
        await asyncio.gather(dying, return_exceptions=True)
        await holder.execute("ROLLBACK")
    assert (await told(stage), await cursors(stage)) == ([], before)
    assert await fan_out_events(stage.database) == 1


async def test_events_that_are_no_longer_kept_are_passed_over(stage: Stage) -> None:
    await routed(stage, "agent.offline", name="all")
    await an_event(stage, "agent.offline")
    await stage.rows("DELETE FROM events")
    assert await fan_out_events(stage.database) == 0
    assert await cursors(stage) == [1]
    await an_event(stage, "agent.offline")
    assert await fan_out_events(stage.database) == 1


async def test_a_subscription_that_commits_while_the_last_is_dropped_keeps_a_cursor(stage: Stage) -> None:
    await bound(stage, "verdict.changed", name="first")
    await stage.rows("DELETE FROM monitor_channels")
    await an_event(stage, "agent.offline")
    async with stage.database.app() as subscribing:
        await subscribing.execute("BEGIN")
        await subscribing.execute(
            "INSERT INTO routes (tenant_id, id, name, events, write_source)"
            " VALUES ($1, gen_random_uuid(), 'new', '{agent.offline}', 'api')",
            stage.tenant_id,
        )
        assert await fan_out_events(stage.database) == 0, "it is passed over while somebody subscribes"
        await subscribing.execute("COMMIT")
    await fan_out_events(stage.database)
    assert len(await cursors(stage)) == 1
