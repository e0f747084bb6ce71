"""Debian's Prometheus and its promtool, where they are installed, as judges of what we say to Prometheus."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.bench.programs import find

PROMETHEUS, PROMTOOL = find("prometheus"), find("promtool")

needs_prometheus = pytest.mark.skipif(
    PROMTOOL is None and os.environ.get("TEST_FARWATCH_PEERS") != "required",
    reason="promtool is not installed: Debian's package prometheus has it",
)


def promtool(*arguments: str, text: bytes | None = None, directory: Path | None = None) -> None:
    """It must be content, and have nothing to remark."""
    assert PROMTOOL is not None, "promtool is not installed: Debian's package prometheus has it"
    command = [PROMTOOL, *arguments]
    ended = subprocess.run(command, input=text, cwd=directory, capture_output=True, check=False, timeout=60)
    told = (ended.stdout + ended.stderr).decode()
    assert ended.returncode == 0, told
