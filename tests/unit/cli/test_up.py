"""What `farwatch up` tells the person at the terminal: commands that work when they are pasted."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

from control_plane.cli.installation import InstallationKeys
from control_plane.cli.local import Running
from control_plane.cli.up import command, greet


def _greeted(capsys: pytest.CaptureFixture[str], *, first_run: bool) -> str:
    keys = InstallationKeys(api_key="fw_live_x", probe_keys={})
    running = Running("http://127.0.0.1:8100", "secret", keys, first_run, 1.0)
    greet(running, Path("/data"))
    return capsys.readouterr().err


def test_the_first_start_prints_a_command_with_the_key(capsys: pytest.CaptureFixture[str]) -> None:
    assert '-H "Authorization: Bearer fw_live_x"' in _greeted(capsys, first_run=True)


def test_later_ones_leave_the_key_to_the_shell_where_it_is_expanded(capsys: pytest.CaptureFixture[str]) -> None:
    told = _greeted(capsys, first_run=False)
    assert '-H "Authorization: Bearer $KEY"' in told
    assert "fw_live_x" not in told


def test_the_program_is_named_as_a_shell_finds_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "a place" / "farwatch"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "argv", [str(program), "up"])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "/nowhere")
    assert command() == shlex.quote("a place/farwatch")
    monkeypatch.setenv("PATH", str(program.parent))
    assert command() == "farwatch"


def test_a_program_that_was_started_as_a_module_is_named_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/src/control_plane/__main__.py", "up"])
    assert command() == f"{Path(sys.executable).name} -m control_plane"
