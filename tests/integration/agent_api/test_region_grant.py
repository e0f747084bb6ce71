"""What a region's agents may reach, told with every answer, so that a narrowed grant reaches running agents."""

from __future__ import annotations

import httpx
import msgspec

from control_plane.store.pool import Database
from shared.protocol import Assignments, RegionGrant
from tests.support.door import Served
from tests.support.seed import a_region, a_tenant, an_agent


async def poll(agent: httpx.AsyncClient, cursor: str = "", tag: str | None = None) -> httpx.Response:
    headers = {} if tag is None else {"If-None-Match": tag}
    return await agent.get("/api/agent/v1/assignments", params={"cursor": cursor}, headers=headers)


async def test_a_narrowed_grant_is_told_with_the_next_poll(door: Served, database: Database) -> None:
    async with database.app() as conn:
        tenant_id = await a_tenant(conn)
        region_id = await a_region(conn, "office", tenant_id)
        await conn.execute("UPDATE regions SET allow_cidrs = '{10.0.0.0/8,192.168.0.0/16}' WHERE id = $1", region_id)
        _, key = await an_agent(conn, region_id)
    async with door.client(key) as agent:
        first = await poll(agent)
        answer = msgspec.json.decode(first.content, type=Assignments)
        assert answer.region == RegionGrant("office", "OFFICE", True, ("10.0.0.0/8", "192.168.0.0/16"))
        tag = first.headers["ETag"]
        assert (await poll(agent, answer.cursor, tag)).status_code == 304
        async with database.app() as conn:
            await conn.execute("UPDATE regions SET allow_cidrs = '{10.0.0.0/8}' WHERE id = $1", region_id)
        changed = await poll(agent, answer.cursor, tag)
    assert changed.status_code == 200
    told = msgspec.json.decode(changed.content, type=Assignments).region
    assert told is not None
    assert told.allow_cidrs == ("10.0.0.0/8",)


async def test_a_paused_answer_tells_the_grant_as_well(door: Served, database: Database) -> None:
    async with database.app() as conn:
        region_id = await a_region(conn, "eu")
        await conn.execute("UPDATE regions SET enabled = false WHERE id = $1", region_id)
        _, key = await an_agent(conn, region_id)
    async with door.client(key) as agent:
        answer = msgspec.json.decode((await poll(agent)).content, type=Assignments)
    assert answer.paused is not None
    assert answer.region == RegionGrant("eu", "EU")
