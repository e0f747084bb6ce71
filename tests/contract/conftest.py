"""One migrated database for all statements: preparing changes nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest

from control_plane.store.pool import Connection
from tests.support.postgres import TestServer


@pytest.fixture
async def prepared(postgres: TestServer) -> AsyncIterator[Connection]:
    """A connection as farwatch_app, where a statement may be prepared."""
    connection = await asyncpg.connect(await postgres.template_dsn(), server_settings={"role": "farwatch_app"})
    yield connection
    await connection.close()
