"""`farwatch serve` on a database of its own: the first key, several workers, one of them killed, a taken port."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path

import httpx
import psutil
import pytest

from tests.support.farm import Farm, a_farm, free_port
from tests.support.serving import SEALING_KEYS
from tests.support.waiting import until_async

pytestmark = pytest.mark.slow


async def test_workers_share_a_port_and_a_killed_one_comes_back(dsn: str, tmp_path: Path) -> None:
    async with a_farm(dsn, tmp_path) as farm:
        parent = await farm.start_control_plane(workers=2)
        await until_async(lambda: _has_workers(parent.process.pid, 2), "two workers run", timeout=20)
        killed = psutil.Process(parent.process.pid).children()[0].pid

        os.kill(killed, signal.SIGKILL)

        await until_async(lambda: _came_back(farm, parent.process.pid, killed), "another takes its place", timeout=30)
        async with farm.api() as api:
            assert (await api.get("/monitors")).status_code == 200


async def _has_workers(parent: int, count: int) -> bool:
    return len(psutil.Process(parent).children()) == count


async def _came_back(farm: Farm, parent: int, killed: int) -> bool:
    pids = {child.pid for child in psutil.Process(parent).children()}
    async with httpx.AsyncClient(trust_env=False) as client:
        try:
            ready = (await client.get(f"{farm.url}/readyz")).status_code == 200
        except httpx.TransportError:  # it had come to the one that was killed
            return False
    return ready and len(pids) == 2 and killed not in pids


async def test_the_first_start_prints_a_key_that_works_and_the_second_prints_none(dsn: str) -> None:
    port = free_port()
    status, first = await _serve_briefly(dsn, port)
    assert status == 0, first
    key = next(line.removeprefix("Key").strip() for line in first.splitlines() if line.startswith("Key"))
    assert key.startswith("fw_live_")

    status, second = await _serve_briefly(dsn, port)
    assert status == 0
    assert "fw_live_" not in second


async def test_a_taken_port_is_refused_in_one_line(dsn: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        status, out = await _serve_briefly(dsn, taken.getsockname()[1])

    assert status == 1
    assert "choose another port" in out
    assert "Traceback" not in out


async def _serve_briefly(dsn: str, port: int) -> tuple[int, str]:
    """Start, wait for an answer or the end, stop. (status, everything printed)."""
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith("FARWATCH_")},
        "FARWATCH_DATABASE__DSN": dsn,
        "FARWATCH_SERVER__PORT": str(port),
        "FARWATCH_SERVER__METRICS_PORT": "0",
        "FARWATCH_SECURITY__PEPPER": "a pepper for tests, long enough",
        "FARWATCH_SECURITY__SEALING_KEYS": SEALING_KEYS,
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "control_plane", "serve"),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    await until_async(lambda: _answers(process, port), "it serves or ends", timeout=30)
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
    out, _ = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode is not None
    return process.returncode, out.decode()


async def _answers(process: asyncio.subprocess.Process, port: int) -> bool:
    if process.returncode is not None:
        return True
    try:
        async with httpx.AsyncClient(trust_env=False) as client:
            return (await client.get(f"http://127.0.0.1:{port}/readyz")).status_code == 200
    except httpx.HTTPError:
        return False
