"""What a manage key opens, and how it is replaced and ends."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from control_plane.store.tenants import ANONYMOUS
from tests.support.dashboard import Desk
from tests.support.waiting import until_async
from tests.support.zero_signup import BODY, a_strangers_monitor


async def test_the_key_changes_its_monitor(desk: Desk) -> None:
    made = await a_strangers_monitor(desk)
    path = f"/api/v1/monitors/{made['id']}"
    async with desk.served.client(made["manage_key"]) as http:
        changed = await http.patch(path, json={"name": "Renamed", "interval": 900, "is_public": True, "tags": ["web"]})
        assert changed.status_code == 200, changed.text
        assert (changed.json()["name"], changed.json()["is_public"]) == ("Renamed", True)
        assert (await http.post(f"{path}/pause")).json()["enabled"] is False
        assert (await http.post(f"{path}/resume")).json()["enabled"] is True
        for read in ("results", "uptime", "votes", "verdict", "latency", "transitions", "regions", "export"):
            assert (await http.get(f"{path}/{read}")).status_code == 200, read
        moved = await http.put(f"{path}/regions", json={"regions": ["eu", "us"]})
        assert moved.json()["regions"] == ["eu", "us"]
        assert (await http.delete(path)).status_code == 204
        async with desk.database.owner() as conn:
            assert await conn.fetchval("SELECT count(*) FROM manage_keys") == 0
            assert await conn.fetchval("SELECT count(*) FROM monitors WHERE tenant_id = $1", ANONYMOUS) == 0


async def test_its_incident_is_acknowledged_noted_and_resolved(desk: Desk) -> None:
    made = await a_strangers_monitor(desk)
    for seconds_ago in (4, 2):
        await desk.report(made["id"], "eu", "down", seconds_ago=seconds_ago)
    async with desk.served.client(made["manage_key"]) as http:
        incidents = (await http.get(f"/api/v1/monitors/{made['id']}/incidents")).json()["items"]
        assert len(incidents) == 1
        path = f"/api/v1/incidents/{incidents[0]['id']}"
        for verb, body in (("acknowledge", {}), ("notes", {"text": "Looking"}), ("resolve", {})):
            reply = await http.post(f"{path}/{verb}", json=body)
            assert reply.status_code in (200, 201), reply.text
        assert "Looking" in (await http.get(f"{path}/notes")).text


async def test_its_heartbeat_is_pinged_and_its_address_replaced(desk: Desk) -> None:
    made = await a_strangers_monitor(desk, check={"type": "heartbeat", "period": 3600}, regions=[], confirmations=None)
    path = f"/api/v1/heartbeats/{made['id']}"
    async with desk.served.client(made["manage_key"]) as http:
        before = (await http.get(path)).json()
        rotated = await http.post(f"{path}/rotate")
        assert rotated.status_code in (200, 201), rotated.text
        assert (await http.get(path)).json() != before
        assert (await http.get(f"{path}/pings")).status_code == 200


async def test_lists_have_its_monitor_alone(desk: Desk) -> None:
    made, other = await a_strangers_monitor(desk), await a_strangers_monitor(desk, name="Another's")
    async with desk.served.client(made["manage_key"]) as http:
        listed = (await http.get("/api/v1/monitors")).json()
        assert [each["id"] for each in listed["items"]] == [made["id"]]
        assert listed["total"] == 1
        me = (await http.get("/api/v1/me")).json()
    assert me["usage"]["max_monitors"]["used"] == 1
    assert other["id"] not in str(listed)


@pytest.mark.parametrize(
    ("patch", "status", "code"),
    [
        ({"check": {"url": "https://example.org/"}}, 422, "TARGET_FIXED"),
        ({"check": "https://example.org/"}, 422, "TARGET_FIXED"),
        ({"key": "taken"}, 422, "NOT_FOR_MANAGE_KEYS"),
        ({"interval": 60}, 422, "MIN_CHECK_INTERVAL"),
    ],
)
async def test_what_would_reach_others_is_refused(desk: Desk, patch: dict[str, Any], status: int, code: str) -> None:
    made = await a_strangers_monitor(desk)
    async with desk.served.client(made["manage_key"]) as http:
        reply = await http.patch(f"/api/v1/monitors/{made['id']}", json=patch)
        assert (reply.status_code, reply.json()["error"]["code"]) == (status, code), reply.text
        kept = await http.patch(
            f"/api/v1/monitors/{made['id']}", json={"check": {"url": BODY["check"], "timeout": 5000}}
        )
        assert kept.status_code == 200, kept.text


async def test_a_replaced_key_stops_and_the_new_one_works(desk: Desk) -> None:
    made = await a_strangers_monitor(desk)
    path = f"/api/v1/monitors/{made['id']}"
    async with desk.served.client(made["manage_key"]) as old:
        replaced = await old.post(f"{path}/manage-key/rotate")
        assert replaced.status_code == 201, replaced.text
        await until_async(lambda: _is_refused(old, path), "the key before has stopped")
    async with desk.served.client(replaced.json()["manage_key"]) as new:
        reply = await new.get(f"{path}/manage-key")
        assert reply.status_code == 200, reply.text
        told = reply.json()
        assert told["prefix"] == replaced.json()["prefix"]
        assert "manage_key" not in told
        assert (await new.delete(f"{path}/manage-key")).status_code == 204
        await until_async(lambda: _is_refused(new, path), "the revoked key has stopped")
    async with desk.database.owner() as conn:
        assert await conn.fetchval("SELECT count(*) FROM monitors WHERE tenant_id = $1", ANONYMOUS) == 1


async def _is_refused(http: httpx.AsyncClient, path: str) -> bool:
    reply = await http.get(path)
    return reply.status_code == 401


async def test_a_monitor_of_an_account_has_no_manage_key(desk: Desk) -> None:
    monitor_id = await desk.monitor(check="https://example.com/")
    async with desk.served.tenant() as http:
        for reply in (
            await http.get(f"/api/v1/monitors/{monitor_id}/manage-key"),
            await http.post(f"/api/v1/monitors/{monitor_id}/manage-key/rotate"),
            await http.delete(f"/api/v1/monitors/{monitor_id}/manage-key"),
        ):
            assert (reply.status_code, reply.json()["error"]["code"]) == (404, "KEY_NOT_FOUND")


async def test_an_idempotency_key_is_each_keys_own(desk: Desk) -> None:
    first, second = await a_strangers_monitor(desk), await a_strangers_monitor(desk)
    once = {"Idempotency-Key": "the-same"}
    for made in (first, second):
        async with desk.served.client(made["manage_key"], **once) as http:
            path = f"/api/v1/monitors/{made['id']}/pause"
            reply, again = await http.post(path), await http.post(path)
            assert reply.json()["id"] == made["id"]
            assert again.headers["Idempotency-Replayed"] == "true"
            assert again.json() == reply.json()


async def test_the_audit_names_the_manage_key(desk: Desk) -> None:
    made = await a_strangers_monitor(desk)
    async with desk.served.client(made["manage_key"]) as http:
        assert (await http.patch(f"/api/v1/monitors/{made['id']}", json={"name": "Renamed"})).status_code == 200
    async with desk.database.owner() as conn:
        rows = await conn.fetch("SELECT * FROM audit WHERE tenant_id = $1 ORDER BY id", ANONYMOUS)
    assert {row["actor_kind"] for row in rows} == {"manage_key"}
    assert [row["operation"] for row in rows if row["object_kind"] == "monitor"][-1] == "change_monitor"
    assert {"monitor", "manage_key"} <= {row["object_kind"] for row in rows}
    assert made["manage_key"] not in str([dict(row) for row in rows])
