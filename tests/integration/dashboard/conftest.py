from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from control_plane.store.pool import Database
from tests.support.dashboard import Desk, a_desk


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[Desk]:
    async with a_desk(database) as made:
        yield made


@pytest.fixture
async def http(desk: Desk) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody with every scope, signed in."""
    async with desk.signed_in() as client:
        yield client
