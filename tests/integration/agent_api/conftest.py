"""The agent door, served."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from control_plane.agent_api import ROUTES
from control_plane.store.pool import Database
from tests.support.door import Served, serving


@pytest.fixture
async def door(database: Database) -> AsyncIterator[Served]:
    async with serving(database, ROUTES) as served:
        yield served
