"""/incidents: what people do: declare, narrate, tell the public, resolve and reopen."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from control_plane.services.fleet.ingest_results import Reporter
from tests.support import seed
from tests.support.door import an_api_key
from tests.support.reporting import now_ms, outage, report, reporters
from tests.support.tenant_world import World

INCIDENTS = "/api/v1/incidents"


async def declared(world: World, **body: Any) -> dict[str, Any]:
    reply = await world.http.post(INCIDENTS, json={"title": "Checkout fails", **body})
    assert reply.status_code == 201, reply.text
    made: dict[str, Any] = reply.json()
    assert reply.headers["Location"] == f"{INCIDENTS}/{made['id']}"
    assert reply.headers["ETag"] == (await world.http.get(f"{INCIDENTS}/{made['id']}")).headers["ETag"]
    return made


async def do(world: World, incident_id: str, verb: str, **body: Any) -> httpx.Response:
    return await world.http.post(f"{INCIDENTS}/{incident_id}/{verb}", json=body)


def code_of(reply: httpx.Response) -> tuple[int, str]:
    return reply.status_code, reply.json()["error"]["code"]


async def notices(world: World) -> list[tuple[str, int, str]]:
    rows = await world.rows("SELECT notice, ordinal, event FROM deliveries ORDER BY number")
    return [(row["notice"], row["ordinal"], row["event"]) for row in rows]


async def events(world: World) -> list[str]:
    rows = await world.rows("SELECT event FROM events WHERE event LIKE 'incident.%' ORDER BY number")
    return [row["event"] for row in rows]


async def down(world: World, **body: Any) -> tuple[dict[str, Any], str]:
    """A monitor that is down, and its incident's id."""
    monitor = await world.monitor(**body)
    await outage(world, monitor["id"])
    (incident,) = (await world.get("/incidents?state=open&origin=monitor"))["items"]
    return monitor, incident["id"]


async def recover(world: World, monitor_id: str) -> None:
    """Every region sees it up, often enough to prove it."""
    await _twice(world, monitor_id, "up")


async def outage_again(world: World, monitor_id: str) -> None:
    """Every region sees it down, often enough to prove it."""
    await _twice(world, monitor_id, "down")


async def _twice(world: World, monitor_id: str, outcome: str) -> None:
    """Two slots of the agents that are there, newer than any so far."""
    agents = await world.rows("SELECT id, number, region_id FROM agents ORDER BY number")
    (newest,) = await world.rows("SELECT max(newest_slot) AS slot FROM votes")
    begun = max(now_ms(), (newest["slot"] or 0) + 1)
    for at in (0, 1):
        for row in agents:
            reporter = Reporter(row["id"], row["number"], row["region_id"])
            await report(world, reporter, monitor_id, outcome, slot=begun + at)


async def test_a_person_declares_an_incident_without_any_monitor(world: World) -> None:
    made = await declared(
        world, severity="critical", message="From the phone", public_text="We look into it", public_title="Checkout"
    )
    assert (made["origin"], made["state"], made["phase"], made["severity"]) == (
        "person", "triggered", "investigating", "critical",
    )  # fmt: skip
    assert (made["title"], made["cause"], made["monitor"], made["monitors"]) == (
        "Checkout fails", "Checkout fails", None, [],
    )  # fmt: skip
    assert (made["declared_by"], made["number"], made["public_title"]) == ("test", 1, "Checkout")
    assert sorted(line["kind"] for line in made["timeline"]) == ["note", "opened", "public_update"]
    updates = await world.get(f"/incidents/{made['id']}/updates")
    assert [(each["phase"], each["text"]) for each in updates["items"]] == [("investigating", "We look into it")]
    assert await events(world) == ["incident.opened"]
    assert await notices(world) == []


async def test_a_declared_incident_tells_each_channel_of_its_monitors_once_and_of_its_end(world: World) -> None:
    ops, dev = await world.channel(), await world.channel(name="dev")
    one = await world.monitor(alerts=[{"channel_id": ops}])
    two = await world.monitor(name="Web", alerts=[{"channel_id": ops}, {"channel_id": dev}])
    made = await declared(world, monitor_ids=[two["id"], one["id"], two["id"]])
    assert [each["name"] for each in made["monitors"]] == ["API", "Web"]
    assert await notices(world) == [("opened", 0, "incident.opened")] * 2
    assert (await do(world, made["id"], "resolve", note="Rolled back", public_text="It works")).status_code == 200
    assert await notices(world) == [("opened", 0, "incident.opened")] * 2 + [("resolved", 0, "incident.resolved")] * 2
    per_channel = await world.rows("SELECT channel_id, count(*) AS n FROM deliveries GROUP BY 1")
    assert [row["n"] for row in per_channel] == [2, 2]
    found = await world.get(f"/incidents?monitor_id={two['id']}")
    assert [each["id"] for each in found["items"]] == [made["id"]]


