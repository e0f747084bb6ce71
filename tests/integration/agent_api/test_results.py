"""POST /results over HTTP: what becomes of each item, and what is no batch at all. Deciding is tested elsewhere."""

from __future__ import annotations

import gzip
import json
import time
from typing import Any
from uuid import UUID

import httpx
import pytest

from control_plane.store.pool import Database
from tests.support.door import Served
from tests.support.seed import a_monitor, a_region, a_tenant, an_agent, new_id

COUNT = "SELECT count(*) FROM results"
STORED = "SELECT monitor_id, region_id, slot, agent_number FROM results"


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def item(monitor_id: UUID, slot: int, **over: Any) -> dict[str, Any]:
    return {"monitor_id": str(monitor_id), "check_version": 1, "slot": slot, "outcome": "up", "total": 4.2, **over}


async def send(agent: httpx.AsyncClient, body: Any, **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await agent.post(
        "/api/agent/v1/results", content=content, headers={"Content-Type": "application/json", **headers}
    )


async def statuses(agent: httpx.AsyncClient, items: list[Any], **headers: str) -> list[str]:
    answer = await send(agent, {"sent_at": now_ms(), "items": items}, **headers)
    assert answer.status_code == 200, answer.text
    assert "X-Farwatch-Time-Ms" in answer.headers
    told: list[str] = answer.json()["statuses"]
    return told


async def a_region_with_a_monitor(database: Database) -> tuple[str, UUID, int]:
    async with database.app() as conn:
        tenant_id, region_id = await a_tenant(conn), await a_region(conn)
        _, key = await an_agent(conn, region_id)
        return key, await a_monitor(conn, tenant_id, [region_id]), region_id


async def test_a_batch_is_stored_and_sent_again_changes_nothing(door: Served, database: Database) -> None:
    key, monitor_id, region_id = await a_region_with_a_monitor(database)
    slots = [now_ms() - 1000 * n for n in (3, 2, 1)]
    batch = {"sent_at": now_ms(), "a_newer_field": 1, "items": [item(monitor_id, slot, newer=1) for slot in slots]}
    async with door.client(key) as agent:
        assert (await send(agent, batch)).json()["statuses"] == ["stored"] * 3
        assert (await send(agent, batch)).json()["statuses"] == ["duplicate"] * 3
    async with database.app() as conn:
        rows = await conn.fetch(STORED)
    assert sorted((row["monitor_id"], row["region_id"], row["slot"]) for row in rows) == [
        (monitor_id, region_id, slot) for slot in sorted(slots)
    ]


async def test_a_compressed_batch_is_stored(door: Served, database: Database) -> None:
    key, monitor_id, _ = await a_region_with_a_monitor(database)
    body = gzip.compress(json.dumps({"sent_at": now_ms(), "items": [item(monitor_id, now_ms())]}).encode())
    async with door.client(key) as agent:
        answer = await send(agent, body, **{"Content-Encoding": "gzip"})
    assert answer.json()["statuses"] == ["stored"]


BAD = {
    "no object": 7,
    "an unknown outcome": {"outcome": "sideways"},
    "an unknown reason": {"reason": "because"},
    "no monitor": {"monitor_id": "x"},
    "a slot before time": {"slot": -1},
    "a slot of text": {"slot": "now"},
    "a check version of 0": {"check_version": 0},
    "a duration below 0": {"total": -1},
    "a duration of days": {"connect": 1e9},
    "too long a message": {"detail": {"message": "x" * 501}},
    "half a surrogate pair": {"detail": {"message": "\ud800"}},
    "too much evidence": {"detail": {"evidence": {"body_excerpt": "x" * 5000}}},
}


@pytest.mark.parametrize("flaw", BAD.values(), ids=BAD.keys())
async def test_a_bad_item_is_refused_and_the_others_land(door: Served, database: Database, flaw: Any) -> None:
    key, monitor_id, _ = await a_region_with_a_monitor(database)
    now = now_ms()
    bad = {**item(monitor_id, now - 500), **flaw} if isinstance(flaw, dict) else flaw
    async with door.client(key) as agent:
        told = await statuses(agent, [item(monitor_id, now - 1000), bad, item(monitor_id, now)])
    assert told == ["stored", "rejected:INVALID", "stored"]
    async with database.app() as conn:
        assert await conn.fetchval(COUNT) == 2


async def test_a_backslash_before_a_u_is_no_nul(door: Served, database: Database) -> None:
    key, monitor_id, _ = await a_region_with_a_monitor(database)
    async with door.client(key) as agent:
        told = await statuses(agent, [item(monitor_id, now_ms(), detail={"message": "\\u0000"})])
    assert told == ["stored"]


async def test_only_what_the_region_is_assigned_is_stored(door: Served, database: Database) -> None:
    key, monitor_id, _ = await a_region_with_a_monitor(database)
    async with database.app() as conn:
        elsewhere = await a_monitor(conn, await a_tenant(conn), [await a_region(conn, "us")])
    now = now_ms()
    async with door.client(key) as agent:
        told = await statuses(agent, [item(elsewhere, now), item(monitor_id, now), item(new_id(), now)])
    assert told == ["rejected:UNKNOWN_MONITOR", "stored", "rejected:UNKNOWN_MONITOR"]


async def test_slots_out_of_all_bounds_are_refused(door: Served, database: Database) -> None:
    key, monitor_id, _ = await a_region_with_a_monitor(database)
    now = now_ms()
    async with door.client(key) as agent:
        told = await statuses(agent, [item(monitor_id, now + 310_000), item(monitor_id, now - 26 * 3_600_000)])
    assert told == ["rejected:IN_FUTURE", "rejected:TOO_OLD"]


NO_BATCH = {
    "nothing": (b"", "INVALID_JSON"),
    "no JSON": (b"{", "INVALID_JSON"),
    "a list": (b"[]", "INVALID_BODY"),
    "no items": (b'{"sent_at":1}', "INVALID_BODY"),
    "items that are no list": (b'{"sent_at":1,"items":{}}', "INVALID_BODY"),
    "no clock": (b'{"items":[]}', "INVALID_BODY"),
    "a clock of text": (b'{"sent_at":"now","items":[]}', "INVALID_BODY"),
    "no UTF-8": (b'{"sent_at":1,"items":["\xff"]}', None),
    "a deep nest": (b'{"sent_at":1,"items":[' + b"[" * 100_000, "INVALID_JSON"),
    "too many items": (b'{"sent_at":1,"items":[' + b"0," * 10_000 + b"0]}", "TOO_MANY_ITEMS"),
}


@pytest.mark.parametrize(("body", "code"), NO_BATCH.values(), ids=NO_BATCH.keys())
async def test_what_is_no_batch_is_refused_whole(
    door: Served, database: Database, body: bytes, code: str | None
) -> None:
    key, _, _ = await a_region_with_a_monitor(database)
    async with door.client(key) as agent:
        answer = await send(agent, body)
    if code is None:
        assert answer.json()["statuses"] == ["rejected:INVALID"]
    else:
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)


