"""One batch of a region at a time in a process: who waits holds no connection, and not without end."""

from __future__ import annotations

import asyncio

import pytest

from control_plane.errors import Unavailable
from control_plane.store import pool
from control_plane.store.pool import Database


async def test_a_region_is_entered_by_one_and_another_region_does_not_wait(database: Database) -> None:
    async with database.lane(1):
        async with database.lane(2):
            pass
        waiting = asyncio.create_task(_enter(database, 1))
        await asyncio.sleep(0)
        assert not waiting.done()
    await waiting


async def test_who_would_wait_too_long_is_told_to_come_back(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "_CHECKOUT_TIMEOUT_S", 0.05)
    async with database.lane(1):
        with pytest.raises(Unavailable):
            await _enter(database, 1)
    await _enter(database, 1)


async def _enter(database: Database, region_id: int) -> None:
    async with database.lane(region_id):
        pass