async def test_who_wants_no_recovery_told_hears_of_none(world: World) -> None:
    channel = await world.channel()
    quiet = await world.monitor(alerts=[{"channel_id": channel}], notify_recovery=False)
    made = await declared(world, monitor_ids=[quiet["id"]])
    await do(world, made["id"], "resolve")
    assert await notices(world) == [("opened", 0, "incident.opened")]


async def test_a_declaration_may_tell_nobody_and_lie_in_the_past(world: World) -> None:
    monitor = await world.monitor(alerts=[{"channel_id": await world.channel()}])
    (row,) = await world.rows("SELECT to_char(now() - interval '2 hours', 'YYYY-MM-DD\"T\"HH24:MI:SSOF:00') AS at")
    made = await declared(world, monitor_ids=[monitor["id"]], notify=False, started_at=row["at"])
    assert made["started_at"] < made["opened_at"]
    assert await notices(world) == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"title": "  "}, "INVALID_TITLE"),
        ({"title": "a" * 201}, "INVALID_TITLE"),
        ({"title": "two\nlines"}, "INVALID_TITLE"),
        ({"public_title": ""}, "INVALID_TITLE"),
        ({"public_text": " "}, "INVALID_UPDATE"),
        ({"message": ""}, "INVALID_NOTE"),
        ({"started_at": "2999-01-01T00:00:00Z"}, "INVALID_STARTED_AT"),
        ({"started_at": "2001-01-01T00:00:00Z"}, "INVALID_STARTED_AT"),
        ({"monitor_ids": ["00000000-0000-7000-8000-000000000001"]}, "INVALID_MONITORS"),
        ({"phase": "resolved"}, None),
        ({"type": "flapping"}, None),
        ({"severity": "awful"}, None),
        ({"unknown": 1}, None),
    ],
)
async def test_a_declaration_that_breaks_a_rule_opens_nothing(
    world: World, body: dict[str, Any], code: str | None
) -> None:
    reply = await world.http.post(INCIDENTS, json={"title": "Checkout fails", **body})
    assert reply.status_code == 400, reply.text
    assert code is None or reply.json()["error"]["code"] == code
    assert await world.rows("SELECT * FROM incidents") == []
    assert await world.rows("SELECT * FROM events") == []


async def test_a_monitor_of_another_tenant_cannot_be_named(world: World) -> None:
    monitor = await world.monitor()
    reply = await world.stranger.post(INCIDENTS, json={"title": "Theirs", "monitor_ids": [monitor["id"]]})
    assert code_of(reply) == (400, "INVALID_MONITORS")


async def test_the_same_declaration_under_one_idempotency_key_is_one_incident(world: World) -> None:
    for _ in range(2):
        reply = await world.http.post(INCIDENTS, json={"title": "Once"}, headers={"Idempotency-Key": "k1"})
        assert reply.status_code == 201
    assert (await world.get("/incidents"))["total"] == 1


async def test_narration_is_merged_and_told_once(world: World) -> None:
    made = await declared(world)
    path = f"{INCIDENTS}/{made['id']}"
    reply = await world.http.patch(path, json={"severity": "minor", "public_title": "Slow", "public_description": "d"})
    assert reply.status_code == 200, reply.text
    changed = reply.json()
    assert (changed["severity"], changed["urgency"]) == ("minor", "low")
    assert (changed["public_title"], changed["public_description"], changed["title"]) == ("Slow", "d", made["title"])
    assert changed["timeline"][-1]["data"]["changed"]["severity"] == ["major", "minor"]
    again = await world.http.patch(path, json={"severity": "minor"})
    assert again.headers["ETag"] == reply.headers["ETag"]
    cleared = (await world.http.patch(path, json={"severity": None, "public_title": None})).json()
    assert (cleared["severity"], cleared["public_title"], cleared["public_description"]) == ("major", None, "d")
    assert await events(world) == ["incident.opened", "incident.updated", "incident.updated"]
    assert code_of(await world.http.patch(path, json={"title": None})) == (400, "INVALID_TITLE")


