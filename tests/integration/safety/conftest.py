from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from control_plane.services.tenants.first_run import RegionDefinition
from control_plane.store.pool import Database
from tests.support.seed import a_region, an_agent
from tests.support.serving import ControlPlane, control_plane


@pytest.fixture
async def served(database: Database) -> AsyncIterator[ControlPlane]:
    """A control plane with a private region, home, and a shared one, eu, with a live agent."""
    async with control_plane(database, regions=(RegionDefinition("home", "Home"),)) as running:
        yield running


@pytest.fixture
async def eu_key(database: Database, served: ControlPlane) -> str:
    """The probe key of an agent of the shared region eu."""
    async with database.app() as conn:
        _, key = await an_agent(conn, await a_region(conn))
    return key
