"""The tenant door with keys that may plan maintenance."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from control_plane.store.pool import Database
from tests.support.maintenance import Planner, a_planner


@pytest.fixture
async def planner(database: Database) -> AsyncIterator[Planner]:
    async with a_planner(database) as made:
        yield made
