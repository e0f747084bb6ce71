"""A control plane with everything that a path can name, and the real command in front of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from control_plane.store.pool import Database
from tests.support.commands import Shop, a_shop


@pytest.fixture
async def shop(database: Database) -> AsyncIterator[Shop]:
    async with a_shop(database) as made:
        yield made
