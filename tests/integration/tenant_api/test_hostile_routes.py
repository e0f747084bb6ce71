"""Rows of the corpus about paths, queries, credentials and bodies of other routes than the monitors' own two."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from control_plane.domain.tenants.credentials import SCOPES
from tests.support.door import an_api_key
from tests.support.hostile import CORPORA
from tests.support.seed import an_agent
from tests.support.tenant_world import World

ROWS = [json.loads(line) for line in (CORPORA / "bad_inputs_routes.jsonl").read_text(encoding="utf-8").splitlines()]
TABLES = (
    "monitors",
    "monitor_states",
    "assignments",
    "channels",
    "maintenance_windows",
    "incidents",
    "events",
    "api_keys",
)
OURS = {
    "B225": "UNKNOWN_PARAMETER",  # ranges are from and to: no list has days, nor a status beside state
    "B229": "UNKNOWN_PARAMETER",
    "B304": "INVALID_TIME",
    "B305": "INVALID_TIME",
    "B306": "INVALID_TIME",
    "B309": "INVALID_DURATION",
    "B310": "INVALID_RRULE",
    "B311": "INVALID_TIMEZONE",
}
"""Where our field, and so our code, is called otherwise than the nearest seed's."""

WINDOW = {"title": "Upkeep", "all": True, "starts_at": "2100-01-01T00:00:00Z", "ends_at": "2100-01-01T01:00:00Z"}
RENAMED = {"tz": "timezone"}


def rows(*surfaces: str) -> list[Any]:
    return [pytest.param(row, id=row["id"]) for row in ROWS if row["surface"].startswith(surfaces)]


@pytest.fixture
async def http(world: World) -> AsyncIterator[httpx.AsyncClient]:
    async with world.database.app() as conn:
        key = await an_api_key(conn, world.tenant_id, *SCOPES, number=9)
    async with world.door.client(key) as client:
        yield client


async def counts(world: World) -> dict[str, int]:
    """How many rows there are: what a refused request would have left behind."""
    return {table: (await world.rows(f"SELECT count(*) AS n FROM {table}"))[0]["n"] for table in TABLES}


def refused_as(reply: httpx.Response, row: dict[str, Any]) -> None:
    error = reply.json()["error"]
    expected = row["expect"]
    assert reply.status_code == expected["http"], reply.text
    assert error["code"] == OURS.get(row["id"], expected["code"]), reply.text
    assert len(error["message"]) >= 20, "it says what is wrong and what would be right"


@pytest.mark.parametrize("row", rows("PUT /api/v1/monitors/{id}/regions"))
async def test_hostile_regions_of_a_monitor(world: World, http: httpx.AsyncClient, row: dict[str, Any]) -> None:
    made = await world.monitor()
    reply = await http.put(f"/api/v1/monitors/{made['id']}/regions", json={"regions": row["value"]})
    refused_as(reply, row)
    assert reply.json()["error"]["field"].startswith("/regions")
    assert (await world.get(f"/monitors/{made['id']}"))["regions"] == made["regions"]


@pytest.mark.parametrize("row", rows("GET /api/v1/monitors/{id}"))
async def test_a_hostile_id(world: World, http: httpx.AsyncClient, row: dict[str, Any]) -> None:
    foreign = (
        await world.stranger.post("/api/v1/monitors", json={"name": "B", "check": "https://b.example.com/"})
    ).json()
    given = foreign["id"] if row["value"].startswith("<") else row["value"]
    refused_as(await http.get(f"/api/v1/monitors/{given}"), row)


@pytest.mark.parametrize("row", rows("DELETE on", "POST /pause on", "GET /incidents on", "GET /events on"))
async def test_another_tenants_monitor_is_none(world: World, http: httpx.AsyncClient, row: dict[str, Any]) -> None:
    made = await world.stranger.post("/api/v1/monitors", json={"name": "B", "check": "https://b.example.com/"})
    verb, part = row["surface"].split(" on ")[0].partition(" ")[::2]
    before = await world.fingerprint()
    reply = await http.request(verb, f"/api/v1/monitors/{made.json()['id']}{part}")
    assert reply.status_code == 404
    assert reply.json()["error"]["code"] in ("MONITOR_NOT_FOUND", "NOT_FOUND")
    assert await world.fingerprint() == before


