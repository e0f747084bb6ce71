"""Starts tests.bench.timed_target, and reads what it saw."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tests.bench.programs import free_port, listening, program
from tests.bench.timed_target import Record


@dataclass(frozen=True, slots=True)
class Timed:
    port: int
    path: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def record(self) -> Record:
        """Once it has ended."""
        return msgspec.json.decode(self.path.read_bytes(), type=Record)


@asynccontextmanager
async def timed(directory: Path, *, delay_s: float) -> AsyncIterator[Timed]:
    """As long as the block runs."""
    directory.mkdir()  # noqa: ASYNC240 - nothing else runs yet
    site = Timed(free_port(), directory / "record.json")
    command = (sys.executable, "-m", "tests.bench.timed_target", str(site.port), str(delay_s), site.path)
    async with program(*command, log=directory / "target.log"):
        await listening(site.port)
        yield site


def cores() -> list[int]:
    """Those that this process may use."""
    return sorted(os.sched_getaffinity(0))