async def test_a_compressed_bomb_is_refused(door: Served, database: Database) -> None:
    key, _, _ = await a_region_with_a_monitor(database)
    bomb = gzip.compress(b'{"sent_at":1,"items":[' + b" " * (65 * 1024 * 1024) + b"]}", compresslevel=1)
    assert len(bomb) < 1024 * 1024
    async with door.client(key) as agent:
        answer = await send(agent, bomb, **{"Content-Encoding": "gzip"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "BODY_TOO_LARGE")


@pytest.mark.parametrize(
    ("encoding", "body", "status"),
    [
        ("gzip", b"no gzip", 400),
        ("gzip", gzip.compress(b"{}", mtime=0)[:-4], 400),
        ("zstd", b"(\xb5/\xfd", 415),
        ("br", b"x", 415),
    ],
)
async def test_an_encoding_that_is_broken_or_unknown_is_refused(
    door: Served, database: Database, encoding: str, body: bytes, status: int
) -> None:
    key, _, _ = await a_region_with_a_monitor(database)
    async with door.client(key) as agent:
        assert (await send(agent, body, **{"Content-Encoding": encoding})).status_code == status


async def test_while_the_database_is_away_the_agent_is_told_to_keep_its_batch(door: Served, database: Database) -> None:
    key, monitor_id, _ = await a_region_with_a_monitor(database)
    async with door.client(key) as agent:
        assert await statuses(agent, [item(monitor_id, now_ms() - 1000)]) == ["stored"]
        await database.close()
        answer = await send(agent, {"sent_at": now_ms(), "items": [item(monitor_id, now_ms())]})
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "UNAVAILABLE")
