"""/api/v1/routes and /api/v1/silences, and quiet hours of monitors and channels, as clients see them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from control_plane.store.pool import Database
from tests.support.serving import control_plane

HOOK = {"type": "ntfy", "topic": "ops"}
QUIET = {"start": "00:00", "end": "23:59", "time_zone": "UTC", "days": [], "except_severities": ["critical"]}
HEARTBEAT = {"type": "heartbeat", "period": 3600}


@pytest.fixture
async def http(database: Database) -> AsyncIterator[httpx.AsyncClient]:
    async with control_plane(database) as served, served.tenant() as client:
        yield client


async def made(http: httpx.AsyncClient, path: str, **body: Any) -> dict[str, Any]:
    reply = await http.post(f"/api/v1/{path}", json=body)
    assert reply.status_code == 201, reply.text
    found: dict[str, Any] = reply.json()
    return found


def code_of(reply: httpx.Response) -> tuple[int, str, str | None]:
    error = reply.json()["error"]
    return reply.status_code, error["code"], error["field"]


def in_hours(hours: float) -> str:
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat()


async def test_a_route_is_created_read_changed_and_deleted(http: httpx.AsyncClient) -> None:
    channel = await made(http, "channels", name="Ops", config=HOOK)
    route = await made(http, "routes", name="Pager", match={"tags": ["prod"]}, channel_ids=[channel["id"]])
    path = f"/api/v1/routes/{route['id']}"
    reply = await http.get(path)
    assert reply.json() == route
    assert route["match"] == {"severities": [], "tags": ["prod"], "groups": [], "kinds": [], "monitor_ids": []}
    old = reply.headers["ETag"]
    changed = await http.patch(path, json={"match": {"kinds": ["http"]}, "enabled": False}, headers={"If-Match": old})
    assert changed.json()["match"]["tags"] == ["prod"]
    assert (changed.json()["match"]["kinds"], changed.json()["enabled"]) == (["http"], False)
    assert code_of(await http.patch(path, json={"name": "X"}, headers={"If-Match": old}))[1] == "PRECONDITION_FAILED"
    same = await http.patch(path, json={"name": "Pager"})
    assert same.headers["ETag"] == changed.headers["ETag"], "what changes nothing writes nothing"
    assert code_of(await http.post("/api/v1/routes", json={"name": "Pager", "channel_ids": []})) == (
        409,
        "NAME_TAKEN",
        "/name",
    )
    assert (await http.delete(path)).status_code == 204
    assert code_of(await http.get(path))[:2] == (404, "ROUTE_NOT_FOUND")
    assert code_of(await http.delete(path))[:2] == (404, "ROUTE_NOT_FOUND")


async def test_a_channel_that_is_deleted_goes_from_its_routes(http: httpx.AsyncClient) -> None:
    channels = [await made(http, "channels", name=name, config=HOOK) for name in ("A", "B")]
    route = await made(http, "routes", name="Both", channel_ids=[each["id"] for each in channels])
    assert (await http.delete(f"/api/v1/channels/{channels[0]['id']}")).status_code == 204
    left = (await http.get(f"/api/v1/routes/{route['id']}")).json()
    assert left["channel_ids"] == [channels[1]["id"]]


async def test_the_preview_says_who_would_hear_and_what_would_withhold_it(http: httpx.AsyncClient) -> None:
    silent = (await http.post("/api/v1/routes/preview", json={"severity": "critical"})).json()
    assert silent == {"silent": True, "channels": []}
    bound = await made(http, "channels", name="Bound", config=HOOK)
    night = await made(http, "channels", name="Night", config=HOOK, quiet_hours=QUIET)
    mute = await made(http, "channels", name="Mute", config=HOOK)
    monitor = await made(
        http, "monitors", name="Job", check=HEARTBEAT, tags=["prod"], alerts=[{"channel_id": bound["id"]}]
    )
    route = await made(
        http, "routes", name="Prod", match={"tags": ["prod"]}, channel_ids=[each["id"] for each in (bound, night, mute)]
    )
    silence = await made(http, "silences", name="S", ends_at=in_hours(1), match={"channel_ids": [mute["id"]]})
    noon = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) + timedelta(days=1)
    asked = {"monitor_id": monitor["id"], "severity": "major"}
    found = (await http.post("/api/v1/routes/preview", json=asked)).json()
    assert found["silent"] is False
    assert [(each["name"], [by["type"] for by in each["by"]]) for each in found["channels"]] == [
        ("Bound", ["binding", "route"]),
        ("Night", ["route"]),
        ("Mute", ["route"]),
    ]
    assert found["channels"][1]["by"] == [{"type": "route", "id": route["id"], "name": "Prod"}]
    assert found["channels"][2]["withheld"]["id"] == silence["id"]
    later = (await http.post("/api/v1/routes/preview", json={**asked, "at": noon.isoformat()})).json()
    withheld = [None if each["withheld"] is None else each["withheld"]["type"] for each in later["channels"]]
    assert withheld == [None, "quiet_hours", None], "the silence is over by then"
    until = noon.replace(hour=23, minute=59).isoformat().replace("+00:00", "Z")
    assert later["channels"][1]["withheld"] == {"type": "quiet_hours", "of": "channel", "until": until}
    described = {"tags": ["prod"], "kind": "http", "severity": "critical", "at": noon.isoformat()}
    named = (await http.post("/api/v1/routes/preview", json=described)).json()["channels"]
    assert [(each["name"], each["withheld"]) for each in named] == [("Bound", None), ("Night", None), ("Mute", None)]
    stranger = {"monitor_id": "01900000-0000-7000-8000-000000000000"}
    assert code_of(await http.post("/api/v1/routes/preview", json=stranger)) == (400, "INVALID_MATCH", "/monitor_id")


async def test_a_silence_is_created_read_changed_ended_and_deleted(http: httpx.AsyncClient) -> None:
    active = await made(http, "silences", name="Now", ends_at=in_hours(1), reason="Upgrade")
    pending = await made(http, "silences", name="Later", starts_at=in_hours(1), ends_at=in_hours(2))
    assert (active["state"], pending["state"]) == ("active", "pending")
    assert active["created_by"] != ""
    ended = await http.patch(f"/api/v1/silences/{active['id']}", json={"ends_at": in_hours(-5)})
    assert ended.json()["state"] == "expired"
    again = await http.patch(f"/api/v1/silences/{active['id']}", json={"ends_at": in_hours(5)})
    assert code_of(again)[:2] == (409, "SILENCE_EXPIRED")
    for state, name in (("expired", "Now"), ("pending", "Later")):
        page = (await http.get("/api/v1/silences", params={"state": state})).json()
        assert [each["name"] for each in page["items"]] == [name]
        assert page["total"] == 1
    assert (await http.get("/api/v1/silences")).json()["total"] == 2
    assert (await http.delete(f"/api/v1/silences/{pending['id']}")).status_code == 204
    assert code_of(await http.get(f"/api/v1/silences/{pending['id']}"))[:2] == (404, "SILENCE_NOT_FOUND")
    too_long = await http.post("/api/v1/silences", json={"name": "L", "ends_at": in_hours(24 * 91)})
    assert code_of(too_long) == (400, "INVALID_SILENCE", "/ends_at")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("monitors", {"name": "Job", "check": HEARTBEAT}),
        ("channels", {"name": "Ops", "config": HOOK}),
    ],
    ids=["monitors", "channels"],
)
async def test_quiet_hours_are_set_kept_and_cleared(http: httpx.AsyncClient, path: str, body: dict[str, Any]) -> None:
    one = await made(http, path, **body, quiet_hours=QUIET)
    where = f"/api/v1/{path}/{one['id']}"
    assert one["quiet_hours"] == QUIET
    assert (await http.patch(where, json={"name": "Other"})).json()["quiet_hours"] == QUIET
    wrong = await http.patch(where, json={"quiet_hours": {**QUIET, "end": "00:00"}})
    assert code_of(wrong) == (400, "INVALID_QUIET_HOURS", "/quiet_hours/end")
    assert (await http.get(where)).json()["quiet_hours"] == QUIET
    assert (await http.patch(where, json={"quiet_hours": None})).json()["quiet_hours"] is None


async def test_a_clone_has_the_quiet_hours_of_its_monitor(http: httpx.AsyncClient) -> None:
    one = await made(http, "monitors", name="Job", check=HEARTBEAT, quiet_hours=QUIET)
    clone = await http.post(f"/api/v1/monitors/{one['id']}/clone", json={})
    assert clone.json()["quiet_hours"] == QUIET
