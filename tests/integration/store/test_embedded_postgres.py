from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from control_plane.errors import StartupRefused, Unavailable
from control_plane.postgres import EmbeddedPostgres
from control_plane.store.migrate import migrate
from control_plane.store.pool import Database


@pytest.fixture
def home() -> Iterator[Path]:
    """A directory that PostgreSQL's user can reach; pytest's own is private to the present one."""
    with tempfile.TemporaryDirectory(prefix="fw-home-", dir="/tmp") as directory:
        Path(directory).chmod(0o755)
        yield Path(directory)


async def _until(condition: Callable[[], bool], *, within_s: float = 20) -> None:
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 - it is another process
            await asyncio.sleep(0.02)


async def _answers(database: Database) -> bool:
    try:
        async with database.app() as connection:
            return bool(await connection.fetchval("SELECT true"))
    except Unavailable:
        return False


async def test_a_fresh_directory_serves_within_three_seconds_and_keeps_its_data(home: Path) -> None:
    began = time.monotonic()
    server = EmbeddedPostgres(home / "pg")
    dsn = await server.start()
    assert time.monotonic() - began < 3
    await migrate(dsn)
    database = await Database.connect(dsn)
    async with database.app() as connection:
        await connection.execute("INSERT INTO installation VALUES ('kept', 'true')")
    await database.close()
    await server.stop()
    assert not (home / "pg" / "data" / "postmaster.pid").exists()

    again = EmbeddedPostgres(home / "pg")
    database = await Database.connect(await again.start())
    async with database.app() as connection:
        assert await connection.fetchval("SELECT value FROM installation WHERE name = 'kept'") is True
    await database.close()
    await again.stop()


async def test_only_its_own_user_reaches_the_server_and_no_network_socket_is_open(home: Path) -> None:
    server = EmbeddedPostgres(home / "pg", durable=False)
    await server.start()
    process = psutil.Process(server.pid)
    listening = [c for c in process.net_connections() if c.status == psutil.CONN_LISTEN]
    modes = [(home / "pg" / name).stat().st_mode & 0o777 for name in ("run", "data")]
    owner = process.uids().effective
    await server.stop()
    assert listening == []
    assert modes == [0o700, 0o700]
    assert owner != 0


async def test_a_killed_server_comes_back_and_the_pool_with_it(home: Path) -> None:
    server = EmbeddedPostgres(home / "pg")
    await migrate(await server.start())
    database = await Database.connect(server.dsn, max_size=2)
    async with database.app() as connection:
        await connection.execute("INSERT INTO installation VALUES ('committed', '1')")
    first = server.pid
    assert first is not None
    with pytest.raises(Unavailable):  # noqa: PT012 - the checkout is what raises
        async with database.app() as connection:
            os.kill(first, signal.SIGKILL)
            await connection.execute("SELECT pg_sleep(20)")
    async with asyncio.timeout(20):
        while not await _answers(database):  # noqa: ASYNC110 - it is another process
            await asyncio.sleep(0.02)
    async with database.app() as connection:
        assert await connection.fetchval("SELECT value FROM installation WHERE name = 'committed'") == 1
    assert server.pid != first
    await database.close()
    await server.stop()


async def test_a_stopped_server_is_unavailable_until_it_is_started_again(home: Path) -> None:
    server = EmbeddedPostgres(home / "pg", durable=False)
    await migrate(await server.start())
    database = await Database.connect(server.dsn)
    assert await _answers(database)
    await server.stop()
    assert not await _answers(database)
    with pytest.raises(Unavailable):
        await database.ping()
    await server.start()
    assert await _answers(database)
    await database.close()
    await server.stop()


_PARENT = """
import asyncio, sys
from pathlib import Path
from control_plane.postgres import EmbeddedPostgres

async def main():
    server = EmbeddedPostgres(Path(sys.argv[1]))
    await server.start()
    print(server.pid, flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


async def test_a_killed_parent_takes_the_server_along_and_the_next_start_finds_its_data(home: Path) -> None:
    command = [sys.executable, "-c", _PARENT, str(home / "pg")]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: ASYNC220 - not waited for
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert psutil.pid_exists(pid)
    with pytest.raises(StartupRefused, match="Another Farwatch is using"):
        await EmbeddedPostgres(home / "pg").start()
    parent.kill()
    parent.wait()
    parent.stdout.close()
    await _until(lambda: not psutil.pid_exists(pid))
    server = EmbeddedPostgres(home / "pg")
    await server.start()
    await server.stop()


async def test_a_pid_left_behind_that_now_belongs_to_another_program_is_no_obstacle(home: Path) -> None:
    server = EmbeddedPostgres(home / "pg", durable=False)
    await server.start()
    await server.stop()
    (home / "pg" / "data" / "postmaster.pid").write_text(f"{os.getpid()}\n{home}/pg/data\n1\n5432\n\n\n\nready\n")
    await server.start()
    await server.stop()


async def test_a_live_server_on_the_same_data_is_not_disturbed(home: Path) -> None:
    server = EmbeddedPostgres(home / "pg", durable=False)
    await server.start()
    (home / "pg" / "lock").unlink()  # as if the server had been started by something else than Farwatch
    with pytest.raises(StartupRefused, match="is running on"):
        await EmbeddedPostgres(home / "pg").start()
    database = await Database.connect(server.dsn)
    await database.close()
    await server.stop()


async def test_data_of_another_major_version_is_refused_with_the_remedy(home: Path) -> None:
    (home / "pg" / "data").mkdir(parents=True)
    (home / "pg" / "data" / "PG_VERSION").write_text("19\n")
    with pytest.raises(StartupRefused, match=r"belongs to PostgreSQL 19.*FARWATCH_DATABASE__DSN"):
        await EmbeddedPostgres(home / "pg").start()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root changes the user")
async def test_data_of_another_user_is_refused_with_the_remedy(home: Path) -> None:
    (home / "pg" / "data").mkdir(parents=True)
    (home / "pg" / "data" / "PG_VERSION").write_text("18\n")
    with pytest.raises(StartupRefused, match="chown -R"):
        await EmbeddedPostgres(home / "pg").start()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root changes the user")
async def test_an_existing_directory_keeps_its_owner(home: Path) -> None:
    (home / "neighbour").touch()
    server = EmbeddedPostgres(home, durable=False)
    await server.start()
    await server.stop()
    assert home.stat().st_uid == 0  # noqa: ASYNC240 - nothing else runs here


async def test_a_start_killed_while_initialising_leaves_nothing_in_the_way(home: Path) -> None:
    (home / "pg" / "data.new" / "base").mkdir(parents=True)
    server = EmbeddedPostgres(home / "pg", durable=False)
    await server.start()
    await server.stop()


async def test_a_path_too_long_for_a_socket_is_refused(home: Path) -> None:
    with pytest.raises(StartupRefused, match="too long"):
        await EmbeddedPostgres(home / ("long" * 30)).start()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root changes the user")
async def test_a_directory_below_a_private_home_is_refused_with_the_remedy(home: Path) -> None:
    private = home / "root"
    private.mkdir(mode=0o700)
    with pytest.raises(StartupRefused, match=r"cannot reach .*/var/lib/farwatch"):
        await EmbeddedPostgres(private / "pg").start()
    assert not (private / "pg").exists()
