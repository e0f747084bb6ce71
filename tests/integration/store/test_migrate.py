from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import asyncpg
import pytest

from control_plane.errors import StartupRefused, Unavailable
from control_plane.postgres import PostgresServer
from control_plane.store.migrate import check_schema, known_migrations, migrate
from control_plane.store.partitions import DAYS_AHEAD, DAYS_BACK, partitions
from control_plane.store.pool import Database
from tests.support.postgres import TestServer

_MIGRATE = """
import asyncio, sys
from control_plane.store.migrate import migrate
print(*asyncio.run(migrate(sys.argv[1])))
"""
WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'farwatch migrate' AND wait_event_type = 'Lock'"
)


Starter = Callable[[str], subprocess.Popen[str]]


@pytest.fixture
def start_migrating() -> Iterator[Starter]:
    """Starts `migrate` in a process of its own, which ends with the test."""
    with contextlib.ExitStack() as processes:

        def start(dsn: str) -> subprocess.Popen[str]:
            command = [sys.executable, "-c", _MIGRATE, dsn]
            process = processes.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
            processes.callback(process.kill)
            return process

        yield start


async def _finish(process: subprocess.Popen[str]) -> list[str]:
    out, _ = await asyncio.to_thread(process.communicate)
    assert process.returncode == 0
    return out.split()


async def _assert_complete(dsn: str) -> None:
    database = await Database.connect(dsn)
    await check_schema(database)
    async with database.owner() as connection:
        assert len(await partitions(connection)) == DAYS_BACK + 1 + DAYS_AHEAD
    async with database.app() as connection:
        assert await connection.fetchval("SELECT count(*) FROM tenants") == 0
    await database.close()


async def test_a_fresh_database_gets_every_migration_once(empty_dsn: str) -> None:
    assert await migrate(empty_dsn) == known_migrations()
    assert await migrate(empty_dsn) == []
    await _assert_complete(empty_dsn)


async def test_five_processes_may_migrate_at_once(empty_dsn: str, start_migrating: Starter) -> None:
    processes = [start_migrating(empty_dsn) for _ in range(5)]
    applied = [await _finish(process) for process in processes]
    assert sorted(applied) == [[], [], [], [], known_migrations()]
    await _assert_complete(empty_dsn)


async def test_a_process_killed_in_the_middle_leaves_nothing_and_the_next_one_completes(
    empty_dsn: str, postgres: TestServer, start_migrating: Starter
) -> None:
    # A table of that name, not yet committed, holds the first migration up half way through its file.
    obstacle = await asyncpg.connect(empty_dsn)
    half_way = obstacle.transaction()
    await half_way.start()
    await obstacle.execute("CREATE TABLE incidents (id integer)")
    process = start_migrating(empty_dsn)
    async with asyncio.timeout(20):
        while not await postgres.fetchval(WAITING):  # noqa: ASYNC110 - what we wait for is in another process
            await asyncio.sleep(0.02)
    process.kill()
    process.wait()
    next_one = start_migrating(empty_dsn)
    await half_way.rollback()
    await obstacle.close()
    assert await _finish(next_one) == known_migrations()
    await _assert_complete(empty_dsn)


async def test_databases_of_one_fresh_cluster_may_be_migrated_at_once() -> None:
    with tempfile.TemporaryDirectory(prefix="fw-cluster-", dir="/tmp") as directory:
        home = Path(directory)
        home.chmod(0o755)  # noqa: ASYNC240 - nothing else runs here
        server = PostgresServer(home / "pg", durable=False)
        server.start()
        try:
            cluster = TestServer(server.dsn(database="postgres", user="postgres"), major=0)
            dsns = [cluster.dsn(await cluster.create()) for _ in range(4)]
            applied = await asyncio.gather(*(migrate(dsn) for dsn in dsns))
        finally:
            server.stop()
    assert applied == [known_migrations()] * 4


async def test_an_older_schema_names_the_command_that_helps(empty_dsn: str) -> None:
    database = await Database.connect(empty_dsn)
    with pytest.raises(StartupRefused, match="farwatch migrate"):
        await check_schema(database)
    await database.close()


async def test_a_newer_schema_is_refused_and_left_alone(dsn: str) -> None:
    database = await Database.connect(dsn)
    async with database.owner() as connection:
        await connection.execute("INSERT INTO _yoyo_migration VALUES ('h', '9999.from_the_future', now())")
    with pytest.raises(StartupRefused, match=r"9999\.from_the_future"):
        await check_schema(database)
    with pytest.raises(StartupRefused, match=r"9999\.from_the_future"):
        await migrate(dsn)
    await database.close()


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty migrations directory in place of ours."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "migrations").mkdir()
        (directory / "roles.sql").write_text("SELECT 1")
        monkeypatch.setattr("control_plane.store.migrate.sql_directory", lambda: directory)
        monkeypatch.setattr("control_plane.store.partitions.statements_ahead", lambda _: [])
        yield directory / "migrations"


async def test_a_migration_that_fails_changes_nothing(empty_dsn: str, written: Path) -> None:
    (written / "0001.broken.sql").write_text("CREATE TABLE first (id int);\nSELECT 1/0;\n")
    with pytest.raises(StartupRefused, match=r"0001\.broken.*division by zero"):
        await migrate(empty_dsn)
    connection = await asyncpg.connect(empty_dsn)
    assert await connection.fetchval("SELECT to_regclass('first')") is None
    assert await connection.fetchval("SELECT count(*) FROM _yoyo_migration") == 0
    await connection.close()


async def test_a_file_that_cannot_be_in_a_transaction_says_so(empty_dsn: str, written: Path) -> None:
    (written / "0001.first.sql").write_text("CREATE TABLE first (id int);\n")
    (written / "0002.index.sql").write_text(
        "-- depends: 0001.first\n-- transactional: false\nCREATE INDEX CONCURRENTLY i ON first (id);\n"
    )
    assert await migrate(empty_dsn) == ["0001.first", "0002.index"]
    assert await migrate(empty_dsn) == []


async def test_a_login_that_may_not_create_roles_is_told_what_to_do(empty_dsn: str, postgres: TestServer) -> None:
    await postgres.execute("CREATE ROLE modest", "GRANT modest TO farwatch")
    try:
        as_modest = f"{empty_dsn}{'&' if '?' in empty_dsn else '?'}options={quote('-c role=modest')}"
        with pytest.raises(StartupRefused, match=r"administrator.*sql/roles\.sql"):
            await migrate(as_modest)
    finally:
        name = empty_dsn.partition("?")[0].rpartition("/")[2]
        await postgres.drop(name)
        await postgres.execute("DROP ROLE modest")


async def test_nobody_there_is_unavailable() -> None:
    with pytest.raises(Unavailable):
        await migrate("postgresql://farwatch@127.0.0.1:1/farwatch")