LISTS = {
    "limit": "/monitors",
    "offset": "/monitors",
    "cursor": "/deliveries",
    "from": "/incidents",
    "to": "/incidents",
    "status": "/incidents",
    "days": "/monitors",
}


@pytest.mark.parametrize("row", rows("GET list routes"))
async def test_a_hostile_query(http: httpx.AsyncClient, row: dict[str, Any]) -> None:
    reply = await http.get(f"/api/v1{LISTS[row['field']]}", params={row["field"]: row["value"]})
    refused_as(reply, row)
    assert reply.json()["error"]["field"] == f"/{row['field']}"


async def _credential(world: World, given: str) -> bytes:
    async with world.database.app() as conn:
        if "agent token" in given:
            return f"Bearer {(await an_agent(conn, world.regions['eu']))[1]}".encode()
        key = await an_api_key(conn, world.tenant_id, *SCOPES, number=11)
        if "rotated" in given:
            left = "1 second" if "4 min 59" in given else "-1 second"
            await conn.execute("UPDATE api_keys SET expires_at = now() + $1::text::interval WHERE number = 11", left)
            return f"Bearer {key}".encode()
        if "last char" in given:
            return f"Bearer {key[:-1]}{'0' if key[-1] != '0' else '1'}".encode()
    return "Bearer é".encode() if "u00e9" in given or "é" in given else given.encode()


@pytest.mark.parametrize("row", rows("any /api/v1 route"))
async def test_a_hostile_credential(world: World, row: dict[str, Any]) -> None:
    header = await _credential(world, row["value"])
    async with httpx.AsyncClient(base_url=world.door.url, timeout=20) as client:
        reply = await client.get("/api/v1/keys", headers={b"Authorization": header})
    assert reply.status_code == row["expect"]["http"], reply.text
    if reply.is_error:
        refused_as(reply, row)


@pytest.mark.parametrize("row", rows("POST /api/v1/notification-channels"))
async def test_a_hostile_channel(world: World, http: httpx.AsyncClient, row: dict[str, Any]) -> None:
    value = {"url": "https://ntfy.example.com", **row["value"]} if row["value"]["type"] == "ntfy" else row["value"]
    before = await counts(world)
    reply = await http.post("/api/v1/channels", json={"name": "Ops", "config": value})
    refused_as(reply, row)
    assert reply.json()["error"]["field"].startswith("/config")
    assert await counts(world) == before


@pytest.mark.parametrize("row", rows("POST /api/v1/maintenance"))
async def test_a_hostile_window(world: World, http: httpx.AsyncClient, row: dict[str, Any]) -> None:
    value = {RENAMED.get(name, name): each for name, each in row["value"].items()}
    base = (
        {"title": "Upkeep", "all": True, "starts_at": WINDOW["starts_at"], "duration": 60}
        if "rrule" in value
        else WINDOW
    )
    before = await counts(world)
    reply = await http.post("/api/v1/maintenance", json={**base, **value})
    refused_as(reply, row)
    assert reply.json()["error"]["field"] is not None
    assert await counts(world) == before


@pytest.mark.parametrize("row", [row for row in rows("POST /api/v1/monitors/bulk") if row.id in ("B245", "B247")])
async def test_a_hostile_idempotency_key(world: World, http: httpx.AsyncClient, row: dict[str, Any]) -> None:
    before = await counts(world)
    headers = {"Idempotency-Key": row["value"].replace("\n", "")}  # a line break ends the header: the parser's business
    reply = await http.post("/api/v1/monitors", json={"name": "A", "check": "https://a.example.com/"}, headers=headers)
    refused_as(reply, row)
    assert await counts(world) == before


async def test_the_same_idempotency_key_of_another_tenant_is_another_request(world: World) -> None:
    body, headers = {"name": "A", "check": "https://a.example.com/"}, {"Idempotency-Key": "same"}
    mine = [await world.http.post("/api/v1/monitors", json=body, headers=headers) for _ in range(2)]
    theirs = await world.stranger.post("/api/v1/monitors", json=body, headers=headers)
    assert [reply.status_code for reply in (*mine, theirs)] == [201, 201, 201]
    assert mine[0].json()["id"] == mine[1].json()["id"] != theirs.json()["id"]
    assert (await counts(world))["monitors"] == 2
