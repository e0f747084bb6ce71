"""`farwatch incidents` against a served control plane: what is printed, and what it ends with."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.support.door import an_api_key
from tests.support.tenant_world import World

Run = Callable[..., Awaitable[str]]


@pytest.fixture
async def run(world: World) -> Run:
    """Runs `farwatch incidents …` with a key of the tenant; returns what it says on stdout, or else on stderr."""
    async with world.database.app() as conn:
        key = await an_api_key(conn, world.tenant_id, "incidents:read", "incidents:write", number=7)
    url = f"http://{world.door.host}:{world.door.port}"
    env = {**os.environ, "FARWATCH_CLI__URL": url, "FARWATCH_CLI__KEY": key}

    async def command(*words: str, ends: int = 0) -> str:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "control_plane", "incidents", *words,
            env=env, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await process.communicate()
        assert process.returncode == ends, err.decode()
        return (out or err).decode()

    return command


async def read(run: Run, *words: str) -> Any:
    return json.loads(await run(*words, "-o", "json"))


async def test_an_incident_lives_its_life_from_the_command_line(world: World, run: Run) -> None:
    monitor = await world.monitor()
    words = ("declare", "Cards fail", "--severity", "critical", "--monitor", monitor["id"], "--public", "We look")
    made = await read(run, *words)
    assert (made["title"], made["severity"], made["monitors"][0]["name"]) == ("Cards fail", "critical", "API")
    assert "Cards fail" in await run("list", "--state", "open", "--q", "cards")
    assert "public update" in await run("show", "1", ends=1)
    assert (await read(run, "ack", "1", "--note", "On it"))["state"] == "acknowledged"
    assert "A bad deploy" in await run("note", made["id"], "A bad deploy")
    assert (await read(run, "update", "1", "Found it", "--phase", "identified"))["phase"] == "identified"
    ended = await read(run, "resolve", "1", "--public", "All well")
    assert (ended["state"], ended["phase"]) == ("resolved", "resolved")
    assert "resolved" in await run("show", "1")
    assert (await read(run, "reopen", "1", "--note", "Not yet"))["reopened"] == 1
    counted = await read(run, "stats")
    assert (counted["total"], counted["open"], counted["by_severity"]["critical"]) == (1, 1, 1)
    assert "API (1)" in await run("stats", "--monitor", monitor["id"])


async def test_a_refusal_says_why_and_ends_with_its_status(world: World, run: Run) -> None:
    assert "No incidents" in await run("list")
    made = await read(run, "declare", "Cards fail")
    assert "INCIDENT_OPEN" in await run("reopen", made["id"], ends=1)
    assert "PHASE_NOT_ALLOWED" in await run("update", "1", "x", "--phase", "resolved", ends=1)
    assert "There is no incident 99" in await run("show", "99", ends=3)
    assert "INCIDENT_NOT_FOUND" in await run("show", "00000000-0000-7000-8000-000000000001", ends=3)
    assert "no ids" in await run("stats", "-o", "name", ends=2)
