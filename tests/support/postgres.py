"""PostgreSQL for tests: one server per test process, one migrated template, a clone of it for each test.

TEST_FARWATCH_DSN names another server instead, by the DSN of a superuser there. The tests of tests/integration/store
also run on the PostgreSQL 15 of this machine where there is one (see the conftest.py there).
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

import asyncpg
import pytest

from control_plane.postgres import PostgresServer
from control_plane.postgres_binaries import MAJOR, Programs
from control_plane.store.migrate import migrate
from control_plane.store.pool import Connection, Database

OLDEST = Programs(directory=Path("/usr/lib/postgresql/15/bin"), major=15)
_clones = itertools.count(1)


class TestServer:
    """A server and how to get databases on it. `superuser` may do all, `farwatch` is what Farwatch would be given."""

    __test__ = False

    def __init__(self, superuser_dsn: str, *, major: int) -> None:
        self._superuser_dsn = superuser_dsn
        self._template: str | None = None
        self.major = major

    def dsn(self, database: str) -> str:
        return self._superuser_dsn_of(database)._replace(netloc=self._netloc("farwatch")).geturl()

    def superuser_dsn(self, database: str) -> str:
        return self._superuser_dsn_of(database).geturl()

    def _superuser_dsn_of(self, database: str) -> SplitResult:
        return urlsplit(self._superuser_dsn)._replace(path=f"/{database}")

    def _netloc(self, user: str) -> str:
        host = urlsplit(self._superuser_dsn).netloc.rpartition("@")[2]
        return f"{user}:farwatch@{host}"

    async def execute(self, *statements: str) -> None:
        connection = await asyncpg.connect(self._superuser_dsn)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    async def fetchval(self, query: str) -> Any:
        connection = await asyncpg.connect(self._superuser_dsn)
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()

    async def create(self, *, template: str = "template0") -> str:
        """A new database owned by the login; returns its name."""
        name = f"test_{os.getpid()}_{next(_clones)}"
        await self.execute(f"CREATE DATABASE {name} TEMPLATE {template} OWNER farwatch")
        return name

    async def drop(self, name: str) -> None:
        await self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    async def clone(self) -> str:
        """A new database that is migrated and otherwise empty; returns its name."""
        return await self.create(template=await self._migrated())

    async def template_dsn(self) -> str:
        """The migrated database that others are cloned from: for reading, and never for long."""
        return self.dsn(await self._migrated())

    async def _migrated(self) -> str:
        if self._template is None:
            name = await self.create()
            await migrate(self.dsn(name))
            self._template = name
        return self._template

    async def make_login(self) -> None:
        with contextlib.suppress(asyncpg.DuplicateObjectError):
            await self.execute("CREATE ROLE farwatch LOGIN CREATEROLE PASSWORD 'farwatch'")

    async def forget_template(self) -> None:
        if self._template is not None:
            await self.drop(self._template)


class _Servers:
    """The servers of this test process, started when first wanted."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._own: dict[int, PostgresServer] = {}
        self._given: list[TestServer] = []
        self._found: dict[int, TestServer] = {}

    def get(self, major: int) -> TestServer:
        if major not in self._found:
            self._found[major] = self._start(major)
        return self._found[major]

    def _start(self, major: int) -> TestServer:
        given = os.environ.get("TEST_FARWATCH_DSN")
        if given and major == MAJOR:
            server = TestServer(given, major=major)
            self._given.append(server)
            asyncio.run(server.make_login())
            return server
        programs = OLDEST if major == OLDEST.major else None
        own = PostgresServer(self._directory / f"pg{major}", durable=False, programs=programs)
        own.start()
        self._own[major] = own
        return TestServer(own.dsn(database="postgres", user="postgres"), major=major)

    def stop(self) -> None:
        for server in self._given:
            asyncio.run(server.forget_template())
        for own in self._own.values():
            own.stop()


@pytest.fixture(scope="session")
def servers() -> Iterator[_Servers]:
    with tempfile.TemporaryDirectory(prefix="fw-pg-", dir="/tmp") as directory:
        Path(directory).chmod(0o755)
        running = _Servers(Path(directory))
        try:
            yield running
        finally:
            running.stop()


@pytest.fixture
def postgres(servers: _Servers, request: pytest.FixtureRequest) -> TestServer:
    """The server of this test process; its parameter is the major version, the embedded one's unless given."""
    return servers.get(getattr(request, "param", MAJOR))


@pytest.fixture
async def dsn(postgres: TestServer) -> AsyncIterator[str]:
    """The DSN of a fresh migrated database, dropped afterwards."""
    name = await postgres.clone()
    yield postgres.dsn(name)
    await postgres.drop(name)


@pytest.fixture
async def empty_dsn(postgres: TestServer) -> AsyncIterator[str]:
    """The DSN of a fresh database without any table, dropped afterwards."""
    name = await postgres.create()
    yield postgres.dsn(name)
    await postgres.drop(name)


@pytest.fixture
async def superuser(postgres: TestServer, dsn: str) -> AsyncIterator[Connection]:
    """The test's database past every grant and policy: to write what no role may."""
    connection = await asyncpg.connect(postgres.superuser_dsn(urlsplit(dsn).path.removeprefix("/")))
    yield connection
    await connection.close()


@pytest.fixture
async def database(dsn: str) -> AsyncIterator[Database]:
    """A Database on a fresh migrated database."""
    connected = await Database.connect(dsn, max_size=5)
    yield connected
    await connected.close()
