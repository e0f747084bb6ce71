"""A large call lets the others have their turn."""

from __future__ import annotations

import asyncio

import httpx

from tests.support.tenant_world import World


async def test_another_tenant_is_answered_while_a_large_call_is_under_way(
    world: World, http: httpx.AsyncClient
) -> None:
    items = [{"name": f"Site {n}", "check": f"https://s{n}.example.com/"} for n in range(3000)]
    large = asyncio.create_task(http.post("/api/v1/monitors/bulk", json={"monitors": items}))
    answered_meanwhile = 0
    while not large.done():
        reply = await world.stranger.get("/api/v1/monitors")
        assert reply.status_code == 200
        answered_meanwhile += not large.done()
    assert (await large).json()["succeeded"] == 3000
    assert answered_meanwhile >= 5, "time and again, not only once it is over"
