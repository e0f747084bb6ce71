"""A tenant with a key for monitors, incidents, maintenance and status pages, and a stranger."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from control_plane.store.pool import Database
from tests.support.tenant_world import SCOPES, World, a_world

PAGES = ("status-pages:read", "status-pages:write", "maintenance:read", "maintenance:write", "domains:read")


@pytest.fixture
async def world(database: Database) -> AsyncIterator[World]:
    async with a_world(database, scopes=(*SCOPES, *PAGES)) as made:
        yield made