async def test_an_automatic_incident_gets_its_own_title_back(world: World) -> None:
    _, incident_id = await down(world)
    path = f"{INCIDENTS}/{incident_id}"
    assert (await world.http.patch(path, json={"title": "Broken"})).json()["title"] == "Broken"
    assert (await world.http.patch(path, json={"title": None})).json()["title"] == "API is down"


async def test_a_narration_from_an_old_reading_is_refused(world: World) -> None:
    made = await declared(world)
    path = f"{INCIDENTS}/{made['id']}"
    read = await world.http.get(path)
    await world.http.patch(path, json={"severity": "minor"})
    old = {"If-Match": read.headers["ETag"]}
    late = await world.http.patch(path, json={"severity": "critical"}, headers=old)
    assert code_of(late) == (412, "PRECONDITION_FAILED")
    assert (await world.get(f"/incidents/{made['id']}"))["severity"] == "minor"


async def test_public_updates_move_the_phase_and_nothing_else(world: World) -> None:
    made = await declared(world)
    for phase, text in (("identified", "A bad deploy"), (None, "Still at it"), ("monitoring", "Rolled back")):
        reply = await do(world, made["id"], "updates", text=text, **({"phase": phase} if phase else {}))
        assert reply.status_code == 201, reply.text
    shown = await world.get(f"/incidents/{made['id']}")
    assert (shown["phase"], shown["state"]) == ("monitoring", "triggered")
    page = await world.get(f"/incidents/{made['id']}/updates?limit=2")
    assert (page["total"], [each["phase"] for each in page["items"]]) == (3, ["identified", "identified"])
    assert code_of(await do(world, made["id"], "updates", text="Done", phase="resolved")) == (409, "PHASE_NOT_ALLOWED")
    await do(world, made["id"], "resolve", public_text="All is well")
    assert (await do(world, made["id"], "updates", text="Why", phase="postmortem")).status_code == 201
    assert code_of(await do(world, made["id"], "updates", text="x", phase="monitoring")) == (409, "PHASE_NOT_ALLOWED")
    updates = (await world.get(f"/incidents/{made['id']}/updates"))["items"]
    assert [each["phase"] for each in updates][-2:] == ["resolved", "postmortem"]
    kinds = [line["kind"] for line in (await world.get(f"/incidents/{made['id']}"))["timeline"]]
    assert kinds.count("public_update") == 5


@pytest.mark.parametrize("bad", [{"text": ""}, {"text": "a" * 2001}, {"text": "x", "phase": "over"}, {}, {"text": 1}])
async def test_a_bad_public_update_is_refused(world: World, bad: dict[str, Any]) -> None:
    made = await declared(world)
    assert (await do(world, made["id"], "updates", **bad)).status_code == 400
    assert (await world.get(f"/incidents/{made['id']}/updates"))["total"] == 0


async def test_resolving_while_down_hushes_until_up_is_proven(world: World) -> None:
    channel = await world.channel()
    monitor, incident_id = await down(world, alerts=[{"channel_id": channel}])
    reply = await do(world, incident_id, "resolve", note="We know")
    shown = reply.json()
    assert (shown["state"], shown["phase"], shown["resolution"], shown["resolved_by"]) == (
        "resolved", "resolved", "person", "test",
    )  # fmt: skip
    assert (shown["timeline"][-1]["text"], shown["timeline"][-1]["actor"]) == ("We know", "test")
    assert await notices(world) == [("opened", 0, "incident.opened"), ("resolved", 0, "incident.resolved")]
    await outage_again(world, monitor["id"])
    assert (await world.get("/incidents?state=open"))["total"] == 0
    await recover(world, monitor["id"])
    await outage_again(world, monitor["id"])
    assert (await world.get("/incidents?state=open"))["total"] == 1
    assert code_of(await do(world, incident_id, "resolve")) == (409, "INCIDENT_RESOLVED")


