"""POST /hello and POST /observations."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from control_plane.domain.tenants.credentials import KeyKind, make_key
from control_plane.store.pool import Database
from tests.support.door import Served
from tests.support.seed import a_region, a_tenant, an_agent

HELLO = {"version": "0.1.0", "protocols": [1, 2], "boot_id": str(uuid4()), "capabilities": ["http", "ipv6"]}
READ_AGENT = "SELECT * FROM agents WHERE id = $1"


async def test_an_agent_is_welcomed_with_its_region_and_leased(door: Served, database: Database) -> None:
    async with database.app() as conn:
        region_id = await a_region(conn, "eu")
        agent_id, key = await an_agent(conn, region_id)
        await conn.execute("UPDATE agents SET lease_until = NULL WHERE id = $1", agent_id)
    async with door.client(key) as agent:
        answer = await agent.post("/api/agent/v1/hello", json=HELLO | {"a_newer_field": 1})
    assert answer.status_code == 200
    welcome = answer.json()
    assert welcome["agent_id"] == str(agent_id)
    assert welcome["region"] == {"id": "eu", "name": "EU"}
    assert welcome["protocol"] == 1
    assert abs(int(answer.headers["X-Farwatch-Time-Ms"]) - welcome["server_time"]) < 1000
    async with database.app() as conn:
        row = await conn.fetchrow(READ_AGENT, agent_id)
        assert row["boot_id"] == UUID(HELLO["boot_id"])  # type: ignore[arg-type]
        assert (row["version"], row["capabilities"]) == ("0.1.0", ["http", "ipv6"])
        assert await conn.fetchval("SELECT lease_until > now() FROM agents WHERE id = $1", agent_id)


async def test_an_agent_of_a_private_region_learns_what_it_may_reach(door: Served, database: Database) -> None:
    async with database.app() as conn:
        tenant_id = await a_tenant(conn)
        region_id = await a_region(conn, "home", tenant_id)
        await conn.execute("UPDATE regions SET allow_cidrs = '{127.0.0.0/8}' WHERE id = $1", region_id)
        _, key = await an_agent(conn, region_id)
    async with door.client(key) as agent:
        region = (await agent.post("/api/agent/v1/hello", json=HELLO)).json()["region"]
    assert region == {"id": "home", "name": "HOME", "private": True, "allow_cidrs": ["127.0.0.0/8"]}


async def test_a_key_that_nobody_has_is_refused(door: Served) -> None:
    async with door.client(make_key(KeyKind.AGENT, b"x" * 32)) as agent:
        answer = await agent.post("/api/agent/v1/hello", json=HELLO)
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "UNAUTHENTICATED"


async def test_a_disabled_agent_is_told_that_it_is_disabled(door: Served, database: Database) -> None:
    async with database.app() as conn:
        agent_id, key = await an_agent(conn, await a_region(conn))
        await conn.execute("UPDATE agents SET enabled = false WHERE id = $1", agent_id)
    async with door.client(key) as agent:
        for method, path in (("POST", "hello"), ("GET", "assignments"), ("GET", "dispatch"), ("POST", "results")):
            answer = await agent.request(method, f"/api/agent/v1/{path}", json=HELLO if method == "POST" else None)
            assert (answer.status_code, answer.json()["error"]["code"]) == (403, "AGENT_DISABLED")


async def test_an_agent_without_a_common_protocol_is_told_which_ones_there_are(
    door: Served, database: Database
) -> None:
    async with database.app() as conn:
        agent_id, key = await an_agent(conn, await a_region(conn))
    async with door.client(key) as agent:
        answer = await agent.post("/api/agent/v1/hello", json=HELLO | {"protocols": [99]})
    assert answer.status_code == 409
    error = answer.json()["error"]
    assert (error["code"], error["details"]) == ("PROTOCOL_UNSUPPORTED", {"supported": [1]})
    assert "update the control plane" in error["message"]
    async with database.app() as conn:
        assert await conn.fetchval("SELECT boot_id FROM agents WHERE id = $1", agent_id) is None


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"version":1}', b'{"version":"1","protocols":[1],"boot_id":"x"}'])
async def test_a_malformed_hello_is_refused(door: Served, database: Database, body: bytes) -> None:
    async with database.app() as conn:
        _, key = await an_agent(conn, await a_region(conn))
    async with door.client(key) as agent:
        answer = await agent.post("/api/agent/v1/hello", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400


async def test_observations_are_kept_and_a_new_boot_starts_healthy(door: Served, database: Database) -> None:
    async with database.app() as conn:
        region_id = await a_region(conn)
        agent_id, key = await an_agent(conn, region_id)
    observed = {
        "sent_at": 1,
        "healthy": False,
        "reason": "resolver is away",
        "clock_offset": -12.6,
        "saturation": 0.5,
        "lag": 3.25,
        "spooled": 70,
    }
    async with door.client(key) as agent:
        with door.deps.hub.subscribe(f"farwatch_assignments:{region_id}") as hints:
            answer = await agent.post("/api/agent/v1/observations", json=observed)
            assert await hints.get(5), "the region's other agents are hinted at the change"
        assert answer.status_code == 204
        async with database.app() as conn:
            row = await conn.fetchrow(READ_AGENT, agent_id)
        assert (row["healthy"], row["health_reason"], row["clock_offset_ms"]) == (False, "resolver is away", -13)
        assert (row["saturation"], row["lag_ms"], row["spooled"]) == (0.5, 3.25, 70)
        await agent.post("/api/agent/v1/hello", json=HELLO)
    async with database.app() as conn:
        assert await conn.fetchval("SELECT healthy FROM agents WHERE id = $1", agent_id)
