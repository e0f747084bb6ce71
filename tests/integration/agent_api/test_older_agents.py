"""Agents of a version that knows fewer kinds of check: what they are sent is what they can read."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest
from msgspec import Struct

from control_plane.store.pool import Database
from shared.checks.http import HttpCheck
from shared.protocol import ANY_KIND, Assignments, Dispatches
from tests.integration.agent_api.test_dispatch import order
from tests.support.door import Served
from tests.support.seed import a_monitor, a_region, a_tenant, an_agent, new_id

DNS = {"type": "dns", "name": "a.example", "timeout": 5_000}
HTTP = {"type": "http", "url": "https://a.example/", "timeout": 5_000}
UNKNOWN = "This agent does not know checks of kind dns; update it"


class _Assigned(Struct):
    monitor_id: UUID
    revision: int
    check: HttpCheck
    """All that the first version knew."""
    unavailable: str | None = None


class _FirstVersion(Struct):
    upserts: tuple[_Assigned, ...] = ()


async def hello(agent: httpx.AsyncClient, *capabilities: str) -> None:
    said: dict[str, Any] = {"version": "0.1.0", "protocols": [1], "boot_id": str(new_id())}
    answer = await agent.post("/api/agent/v1/hello", json={**said, "capabilities": capabilities})
    assert answer.status_code == 200, answer.text


async def test_an_agent_of_the_first_version_can_read_the_whole_page(door: Served, database: Database) -> None:
    async with database.app() as conn:
        tenant_id, region_id = await a_tenant(conn), await a_region(conn)
        _, key = await an_agent(conn, region_id)
        http = await a_monitor(conn, tenant_id, [region_id])
        dns = await a_monitor(conn, tenant_id, [region_id], kind="dns", check=DNS)
    async with door.client(key) as agent:
        await hello(agent, "http")
        answer = await agent.get("/api/agent/v1/assignments")
    given = {each.monitor_id: each for each in msgspec.json.decode(answer.content, type=_FirstVersion).upserts}
    assert (given[http].unavailable, given[dns].unavailable) == (None, UNKNOWN)
    assert given[http].check.url == "https://a.example/health"
    theirs = {each.monitor_id: each for each in msgspec.json.decode(answer.content, type=Assignments).upserts}
    assert (theirs[dns].unavailable_as, theirs[dns].revision) == ("incapable", given[dns].revision)


@pytest.mark.parametrize("told", [(), ("dns",), ("http", ANY_KIND)])
async def test_an_agent_that_may_hold_the_kind_is_sent_the_check_itself(
    door: Served, database: Database, told: tuple[str, ...]
) -> None:
    async with database.app() as conn:
        tenant_id, region_id = await a_tenant(conn), await a_region(conn)
        _, key = await an_agent(conn, region_id)
        await a_monitor(conn, tenant_id, [region_id], kind="dns", check=DNS)
    async with door.client(key) as agent:
        await hello(agent, *told)
        answer = await agent.get("/api/agent/v1/assignments")
    (given,) = msgspec.json.decode(answer.content, type=Assignments).upserts
    assert (msgspec.to_builtins(given.check)["type"], given.unavailable) == ("dns", None)


async def test_a_test_of_a_kind_that_the_agent_does_not_know_says_so(door: Served, database: Database) -> None:
    async with database.app() as conn:
        tenant_id, region_id = await a_tenant(conn), await a_region(conn)
        _, key = await an_agent(conn, region_id)
        async with door.client(key) as agent:
            await hello(agent, "http")
            known = await order(conn, region_id, tenant_id, check=HTTP)
            unknown = await order(conn, region_id, tenant_id, check=DNS)
            answer = await agent.get("/api/agent/v1/dispatch", params={"wait": 0})
    given = {each.id: each for each in msgspec.json.decode(answer.content, type=Dispatches).items}
    assert (given[known].unavailable, given[unknown].unavailable) == (None, UNKNOWN)
    assert (given[unknown].unavailable_as, type(given[unknown].check)) == ("incapable", HttpCheck)


async def test_a_test_whose_stored_check_cannot_be_read_hides_no_other(door: Served, database: Database) -> None:
    """While control planes are exchanged, a newer one may order what an older one cannot read."""
    async with database.app() as conn:
        tenant_id, region_id = await a_tenant(conn), await a_region(conn)
        _, key = await an_agent(conn, region_id)
        known = await order(conn, region_id, tenant_id, check=HTTP)
        odd = await order(conn, region_id, tenant_id, check={"type": "pigeon", "loft": "a.example"})
    async with door.client(key) as agent:
        answer = await agent.get("/api/agent/v1/dispatch", params={"wait": 0})
    assert answer.status_code == 200, answer.text
    given = {each.id: each.unavailable for each in msgspec.json.decode(answer.content, type=Dispatches).items}
    assert given == {known: None, odd: "The stored check cannot be read."}