async def test_reopening_while_down_makes_it_a_level_again(world: World) -> None:
    channel = await world.channel()
    monitor, incident_id = await down(world, alerts=[{"channel_id": channel}])
    await do(world, incident_id, "acknowledge")
    await do(world, incident_id, "resolve")
    reply = await do(world, incident_id, "reopen", note="Not over")
    shown = reply.json()
    assert (shown["state"], shown["phase"], shown["acknowledged_by"], shown["resolved_at"]) == (
        "triggered", "investigating", None, None,
    )  # fmt: skip
    assert (shown["reopened"], shown["held_open"], shown["number"]) == (1, False, 1)
    assert (await world.rows("SELECT hushed FROM monitor_states"))[0]["hushed"] is False
    await recover(world, monitor["id"])
    ended = await world.get(f"/incidents/{incident_id}")
    assert (ended["state"], ended["resolution"]) == ("resolved", "recovered")
    assert await notices(world) == [
        ("opened", 0, "incident.opened"), ("resolved", 0, "incident.resolved"),
        ("opened", 1, "incident.opened"), ("resolved", 1, "incident.resolved"),
    ]  # fmt: skip
    kinds = [line["kind"] for line in ended["timeline"]]
    assert kinds == ["opened", "acknowledged", "resolved", "reopened", "resolved"]


async def test_reopening_what_recovered_is_held_open_and_a_person_ends_it(world: World) -> None:
    channel = await world.channel()
    monitor, incident_id = await down(world, alerts=[{"channel_id": channel}])
    await recover(world, monitor["id"])
    shown = (await do(world, incident_id, "reopen")).json()
    assert (shown["state"], shown["held_open"]) == ("triggered", True)
    assert code_of(await do(world, incident_id, "reopen")) == (409, "INCIDENT_OPEN")
    ended = (await do(world, incident_id, "resolve")).json()
    assert (ended["held_open"], ended["resolution"]) == (False, "person")
    assert (await world.rows("SELECT hushed FROM monitor_states"))[0]["hushed"] is False
    assert [notice for notice, _, _ in await notices(world)] == ["opened", "resolved", "opened", "resolved"]


async def test_what_is_held_open_is_a_level_again_once_down_is_proven(world: World) -> None:
    channel = await world.channel()
    monitor, incident_id = await down(world, alerts=[{"channel_id": channel}])
    await recover(world, monitor["id"])
    await do(world, incident_id, "reopen")
    await recover(world, monitor["id"])
    assert (await world.get(f"/incidents/{incident_id}"))["state"] == "triggered", "a recovery does not end it"
    await outage_again(world, monitor["id"])
    shown = await world.get(f"/incidents/{incident_id}")
    assert (shown["state"], shown["held_open"]) == ("triggered", False)
    assert (await world.get("/incidents"))["total"] == 1, "the outage joins it"
    await recover(world, monitor["id"])
    assert (await world.get(f"/incidents/{incident_id}"))["resolution"] == "recovered"
    assert [(notice, ordinal) for notice, ordinal, _ in await notices(world)] == [
        ("opened", 0), ("resolved", 0), ("opened", 1), ("resolved", 1),
    ]  # fmt: skip


async def test_a_degraded_incident_that_a_person_ended_stays_ended_while_it_is_degraded(world: World) -> None:
    monitor = await world.monitor(alert_on="degraded")
    await reporters(world)
    for outcome in ("up", "degraded"):
        await _twice(world, monitor["id"], outcome)
    (incident,) = (await world.get("/incidents?state=open"))["items"]
    assert incident["type"] == "degraded"
    await do(world, incident["id"], "resolve")
    for _ in range(2):
        await _twice(world, monitor["id"], "degraded")
        assert (await world.get("/incidents?state=open"))["total"] == 0
    for outcome in ("up", "degraded"):
        await _twice(world, monitor["id"], outcome)
    assert (await world.get("/incidents?state=open"))["total"] == 1


async def test_what_cannot_be_open_is_not_reopened(world: World) -> None:
    monitor, incident_id = await down(world)
    await recover(world, monitor["id"])
    await outage_again(world, monitor["id"])
    (other,) = (await world.get("/incidents?state=open"))["items"]
    refused = await do(world, incident_id, "reopen")
    assert code_of(refused) == (409, "OTHER_INCIDENT_OPEN")
    assert refused.json()["error"]["details"] == {"incident_id": other["id"]}
    await world.http.post(f"/api/v1/monitors/{monitor['id']}/pause")
    assert code_of(await do(world, incident_id, "reopen")) == (409, "MONITOR_PAUSED")
    await world.http.delete(f"/api/v1/monitors/{monitor['id']}")
    assert code_of(await do(world, incident_id, "reopen")) == (409, "MONITOR_GONE")


async def test_a_declared_incident_is_reopened_even_when_its_monitor_is_gone(world: World) -> None:
    channel = await world.channel()
    monitor = await world.monitor(alerts=[{"channel_id": channel}])
    made = await declared(world, monitor_ids=[monitor["id"]])
    await world.http.delete(f"/api/v1/monitors/{monitor['id']}")
    ended = (await do(world, made["id"], "resolve")).json()
    assert (ended["state"], ended["monitors"]) == ("resolved", [])
    assert (await do(world, made["id"], "reopen")).json()["held_open"] is False


