"""The same world on the store in memory and on PostgreSQL: each decides the same at every instant."""

from __future__ import annotations

import asyncio

import pytest

from tests.simulation.breaks import Break
from tests.simulation.memory_backend import MemoryBackend
from tests.simulation.plan import draw_plan
from tests.simulation.postgres_backend import PostgresBackend
from tests.simulation.trace import Trace
from tests.simulation.world import World
from tests.support.postgres import TestServer

HOURS = 3.0
RICH_SEEDS = (5, 24)
"""Worlds with changes, windows, dependencies and back-off at this length."""


def lived(seed: int, backend: MemoryBackend | PostgresBackend) -> tuple[list[str], list[Break]]:
    """The trace of the seed's world on this store, and what was broken; the store itself does not fail."""
    plan = draw_plan(seed, hours=HOURS, monitors=12, stores_fail=False)
    world = World(plan, backend, trace=Trace(whole=True))
    world.run()
    return list(world.trace.tail), world.oracle.breaks


@pytest.mark.slow
@pytest.mark.parametrize("seed", RICH_SEEDS)
def test_a_world_goes_the_same_way_in_memory_and_on_postgres(postgres: TestServer, seed: int) -> None:
    name = asyncio.run(postgres.clone())
    backend = PostgresBackend(postgres.dsn(name))
    try:
        on_postgres, broken = lived(seed, backend)
    finally:
        backend.close()
        asyncio.run(postgres.drop(name))
    in_memory, _ = lived(seed, MemoryBackend())
    assert on_postgres == in_memory
    assert broken == []
    assert any("opens" in line for line in in_memory)
