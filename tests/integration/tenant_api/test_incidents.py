"""/incidents: reading, acknowledging and annotating; and what changing a monitor does to its incident."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.support.reporting import now_ms, outage, report
from tests.support.tenant_world import World


async def an_outage(world: World, **body: Any) -> tuple[dict[str, Any], str]:
    """A monitor that is down, and its incident's id."""
    monitor = await world.monitor(**body)
    await outage(world, monitor["id"])
    found = (await world.get("/incidents"))["items"]
    assert len(found) == 1
    return monitor, found[0]["id"]


async def test_an_incident_is_read_with_its_proof_and_timeline(world: World) -> None:
    monitor, incident_id = await an_outage(world)
    incident = await world.get(f"/incidents/{incident_id}")
    assert incident["monitor"] == {"id": monitor["id"], "number": 1, "name": "API"}
    assert (incident["state"], incident["severity"], incident["urgency"]) == ("triggered", "major", "high")
    assert incident["regions_down"] == ["eu", "us"]
    assert [vote["region"] for vote in incident["evidence"]] == ["eu", "us"]
    assert incident["evidence"][0]["evidence"]["status_line"] == "HTTP/1.1 500"
    assert [line["kind"] for line in incident["timeline"]] == ["opened"]
    assert "connection refused" in incident["cause"]


async def test_open_incidents_come_first_and_filters_hold(world: World) -> None:
    monitor, incident_id = await an_outage(world)
    await world.rows(
        "INSERT INTO incidents (tenant_id, id, number, severity, state, cause, started_at, opened_at)"
        " VALUES ($1, gen_random_uuid(), 99, 'minor', 'resolved', 'Old', now(), now() + interval '1 minute')",
        world.tenant_id,
    )

    async def numbers(query: str) -> list[int]:
        return [item["number"] for item in (await world.get(f"/incidents?{query}"))["items"]]

    assert await numbers("") == [1, 99]
    assert await numbers("state=open") == await numbers("state=triggered") == [1]
    assert await numbers("state=resolved") == await numbers("severity=minor") == [99]
    assert await numbers(f"monitor_id={monitor['id']}") == [1]
    assert await numbers("to=2020-01-01T00:00:00Z") == []
    assert [each["id"] for each in (await world.get(f"/monitors/{monitor['id']}/incidents"))["items"]] == [incident_id]


@pytest.mark.parametrize(
    ("query", "code"),
    [("state=OPEN", "INVALID_STATE"), ("monitor_id=x", "INVALID_MONITOR_ID"), ("from=yesterday", "BAD_TIME_RANGE"),
     ("from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "BAD_TIME_RANGE")],
)  # fmt: skip
async def test_a_bad_query_is_refused(world: World, query: str, code: str) -> None:
    reply = await world.http.get(f"/api/v1/incidents?{query}")
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, code)


async def test_acknowledging_is_told_once_however_often_it_is_done(world: World) -> None:
    _, incident_id = await an_outage(world)
    path = f"/api/v1/incidents/{incident_id}/acknowledge"
    first = await world.http.post(path, json={"note": "Looking into it"})
    replies = await asyncio.gather(*(world.http.post(path) for _ in range(3)))
    assert first.status_code == 200
    assert {reply.status_code for reply in replies} == {200}
    incident = await world.get(f"/incidents/{incident_id}")
    assert (incident["state"], incident["acknowledged_by"]) == ("acknowledged", "test")
    assert [(line["kind"], line["text"]) for line in incident["timeline"]][1:] == [("acknowledged", "Looking into it")]
    events = [row["event"] for row in await world.rows("SELECT event FROM events ORDER BY number")]
    assert events.count("incident.acknowledged") == 1


async def test_a_resolved_incident_cannot_be_acknowledged(world: World) -> None:
    monitor, incident_id = await an_outage(world)
    await world.http.post(f"/api/v1/monitors/{monitor['id']}/pause")
    reply = await world.http.post(f"/api/v1/incidents/{incident_id}/acknowledge")
    assert (reply.status_code, reply.json()["error"]["code"]) == (409, "INCIDENT_RESOLVED")


async def test_notes_are_kept_in_order_and_told(world: World) -> None:
    _, incident_id = await an_outage(world)
    path = f"/api/v1/incidents/{incident_id}/notes"
    made = [await world.http.post(path, json={"text": text}) for text in ("first", "second")]
    assert [reply.status_code for reply in made] == [201, 201]
    page = await world.get(f"/incidents/{incident_id}/notes")
    assert ([note["text"] for note in page["items"]], page["total"]) == (["first", "second"], 2)
    assert page["items"][0]["actor"] == "test"
    events = [row["event"] for row in await world.rows("SELECT event FROM events ORDER BY number")]
    assert events.count("incident.updated") == 2
    for bad in ({"text": "  "}, {"text": ""}, {"text": "a" * 10_001}, {"text": 5}, {}, {"text": "a", "x": 1}):
        assert (await world.http.post(path, json=bad)).status_code == 400


@pytest.mark.parametrize("change", ["pause", "delete"])
async def test_what_ends_a_monitor_resolves_its_incident_without_notice(world: World, change: str) -> None:
    channel = await world.channel()
    monitor, incident_id = await an_outage(world, alerts=[{"channel_id": channel}])
    owed = await world.rows("SELECT notice FROM deliveries")
    path = f"/api/v1/monitors/{monitor['id']}"
    await (world.http.delete(path) if change == "delete" else world.http.post(f"{path}/pause"))
    incident = await world.get(f"/incidents/{incident_id}")
    assert (incident["state"], incident["resolution"]) == ("resolved", f"{change}d")
    assert incident["timeline"][-1]["kind"] == "resolved"
    assert (incident["monitor"] is None) == (change == "delete")
    assert [row["notice"] for row in owed] == ["opened"]
    assert await world.rows("SELECT notice FROM deliveries") == owed
    events = [row["event"] for row in await world.rows("SELECT event FROM events ORDER BY number")]
    assert events.count("incident.resolved") == 1


async def test_a_new_policy_is_judged_at_once(world: World) -> None:
    monitor = await world.monitor(region_policy="all")
    path = f"/api/v1/monitors/{monitor['id']}"
    agents = await outage(world, monitor["id"])
    await report(world, agents["eu"], monitor["id"], "up", slot=now_ms() + 10)
    await report(world, agents["eu"], monitor["id"], "up", slot=now_ms() + 20)
    assert (await world.http.get(path)).json()["state"]["verdict"] == "degraded"
    assert (await world.http.patch(path, json={"region_policy": "any"})).json()["state"]["verdict"] == "down"
    assert len((await world.get("/incidents?state=open"))["items"]) == 1


async def test_a_new_check_version_forgets_the_votes_and_keeps_the_incident(world: World) -> None:
    monitor, incident_id = await an_outage(world)
    reply = await world.http.patch(f"/api/v1/monitors/{monitor['id']}", json={"check": {"timeout": 1000}})
    assert reply.json()["state"]["verdict"] == "unknown"
    assert (await world.get(f"/incidents/{incident_id}"))["state"] == "triggered"
    assert await world.rows("SELECT * FROM dispatches WHERE check_version = 1 AND claimed_at IS NULL") == []