async def test_two_people_resolve_at_once_and_it_is_told_once(world: World) -> None:
    channel = await world.channel()
    _, incident_id = await down(world, alerts=[{"channel_id": channel}])
    replies = await asyncio.gather(*(do(world, incident_id, "resolve") for _ in range(4)))
    assert sorted(reply.status_code for reply in replies) == [200, 409, 409, 409]
    assert [notice for notice, _, _ in await notices(world)] == ["opened", "resolved"]
    assert (await events(world)).count("incident.resolved") == 1


async def test_a_person_resolves_while_the_recovery_is_judged(world: World) -> None:
    channel = await world.channel()
    monitor, incident_id = await down(world, alerts=[{"channel_id": channel}])
    _, reply = await asyncio.gather(recover(world, monitor["id"]), do(world, incident_id, "resolve"))
    assert reply.status_code in (200, 409)
    ended = await world.get(f"/incidents/{incident_id}")
    assert ended["state"] == "resolved"
    assert [line["kind"] for line in ended["timeline"]].count("resolved") == 1
    assert [notice for notice, _, _ in await notices(world)] == ["opened", "resolved"]
    assert (await world.rows("SELECT hushed FROM monitor_states"))[0]["hushed"] is False, "up was proven"


async def test_reopening_against_an_automatic_opening_leaves_one_open(world: World) -> None:
    channel = await world.channel()
    monitor, incident_id = await down(world, alerts=[{"channel_id": channel}])
    await recover(world, monitor["id"])
    _, reply = await asyncio.gather(outage_again(world, monitor["id"]), do(world, incident_id, "reopen"))
    assert reply.status_code == 200 or code_of(reply) == (409, "OTHER_INCIDENT_OPEN")
    still = (await world.get("/incidents?state=open"))["items"]
    assert len(still) == 1
    assert (still[0]["id"] == incident_id) == (reply.status_code == 200)


async def test_the_deliveries_of_an_incident_are_listed(world: World) -> None:
    channel = await world.channel()
    _, incident_id = await down(world, alerts=[{"channel_id": channel}])
    await do(world, incident_id, "resolve")
    async with world.database.app() as conn:
        key = await an_api_key(conn, world.tenant_id, "deliveries:read", number=3)
        other = await an_api_key(conn, world.stranger_id, "deliveries:read", number=3)
    async with world.door.client(key) as http:
        page = (await http.get(f"{INCIDENTS}/{incident_id}/deliveries")).json()
    assert [each["notice"] for each in page["items"]] == ["resolved", "opened"]
    async with world.door.client(other) as http:
        assert (await http.get(f"{INCIDENTS}/{incident_id}/deliveries")).status_code == 404


async def test_incidents_are_found_by_their_words_and_kinds(world: World) -> None:
    monitor = await world.monitor(name="Ledger")
    made = await declared(world, title="Payments 100% lost", monitor_ids=[monitor["id"]], type="degraded")
    _, automatic = await down(world)

    async def found(query: str) -> list[str]:
        return [each["id"] for each in (await world.get(f"/incidents?{query}"))["items"]]

    for query in ("q=PAYMENTS", "q=100%25", "q=ledger", "origin=person", "type=degraded"):
        assert await found(query) == [made["id"]], query
    for query in ("q=api", "q=connection%20refused", "origin=monitor", "type=down"):
        assert await found(query) == [automatic], query
    assert await found("q=%25%25") == []
    await do(world, made["id"], "updates", text="x", phase="identified")
    assert await found("phase=identified") == [made["id"]]
    assert (await world.get("/incidents?q=payments"))["total"] == 1


async def test_a_stranger_finds_nothing_to_do(world: World) -> None:
    made = await declared(world)
    for verb, body in (("resolve", {}), ("reopen", {}), ("updates", {"text": "x"}), ("acknowledge", {})):
        reply = await world.stranger.post(f"{INCIDENTS}/{made['id']}/{verb}", json=body)
        assert code_of(reply) == (404, "INCIDENT_NOT_FOUND"), verb
    assert (await world.stranger.get(INCIDENTS)).json()["total"] == 0
    assert code_of(await do(world, str(seed.new_id()), "resolve")) == (404, "INCIDENT_NOT_FOUND")
