"""PostgreSQL for tests: one server per test process, one migrated template, a clone of it for each test."""

from __future__ import annotations

import asyncio
import itertools
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

from control_plane.postgres import PostgresServer
from control_plane.store.migrate import migrate
from control_plane.store.pool import Database

_clones = itertools.count(1)


class TestServer:
    """A server and how to get databases on it. `admin` may create databases, `login` is what Farwatch would be given."""

    __test__ = False

    def __init__(self, server: PostgresServer) -> None:
        self.server = server
        self.template = f"template_{os.getpid()}"

    async def connect_as_superuser(self, dsn: str) -> asyncpg.Connection:
        """The database of that DSN, past every grant and policy."""
        return await asyncpg.connect(dsn, user="postgres")

    def dsn(self, database: str, user: str = "farwatch") -> str:
        return self.server.dsn(database=database, user=user)

    async def execute(self, *statements: str) -> None:
        connection = await asyncpg.connect(self.dsn("postgres", "postgres"))
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    async def create(self, name: str, *, template: str = "template0") -> str:
        """A new database owned by the login; returns its DSN."""
        await self.execute(f"CREATE DATABASE {name} TEMPLATE {template} OWNER farwatch")
        return self.dsn(name)

    async def drop(self, name: str) -> None:
        await self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def postgres() -> Iterator[TestServer]:
    """The server of this test process, ended with it."""
    with tempfile.TemporaryDirectory(prefix="fw-pg-", dir="/tmp") as directory:
        Path(directory).chmod(0o755)
        server = PostgresServer(Path(directory) / "pg", durable=False)
        server.start()
        try:
            yield TestServer(server)
        finally:
            server.stop()


@pytest.fixture(scope="session")
def template(postgres: TestServer) -> str:
    """The name of a database that is migrated and otherwise empty."""
    asyncio.run(_make_template(postgres))
    return postgres.template


async def _make_template(postgres: TestServer) -> None:
    await migrate(await postgres.create(postgres.template))


@pytest.fixture
async def dsn(postgres: TestServer, template: str) -> AsyncIterator[str]:
    """The DSN of a fresh migrated database, dropped afterwards."""
    name = f"test_{os.getpid()}_{next(_clones)}"
    yield await postgres.create(name, template=template)
    await postgres.drop(name)


@pytest.fixture
async def empty_dsn(postgres: TestServer) -> AsyncIterator[str]:
    """The DSN of a fresh database without any table, dropped afterwards."""
    name = f"empty_{os.getpid()}_{next(_clones)}"
    yield await postgres.create(name)
    await postgres.drop(name)


@pytest.fixture
async def postgres_as_superuser(postgres: TestServer, dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """The test's database past every grant and policy: to write what no role may."""
    connection = await postgres.connect_as_superuser(dsn)
    yield connection
    await connection.close()


@pytest.fixture
async def database(dsn: str) -> AsyncIterator[Database]:
    """A Database on a fresh migrated database."""
    connected = await Database.connect(dsn, max_size=5)
    yield connected
    await connected.close()
