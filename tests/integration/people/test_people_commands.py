"""`farwatch members` and `farwatch invitations` against a served control plane."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import pytest

from tests.support.people import House

Run = Callable[..., Awaitable[str]]


@pytest.fixture
def run(house: House) -> Run:
    """Runs `farwatch …` with the first key; returns what it says on stdout, or else on stderr."""
    url = f"http://{house.served.host}:{house.served.port}"
    env = {**os.environ, "FARWATCH_CLI__URL": url, "FARWATCH_CLI__KEY": house.served.home.api_key}

    async def command(*words: str, ends: int = 0) -> str:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "control_plane", *words,
            env=env, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await process.communicate()
        assert process.returncode == ends, err.decode()
        return (out or err).decode()

    return command


async def test_people_are_managed_from_the_command_line(house: House, run: Run) -> None:
    assert "farwatch invitations create" in await run("members", "list")
    link = (await run("invitations", "create", "ana@example.com", "--role", "viewer")).strip()
    again = json.loads(await run("invitations", "resend", "ana@example.com", "-o", "json"))
    assert again["link"] != link
    async with house.browser() as browser:
        accepted = await browser.http.post(urlsplit(again["link"]).path, data={"name": "Ana"})
        assert accepted.status_code == 303
    assert "Ana" in await run("members", "list")
    assert "not proven" in await run("members", "show", "ana@example.com")
    assert json.loads(await run("members", "role", "ana@example.com", "admin", "-o", "json"))["role"] == "admin"
    await run("members", "remove", "ana@example.com")
    await run("members", "show", "ana@example.com", ends=3)
    await run("invitations", "create", "bob@example.com")
    await run("invitations", "revoke", "bob@example.com")
    assert "revoked" in await run("invitations", "list")
    await run("invitations", "revoke", "bob@example.com", ends=3)
