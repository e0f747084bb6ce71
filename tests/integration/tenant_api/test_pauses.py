"""A pause is a period with a start and an end, which uptime leaves out."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from tests.support.tenant_world import World


async def periods(world: World, monitor: dict[str, Any]) -> list[bool]:
    """Of each pause, oldest first: whether it has ended."""
    statement = "SELECT ends_at FROM monitor_periods WHERE monitor_id = $1 AND kind = 'paused' ORDER BY starts_at"
    return [row["ends_at"] is not None for row in await world.rows(statement, UUID(monitor["id"]))]


async def test_pausing_opens_a_period_and_resuming_ends_it_once_each(world: World) -> None:
    monitor = await world.monitor()
    path = f"/api/v1/monitors/{monitor['id']}"
    assert await periods(world, monitor) == []
    for verb, expected in (
        ("pause", [False]),
        ("pause", [False]),
        ("resume", [True]),
        ("resume", [True]),
        ("pause", [True, False]),
    ):
        assert (await world.http.post(f"{path}/{verb}")).status_code == 200
        assert await periods(world, monitor) == expected, verb


async def test_a_monitor_that_is_made_paused_is_so_from_the_start(world: World) -> None:
    assert await periods(world, await world.monitor(enabled=False)) == [False]
