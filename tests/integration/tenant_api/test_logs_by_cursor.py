"""Transitions and deliveries page by position and by cursor; a cursor neither skips nor repeats."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.door import an_api_key
from tests.support.tenant_world import World

TRANSITIONS = """
INSERT INTO transitions (tenant_id, monitor_id, at, number, previous, verdict, reason)
SELECT $1, $2, now() - n / 3 * interval '1 minute', 100 - n, 'up', 'down', 'r' || n FROM generate_series(1, 7) n
"""
DELIVERIES = """
INSERT INTO deliveries (tenant_id, id, number, channel_name, channel_kind, monitor_id, event, notice, body, due_at)
SELECT $1, gen_random_uuid(), n, 'ops', 'webhook', $2, 'incident.opened', 'opened', '{}', now()
FROM generate_series($3::int, $4::int) n
"""


async def _walk(world: World, key: str, path: str) -> tuple[list[int], dict[str, Any]]:
    numbers: list[int] = []
    async with world.door.client(key) as http:
        where = f"/api/v1{path}?limit=3&cursor="
        while where:
            reply = await http.get(where)
            assert reply.status_code == 200, reply.text
            page = reply.json()
            numbers += [item["number"] for item in page["items"]]
            where = reply.links["next"]["url"] if "next" in reply.links else ""
            if len(numbers) == 3:
                async with world.database.app() as conn:  # something new, while somebody pages
                    await conn.execute(DELIVERIES, world.tenant_id, None, 50, 52)
    return numbers, page


@pytest.fixture
async def key(world: World) -> str:
    async with world.database.app() as conn:
        return await an_api_key(conn, world.tenant_id, "monitors:read", "deliveries:read", number=9)


async def test_transitions_are_walked_by_cursor(world: World, key: str) -> None:
    monitor = await world.monitor()
    async with world.database.app() as conn:
        await conn.execute("DELETE FROM transitions")
        await conn.execute(TRANSITIONS, world.tenant_id, monitor["id"])
    numbers, page = await _walk(world, key, f"/monitors/{monitor['id']}/transitions")
    assert numbers == [99, 98, 97, 96, 95, 94, 93]
    assert page["total"] is None
    assert (await world.get(f"/monitors/{monitor['id']}/transitions"))["total"] == 7


async def test_deliveries_are_walked_by_cursor_whatever_comes_in(world: World, key: str) -> None:
    monitor = await world.monitor()
    async with world.database.app() as conn:
        await conn.execute(DELIVERIES, world.tenant_id, monitor["id"], 1, 7)
    numbers, page = await _walk(world, key, "/deliveries")
    assert numbers == [7, 6, 5, 4, 3, 2, 1]
    assert page["total"] is None


@pytest.mark.parametrize("path", ["/deliveries", "/monitors/{}/transitions"])
async def test_a_cursor_of_another_list_is_refused(world: World, key: str, path: str) -> None:
    monitor = await world.monitor()
    async with world.door.client(key) as http:
        for cursor in ("AAAA", "%00", "x" * 2000):
            reply = await http.get(f"/api/v1{path.format(monitor['id'])}?cursor={cursor}")
            assert reply.status_code == 400, reply.text
