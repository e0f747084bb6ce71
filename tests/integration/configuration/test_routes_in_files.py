"""Routes and quiet hours in a configuration file: exported, applied again without a change, changed, pruned."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from control_plane.store.pool import Database
from tests.support.serving import control_plane

QUIET = {"start": "22:00", "end": "07:00", "time_zone": "Europe/Berlin", "except_severities": ["critical"]}
CHANNEL = {"name": "Ops", "config": {"type": "ntfy", "topic": "ops"}, "quiet_hours": QUIET}
MONITOR = {
    "key": "shop",
    "name": "Shop",
    "check": {"type": "heartbeat", "period": 3600},
    "quiet_hours": {**QUIET, "days": ["sat"]},
}
ROUTE = {
    "key": "pager",
    "name": "Pager",
    "match": {"severities": ["critical"], "tags": ["prod"], "monitors": ["shop"]},
    "events": ["incident.opened"],
    "channels": ["Ops"],
}
FILE = {"version": 1, "channels": [CHANNEL], "monitors": [MONITOR], "routes": [ROUTE]}


async def ask(http: httpx.AsyncClient, verb: str, file: dict[str, Any], **query: str) -> dict[str, Any]:
    reply = await http.post(f"/api/v1/{verb}", json=file, params=query)
    assert reply.status_code == 200, reply.text
    answer: dict[str, Any] = reply.json()
    return answer


def fates(answer: dict[str, Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for change in answer["changes"]:
        found.setdefault(change["action"], []).append(change["key"])
    return found


async def test_what_is_applied_is_exported_and_applied_again_without_a_change(database: Database) -> None:
    async with control_plane(database) as served, served.tenant() as http:
        assert fates(await ask(http, "apply", FILE)) == {"create": ["Ops", "shop", "pager"]}
        (route,) = (await http.get("/api/v1/routes")).json()["items"]
        (channel,) = (await http.get("/api/v1/channels")).json()["items"]
        (monitor,) = (await http.get("/api/v1/monitors")).json()["items"]
        assert route["match"]["monitor_ids"] == [monitor["id"]]
        assert (route["channel_ids"], route["write_source"]) == ([channel["id"]], "file")
        assert monitor["quiet_hours"] == {**QUIET, "days": ["sat"]}
        assert channel["quiet_hours"] == {**QUIET, "days": []}
        exported = (await http.get("/api/v1/export", params={"format": "json"})).json()
        assert exported["routes"] == [ROUTE]
        assert exported["channels"][0]["quiet_hours"] == QUIET
        assert fates(await ask(http, "apply", exported)) == {}


async def test_a_route_of_the_file_is_changed_adopted_and_pruned(database: Database) -> None:
    async with control_plane(database) as served, served.tenant() as http:
        await ask(http, "apply", FILE)
        made = await http.post("/api/v1/routes", json={"name": "By hand", "channel_ids": []})
        changed = {"key": "pager", "name": "Pager", "channels": []}
        plan = await ask(http, "plan", {"version": 1, "routes": [changed]})
        assert fates(plan) == {"update": ["pager"], "unmanaged": ["by-hand"]}
        (update,) = [change for change in plan["changes"] if change["action"] == "update"]
        assert {field["field"] for field in update["fields"]} == {"/match", "/events", "/channels"}
        adopting = {"key": "hand", "adopt": made.json()["id"], "name": "By hand"}
        applied = await ask(http, "apply", {"version": 1, "routes": [changed, adopting]})
        assert fates(applied) == {"update": ["pager", "hand"]}
        pruned = await ask(http, "apply", {"version": 1, "routes": [adopting]}, prune="true")
        assert fates(pruned)["delete"] == ["pager"]
        (left,) = (await http.get("/api/v1/routes")).json()["items"]
        assert (left["name"], left["key"]) == ("By hand", "hand")


async def test_a_monitor_that_is_gone_does_not_widen_its_route(database: Database) -> None:
    async with control_plane(database) as served, served.tenant() as http:
        await ask(http, "apply", FILE)
        (monitor,) = (await http.get("/api/v1/monitors")).json()["items"]
        await http.delete(f"/api/v1/monitors/{monitor['id']}")
        exported = (await http.get("/api/v1/export", params={"format": "json"})).json()
        assert exported["routes"][0]["match"]["monitors"] == [monitor["id"]]
        assert fates(await ask(http, "apply", exported)) == {}


@pytest.mark.parametrize(
    ("entry", "code", "field"),
    [
        ({"channels": ["Nobody"]}, "INVALID_MATCH", "/routes/0/channels/0"),
        ({"match": {"monitors": ["nothing"]}}, "INVALID_MATCH", "/routes/0/match/monitors/0"),
        ({"match": {"monitor_ids": []}}, "UNKNOWN_FIELD", "/routes/0/match/monitor_ids"),
        ({"match": {"severities": ["fatal"]}}, "INVALID_MATCH", "/routes/0/match/severities/0"),
        ({"events": []}, "INVALID_ALERT_CONFIG", "/routes/0/events"),
        ({"channel_ids": []}, "UNKNOWN_FIELD", "/routes/0/channel_ids"),
    ],
)
async def test_what_a_file_says_wrongly_of_a_route_is_named(
    database: Database, entry: dict[str, Any], code: str, field: str
) -> None:
    async with control_plane(database) as served, served.tenant() as http:
        reply = await http.post(
            "/api/v1/plan", json={"version": 1, "routes": [{"key": "pager", "name": "Pager", **entry}]}
        )
    assert (reply.json()["error"]["code"], reply.json()["error"]["field"]) == (code, field)
