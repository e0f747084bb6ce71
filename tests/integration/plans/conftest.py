from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from control_plane.store.pool import Database
from tests.support.serving import ControlPlane, control_plane


@pytest.fixture
async def served(database: Database) -> AsyncIterator[ControlPlane]:
    async with control_plane(database) as running:
        yield running
