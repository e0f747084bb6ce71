"""`farwatch up` as a newcomer uses it: one command, a URL and a key, the command line beside it, Ctrl-C, once more."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.farm import free_port
from tests.support.targets import ok, serving

pytestmark = pytest.mark.slow


@dataclass
class Up:
    """A running `farwatch up`: what it printed, and how to run other commands against it."""

    process: asyncio.subprocess.Process
    url: str
    key: str | None

    async def run(self, *arguments: str, key: str | None = None) -> tuple[int, str, str]:
        """(exit status, stdout, stderr) of another farwatch command."""
        environment = {"FARWATCH_CLI__URL": self.url, "FARWATCH_CLI__KEY": key or self.key or ""}
        return await _farwatch(*arguments, environment=environment)


async def _farwatch(*arguments: str, environment: dict[str, str] | None = None) -> tuple[int, str, str]:
    plain = {k: v for k, v in os.environ.items() if not k.startswith("FARWATCH_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "control_plane", *arguments),
        env={**plain, **(environment or {})},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


@pytest.fixture
def data() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="fw-up-", dir="/tmp") as directory:
        Path(directory).chmod(0o755)  # the server runs as a user of its own
        yield Path(directory) / "data"


@asynccontextmanager
async def _up(data: Path, port: int) -> AsyncIterator[Up]:
    log = data.parent / "up.log"
    with log.open("ab") as err:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "control_plane", "up", f"--data={data}", f"--port={port}"),
            stdout=asyncio.subprocess.PIPE,
            stderr=err,
        )
    assert process.stdout is not None
    url = await _printed(process.stdout, "URL", log)
    key = await _printed(process.stdout, "Key", log) if not (data / "seen").exists() else None
    (data / "seen").touch()
    try:
        yield Up(process, url, key)
    finally:
        process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(process.wait(), 30) == 0, log.read_text()


async def _printed(stdout: asyncio.StreamReader, name: str, log: Path) -> str:
    async with asyncio.timeout(40):
        line = (await stdout.readline()).decode()
    assert line.startswith(name), f"{line!r}, see {log}"
    return line.removeprefix(name).strip()


async def test_a_newcomer_adds_a_site_and_finds_it_again_after_a_restart(data: Path) -> None:
    port = free_port()
    async with serving(ok()) as site, _up(data, port) as up:
        key = up.key
        assert key is not None
        assert key.startswith("fw_live_")
        status, out, err = await up.run("monitors", "add", f"http://127.0.0.1:{site}/", "--name=Mine", "-o", "json")
        assert status == 0, err
        assert json.loads(out)["state"]["shown"] == "up", "the first result came within the wait"
        status, out, _ = await up.run("monitors", "ls")
        assert status == 0
        assert "Mine" in out
        assert "Up from 1 of 1 region" in out

    async with _up(data, port) as again:
        status, out, err = await again.run("monitors", "get", "Mine", "-o", "json", key=key)
        assert status == 0, err
        assert json.loads(out)["name"] == "Mine"
        assert (await again.run("monitors", "rm", "Mine", key=key))[0] == 0
        assert (await again.run("monitors", "get", "Mine", key=key))[0] == 3
        status, _, err = await again.run("monitors", "ls", key="fw_live_nonsense")
        assert status == 4
        assert "UNAUTHENTICATED" in err
        status, _, err = await again.run("monitors", "add", "ftp://127.0.0.1/", key=key)
        assert status == 1
        assert "INVALID_URL_SCHEME" in err


async def test_a_taken_port_is_said_with_the_remedy(data: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, _, err = await _farwatch("up", f"--data={data}", f"--port={port}")

    assert status == 1
    assert "choose another port" in err
    assert "Traceback" not in err


async def test_nobody_there_is_exit_status_five() -> None:
    environment = {"FARWATCH_CLI__URL": f"http://127.0.0.1:{free_port()}", "FARWATCH_CLI__KEY": "fw_live_x"}
    status, _, err = await _farwatch("monitors", "ls", environment=environment)

    assert status == 5
    assert "farwatch up" in err


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({}, "FARWATCH_DATABASE__DSN"),
        ({"FARWATCH_DATABASE__DNS": "x"}, "FARWATCH_DATABASE__DNS"),
        ({"FARWATCH_DATABASE__DSN": "postgresql:///x", "FARWATCH_SECURITY__PEPPER": "short"}, "security.pepper"),
        ({"FARWATCH_SERVER__PORT": "99999"}, "FARWATCH_SERVER__PORT"),
    ],
)
async def test_serve_refuses_bad_settings_and_says_which(environment: dict[str, str], words: str) -> None:
    status, _, err = await _farwatch("serve", environment=environment)

    assert status == 1
    assert words in err
    assert "Traceback" not in err


async def test_serve_refuses_a_schema_that_it_does_not_know(dsn: str, empty_dsn: str) -> None:
    settings = {
        "FARWATCH_SECURITY__PEPPER": "a pepper for tests, long enough",
        "FARWATCH_SECURITY__SEALING_KEYS": "k1:a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=",
        "FARWATCH_SERVER__PORT": "0",
        "FARWATCH_SERVER__METRICS_PORT": "0",
    }
    status, _, err = await _farwatch("serve", environment={**settings, "FARWATCH_DATABASE__DSN": empty_dsn})
    assert status == 1
    assert "farwatch migrate" in err

    status, _, err = await _farwatch("serve", environment={**settings, "FARWATCH_DATABASE__DSN": dsn} | {
        "FARWATCH_SECURITY__SEALING_KEYS": "k1:dG9vIHNob3J0"})  # fmt: skip
    assert status == 1
    assert "sealing" in err
