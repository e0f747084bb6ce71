"""A secret goes in and never comes out, in whatever answer, and is kept while nobody replaces it."""

from __future__ import annotations

from typing import Any

import msgspec

from control_plane.services.monitors.credentials import monitor_context, open_check
from shared.checks.http import HttpCheck
from tests.support.tenant_world import World

CHECK: dict[str, Any] = {
    "type": "http",
    "url": "https://a.example.com/",
    "basic_auth": ["user", "s3cret-password"],
    "headers": {"X-Api-Key": "s3cret-header", "Accept": "text/html"},
}


async def opened(world: World) -> HttpCheck:
    row = (await world.rows("SELECT * FROM monitors"))[0]
    context = monitor_context(row["tenant_id"], row["id"])
    check = open_check(world.door.deps.sealer, row["check"], row["sealed"], context=context)
    assert isinstance(check, HttpCheck)
    return check


async def test_no_answer_and_no_column_shows_a_secret(world: World) -> None:
    created = await world.http.post("/api/v1/monitors", json={"name": "A", "check": CHECK})
    path = f"/api/v1/monitors/{created.json()['id']}"
    patched = await world.http.patch(path, json={"check": {"timeout": 2000}})
    reads = ("", "/votes", "/verdict", "/results", "/regions", "/incidents", "/transitions")
    answers = [created, patched, *[await world.http.get(path + each) for each in reads]]
    answers += [await world.http.get("/api/v1/monitors"), await world.http.post(f"{path}/clone")]
    assert all(reply.is_success and "s3cret" not in reply.text for reply in answers)
    assert created.json()["check"]["basic_auth"] == ["user", "***"]
    assert created.json()["check"]["headers"] == {"X-Api-Key": "***", "Accept": "text/html"}
    rows = await world.rows('SELECT "check" FROM monitors')
    assert b"s3cret" not in msgspec.json.encode(rows)


async def test_what_is_not_sent_again_is_kept(world: World) -> None:
    made = await world.monitor(check=CHECK)
    path = f"/api/v1/monitors/{made['id']}"
    for body in (
        {"name": "B"},
        {"check": {"timeout": 2000}},
        {"check": {"headers": {"Accept": "*/*"}}},
        {"regions": ["eu"]},
    ):
        assert (await world.http.patch(path, json=body)).status_code == 200
    check = await opened(world)
    assert check.basic_auth == ("user", "s3cret-password")
    assert check.headers == {"X-Api-Key": "s3cret-header", "Accept": "*/*"}
    assert check.timeout == 2000


async def test_null_removes_a_secret(world: World) -> None:
    made = await world.monitor(check=CHECK)
    path = f"/api/v1/monitors/{made['id']}"
    reply = await world.http.patch(path, json={"check": {"basic_auth": None, "headers": {"X-Api-Key": None}}})
    assert reply.json()["check"]["basic_auth"] is None
    assert (await world.rows("SELECT sealed FROM monitors"))[0]["sealed"] is None


async def test_what_was_read_cannot_be_written_back(world: World) -> None:
    made = await world.monitor(check=CHECK)
    before = await world.fingerprint()
    reply = await world.http.patch(f"/api/v1/monitors/{made['id']}", json={"check": made["check"]})
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "REDACTION_SENTINEL")
    assert await world.fingerprint() == before


async def test_a_kept_secret_does_not_follow_to_another_host(world: World) -> None:
    made = await world.monitor(check=CHECK)
    path = f"/api/v1/monitors/{made['id']}"
    reply = await world.http.patch(path, json={"check": {"url": "https://evil.example.org/"}})
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "CREDENTIAL_RESUPPLY_REQUIRED")
    replaced = await world.http.patch(path, json={"check": "https://evil.example.org/"})
    assert replaced.status_code == 200
    assert (await opened(world)).basic_auth is None


async def test_a_lost_sealing_key_leaves_the_rest_changeable(world: World) -> None:
    made = await world.monitor(check=CHECK)
    await world.rows("UPDATE monitors SET sealed = '\\x0102'")
    path = f"/api/v1/monitors/{made['id']}"
    assert (await world.http.patch(path, json={"name": "B", "regions": ["eu"]})).status_code == 200
    reply = await world.http.patch(path, json={"check": {"timeout": 1000}})
    assert (reply.status_code, reply.json()["error"]["code"]) == (503, "CREDENTIAL_UNAVAILABLE")
