"""The tenant door, served, with a key for jobs as well."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from control_plane.store.pool import Database
from tests.support.door import an_api_key
from tests.support.tenant_world import SCOPES, World, a_world


@pytest.fixture
async def world(database: Database) -> AsyncIterator[World]:
    async with a_world(database) as made:
        yield made


@pytest.fixture
async def http(world: World) -> AsyncIterator[httpx.AsyncClient]:
    """A client that may order and read jobs."""
    async with world.database.app() as conn:
        key = await an_api_key(conn, world.tenant_id, *SCOPES, "jobs:read", "jobs:write", number=9)
    async with world.door.client(key, timeout=60) as client:
        yield client
