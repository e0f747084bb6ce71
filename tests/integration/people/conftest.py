from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from control_plane.store.pool import Database
from tests.support.people import Browser, House, a_house


@pytest.fixture
async def house(database: Database) -> AsyncIterator[House]:
    async with a_house(database) as made:
        yield made


@pytest.fixture
async def owner(house: House) -> AsyncIterator[Browser]:
    async with house.owner() as browser:
        yield browser
