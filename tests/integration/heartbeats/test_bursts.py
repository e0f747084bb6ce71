"""A burst of pings over real sockets, at two control planes at once and with one of them killed in the middle.

What was answered 200 is in the table exactly once. `make faults` sends 10 000 at a time and more, the suite fewer.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from control_plane.store.pool import Database
from tests.support.farm import Farm, a_farm, free_port
from tests.support.heartbeats import a_heartbeat, pinged, send_burst
from tests.support.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

BURST = int(os.environ.get("TEST_FARWATCH_PINGS", "4000"))
HEARTBEATS = 50


async def test_every_ping_of_a_burst_at_two_control_planes_is_stored_once(dsn: str, tmp_path: Path) -> None:
    async with a_farm(dsn, tmp_path) as farm:
        second = free_port()
        await farm.start_control_plane()
        await farm.start_control_plane(port=second)
        beats = await _beats(farm.database, farm)
        answered: dict[str, int] = {}
        halves = [_paths(beats, BURST // 2) for _ in range(2)]
        for one in await asyncio.gather(
            *(send_burst("127.0.0.1", port, paths) for port, paths in zip((farm.port, second), halves, strict=True))
        ):
            answered |= one
        assert Counter(answered.values()) == {200: BURST // 2 * 2}
        await _compare(farm.database, answered)


async def test_what_was_answered_before_a_kill_is_stored_and_nothing_twice(dsn: str, tmp_path: Path) -> None:
    async with a_farm(dsn, tmp_path) as farm:
        server = await farm.start_control_plane()
        paths = _paths(await _beats(farm.database, farm), BURST)
        answered = dict.fromkeys(paths, 0)
        burst = asyncio.create_task(send_burst("127.0.0.1", farm.port, paths, answered=answered))
        await until(lambda: sum(status == 200 for status in answered.values()) >= BURST // 4, "some are answered")
        await server.kill()
        await burst
        counted = Counter(answered.values())
        assert set(counted) == {200, 0}, "some were answered well, the others not at all"
        await _compare(farm.database, answered)


async def _beats(database: Database, farm: Farm) -> list[UUID]:
    async with database.app_transaction() as conn:
        return [(await a_heartbeat(conn, farm.home.tenant_id))[1] for _ in range(HEARTBEATS)]


def _paths(beats: list[UUID], count: int) -> list[str]:
    """Each with a run id of its own, which tells the pings apart."""
    return [f"/ping/{beats[number % len(beats)]}/log?rid={uuid4()}" for number in range(count)]


async def _compare(database: Database, answered: dict[str, int]) -> None:
    stored = [row for rows in (await pinged(database)).values() for row in rows]
    times = Counter(str(row["rid"]) for row in stored)
    assert set(times.values()) == {1}
    promised = {path.rpartition("=")[2] for path, status in answered.items() if status == 200}
    assert promised <= set(times)
    for rows in (await pinged(database)).values():
        assert [row["number"] for row in rows] == list(range(1, len(rows) + 1))
