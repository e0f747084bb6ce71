"""`farwatch regions` and `farwatch keys` against a served control plane."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable

import pytest

from tests.support.door import an_api_key
from tests.support.tenant_world import World

Run = Callable[..., Awaitable[str]]
SCOPES = ("regions:read", "regions:write", "keys:read", "keys:write")


@pytest.fixture
async def run(world: World) -> Run:
    """Runs `farwatch …` with a key of the tenant; returns what it says on stdout, or else on stderr."""
    async with world.database.app() as conn:
        key = await an_api_key(conn, world.tenant_id, *SCOPES, number=7)
        await conn.execute("UPDATE tenant_counters SET keys = 7 WHERE tenant_id = $1", world.tenant_id)
    env = {**os.environ, "FARWATCH_CLI__URL": world.door.url, "FARWATCH_CLI__KEY": key}

    async def command(*words: str, ends: int = 0) -> str:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "control_plane", *words,
            env=env, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await process.communicate()
        assert process.returncode == ends, err.decode()
        return (out or err).decode()

    return command


async def test_a_private_region_is_made_given_an_agent_and_removed(run: Run) -> None:
    made = await run("regions", "add", "office", "--city", "Leeds", "--allow-cidr", "10.0.0.0/8", "-o", "json")
    assert json.loads(made)["allow_cidrs"] == ["10.0.0.0/8"]
    assert (await run("regions", "ls", "--private", "-o", "name")).split() == ["office"]
    agent = json.loads(await run("regions", "add-agent", "office", "office-1", "-o", "json"))
    assert agent["key"].startswith("fw_probe_")
    rotated = json.loads(await run("regions", "rotate-agent", "office", agent["id"], "-o", "json"))
    assert rotated["key"] != agent["key"]
    assert "office-1" in await run("regions", "agents", "office")
    await run("regions", "rm-agent", "office", agent["id"])
    await run("regions", "rm", "office")
    assert "REGION_NOT_FOUND" in await run("regions", "rm", "office", ends=3)
    assert "REGION_SHARED" in await run("regions", "rm", "eu", ends=4)


async def test_a_key_is_made_rotated_by_its_label_and_deleted(run: Run) -> None:
    made = json.loads(await run("keys", "add", "deploy", "--scope", "regions:read", "-o", "json"))
    assert made["scopes"] == ["regions:read"]
    rotated = json.loads(await run("keys", "rotate", "deploy", "-o", "json"))
    assert rotated["label"] == "deploy"
    assert rotated["key"] != made["key"]
    listed = await run("keys", "ls", "--q", "deploy")
    assert listed.count(made["prefix"][:8]) == 2, "the one before is there until it ends"
    assert made["key"] not in listed
    await run("keys", "rm", "deploy")
    assert "no key nobody" in (await run("keys", "rm", "nobody", ends=3))
