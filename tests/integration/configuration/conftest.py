"""A tenant that keeps its configuration in files."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from control_plane.store.pool import Database
from tests.support.configuration import Keeper, a_keeper


@pytest.fixture
async def keeper(database: Database) -> AsyncIterator[Keeper]:
    async with a_keeper(database) as made:
        yield made
