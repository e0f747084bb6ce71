from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from control_plane.store.pool import Database
from tests.support.dashboard import Desk, a_desk


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[Desk]:
    async with a_desk(database) as made:
        yield made
