"""The `farwatch` command against a served control plane: in this process, or as people start it."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import NamedTuple

import structlog
from click.testing import CliRunner

from control_plane import metrics
from control_plane.cli import farwatch
from control_plane.store.pool import Database
from tests.support.dashboard import Desk, a_desk
from tests.support.fuzz_world import all_of_the_tenant
from tests.support.serving import settings_with

CLOSED = "http://127.0.0.1:9/hook"
"""Where a webhook may be sent and nobody listens (port 9, discard)."""


class Ran(NamedTuple):
    """How a command ended."""

    status: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Shop:
    """A desk, and the ids of what is there."""

    desk: Desk
    known: Mapping[str, str]

    async def run(self, *words: str, stdin: str = "") -> Ran:
        """The command in this process, with the desk's key."""
        ran = await asyncio.to_thread(CliRunner().invoke, farwatch, words, input=stdin, env=self.env())
        if ran.exception is not None and not isinstance(ran.exception, SystemExit):
            raise ran.exception
        return Ran(ran.exit_code, ran.stdout, ran.stderr)

    async def start(self, *words: str, **env: str) -> Ran:
        """The command in a process of its own."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "control_plane", *words,
            env={**os.environ, **self.env(), **env},
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await process.communicate()
        assert process.returncode is not None
        return Ran(process.returncode, out.decode(), err.decode())

    def env(self) -> dict[str, str]:
        """What makes a command ask the desk."""
        return {"FARWATCH_CLI__URL": self.desk.url, "FARWATCH_CLI__KEY": self.desk.key, "COLUMNS": "200"}


@asynccontextmanager
async def a_shop(database: Database) -> AsyncIterator[Shop]:
    """Webhooks may be sent to the loopback, where nobody listens. The server says nothing where the commands print."""
    settings = settings_with(delivery={"allow_cidrs": ("127.0.0.0/8",)})
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        async with a_desk(database, settings) as desk:
            yield Shop(desk, await all_of_the_tenant(desk))
    finally:
        structlog.configure(**before)


def operations_asked() -> dict[str, float]:
    """How often each operation of this process has been asked so far."""
    counted: dict[str, float] = {}
    for family in metrics.REQUESTS.collect():
        for sample in family.samples:
            if sample.name.endswith("_total"):
                name = sample.labels["operation"]
                counted[name] = counted.get(name, 0) + sample.value
    return counted
