"""`farwatch export`, `plan`, `apply`, `validate` and `schema` against a served control plane."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from control_plane.domain.configuration.config_yaml import read_yaml
from tests.support.configuration import READS, WRITES, Keeper

Run = Callable[..., Awaitable[tuple[int | None, str, str]]]

MONITORS = """\
version: 1
monitors:
- key: api
  name: API
  check:
    type: http
    url: https://api.example.com/health
    bearer_token: {env: TEST_FARWATCH_API_TOKEN}
  alerts:
  - channel: Operations
"""
CHANNELS = """\
version: 1
channels:
- name: Operations
  config: {type: webhook, url: {file: hook.txt}}
"""


@pytest.fixture
async def run(keeper: Keeper) -> Run:
    key = await keeper.key(*WRITES, *READS, number=9)
    env = {**os.environ, "FARWATCH_CLI__URL": keeper.door.url, "FARWATCH_CLI__KEY": key}

    async def command(*words: str, **more: str) -> tuple[int | None, str, str]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "control_plane", *words,
            env=env | more, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await process.communicate()
        return process.returncode, out.decode(), err.decode()

    return command


async def test_files_of_a_directory_are_planned_applied_and_in_step(run: Run, tmp_path: Path) -> None:
    (tmp_path / "monitors.yaml").write_text(MONITORS)
    (tmp_path / "channels.yml").write_text(CHANNELS)
    (tmp_path / "hook.txt").write_text("https://ops.example.com/in\n")
    status, _, talk = await run("plan", str(tmp_path))
    assert (status, "monitors.yaml:8: the variable TEST_FARWATCH_API_TOKEN is not set" in talk) == (2, True)
    token = {"TEST_FARWATCH_API_TOKEN": "t0ken"}
    status, out, talk = await run("plan", str(tmp_path), **token)
    assert status == 6, talk
    assert "+ monitor api  API" in out
    assert 'check/bearer_token: "***"' in out
    assert "t0ken" not in out + talk
    assert "2 to create, 0 to update, 0 to delete, 0 unchanged" in talk
    status, _, talk = await run("apply", str(tmp_path), **token)
    assert (status, "Done: 2 created" in talk, "secret whsec_" in talk) == (0, True, True)
    status, out, _ = await run("plan", str(tmp_path), "-o", "json", **token)
    assert (status, json.loads(out)["drift"]) == (0, False)
    status, _, talk = await run("apply", str(tmp_path), **token)
    assert (status, "Nothing to do" in talk) == (0, True)
    status, out, _ = await run("export")
    assert out.startswith("# yaml-language-server: $schema=http://")
    assert read_yaml(out).value["monitors"][0]["key"] == "api"


async def test_a_refusal_names_file_and_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("version: 1\nmonitors:\n- key: a\n  name: A\n  check: https://a.example.com/\n")
    (tmp_path / "b.yaml").write_text("version: 1\nmonitors:\n- key: b\n  name: B\n  check:\n    url: ftp://b\n")
    for command in ("plan", "validate"):
        status, _, talk = await run(command, str(tmp_path))
        assert (status, "b.yaml:6: INVALID_URL_SCHEME" in talk) == (1, True), talk
    (tmp_path / "b.yaml").write_text("version: 1\nmonitors:\n- key: a\n")
    status, _, talk = await run("plan", str(tmp_path))
    assert (status, "b.yaml:3: monitor 'a' is at" in talk) == (2, True), talk
    (tmp_path / "b.yaml").write_text("version: 1\nmonitors: [\n")
    status, _, talk = await run("plan", str(tmp_path))
    assert (status, "b.yaml:3:" in talk) == (2, True), talk


async def test_a_dry_run_changes_nothing_and_the_example_of_the_guide_is_valid(
    run: Run, keeper: Keeper, tmp_path: Path
) -> None:
    file = tmp_path / "one.yaml"
    file.write_text("version: 1\nmonitors:\n- key: a\n  name: A\n  check: https://a.example.com/\n")
    assert (await run("apply", "--dry-run", str(file)))[0] == 0
    assert await keeper.rows("SELECT FROM monitors") == []
    status, out, _ = await run("schema")
    assert (status, json.loads(out)["title"]) == (0, "Farwatch configuration, version 1")
