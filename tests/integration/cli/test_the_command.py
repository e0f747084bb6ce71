"""`farwatch` as people and scripts start it: exit statuses, formats, and what is said when something is wrong."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import sys
from pathlib import Path
from uuid import UUID

import pytest
import yaml

from tests.support.commands import Ran, Shop

NOBODY = {"FARWATCH_CLI__URL": "http://127.0.0.1:9"}
STRANGER = {"FARWATCH_CLI__KEY": "fw_live_0000000000000000000000000000000000000000"}
ESCAPE = "\x1b"


async def test_each_exit_status_means_what_it_says(shop: Shop, tmp_path: Path) -> None:
    file = tmp_path / "farwatch.yaml"
    file.write_text("version: 1\nmonitors: [{key: api, name: New, check: https://example.com/api}]\n")
    expected: list[tuple[int, tuple[str, ...], dict[str, str]]] = [
        (0, ("monitors", "ls"), {}),
        (1, ("monitors", "show", shop.known["monitor_id"]), {}),
        (1, ("assert-healthy",), {}),
        (2, ("monitors", "nonsense"), {}),
        (2, ("monitors", "edit", "API"), {}),
        (3, ("monitors", "show", "Nothing of that name"), {}),
        (3, ("channels", "show", "Nothing of that name"), {}),
        (4, ("monitors", "ls"), STRANGER),
        (5, ("monitors", "ls"), NOBODY),
        (6, ("plan", str(file)), {}),
    ]
    ran = await asyncio.gather(*(shop.start(*words, **env) for _status, words, env in expected))
    assert [each.status for each in ran] == [status for status, _words, _env in expected]
    for (status, _words, _env), each in zip(expected, ran, strict=True):
        assert "Traceback" not in each.err
        assert ESCAPE not in each.out + each.err, "no colour when nobody looks"
        if status in (2, 3, 4, 5):
            assert each.out == "", "talk goes to stderr"
            assert "farwatch" in each.err, "it names the next command"


async def test_every_format_holds_the_same(shop: Shop) -> None:
    told = {form: await shop.run("channels", "ls", "-o", form) for form in ("table", "json", "yaml", "name")}
    as_json = json.loads(told["json"].out)
    assert yaml.safe_load(told["yaml"].out) == as_json
    assert told["name"].out.split() == [channel["id"] for channel in as_json]
    assert all(channel["name"] in told["table"].out for channel in as_json)


async def test_yaml_keeps_the_order_and_what_looks_like_another_type(shop: Shop) -> None:
    made = await shop.run("monitors", "add", "https://example.com/n", "--name", "no", "--tag", "1.0", "--wait", "0")
    assert made.status == 0, made.err
    as_yaml = (await shop.run("monitors", "show", "no", "-o", "yaml")).out
    as_json = json.loads((await shop.run("monitors", "show", "no", "-o", "json")).out)
    found = yaml.safe_load(as_yaml)
    assert (found["name"], found["tags"]) == ("no", ["1.0"])
    assert list(found) == list(as_json)


async def test_health_is_asserted_of_what_is_chosen(shop: Shop) -> None:
    await shop.run("monitors", "add", "https://example.com/n", "--name", "Unknown yet", "--tag", "new", "--wait", "0")
    assert (await shop.run("assert-healthy", "--tag", "new")).status == 0
    assert (await shop.run("assert-healthy", "--tag", "new", "--strict")).status == 1
    down = await shop.run("assert-healthy", "--tag", "prod")
    assert down.status == 1
    assert "farwatch monitors verdict" in down.err
    assert (await shop.run("assert-healthy", "--tag", "nothing-has-this")).status == 3


async def test_health_is_waited_for(shop: Shop) -> None:
    waiting = asyncio.create_task(shop.start("assert-healthy", "--tag", "prod", "--wait", "120"))
    await shop.desk.recover(UUID(shop.known["monitor_id"]), *shop.desk.regions)
    assert (await asyncio.wait_for(waiting, 60)).status == 0


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
async def test_a_shell_gets_its_completion(shop: Shop, shell: str) -> None:
    told = await shop.run("completion", shell)
    assert told.status == 0
    assert "_FARWATCH_COMPLETE" in told.out


async def test_completion_completes(shop: Shop) -> None:
    asked = {"_FARWATCH_COMPLETE": "bash_complete", "COMP_WORDS": "farwatch monitors re", "COMP_CWORD": "2"}
    told = await shop.start(**asked)
    assert {line.partition(",")[2] for line in told.out.split()} == {"results", "resume", "regions"}


async def test_a_terminal_gets_colour_and_a_pipe_none(shop: Shop) -> None:
    assert ESCAPE in await on_a_terminal(shop, "monitors", "ls")
    piped: Ran = await shop.start("monitors", "ls")
    assert ESCAPE not in piped.out


async def on_a_terminal(shop: Shop, *words: str) -> str:
    ours, theirs = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "control_plane", *words,
        env={**os.environ, **shop.env(), "TERM": "xterm-256color"},
        stdin=theirs, stdout=theirs, stderr=theirs,
    )  # fmt: skip
    os.close(theirs)
    said = await asyncio.to_thread(_drained, ours)
    await process.wait()
    return said


def _drained(terminal: int) -> str:
    parts = []
    with os.fdopen(terminal, "rb", buffering=0) as reader:
        while True:
            try:
                part = reader.read(4096)
            except OSError:  # Linux says EIO when the other side is closed
                break
            if not part:
                break
            parts.append(part)
    return b"".join(parts).decode()
