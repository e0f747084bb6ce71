from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from control_plane.store.pool import Database
from tests.support.dashboard import Desk
from tests.support.zero_signup import an_open_desk


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[Desk]:
    async with an_open_desk(database) as found:
        yield found
