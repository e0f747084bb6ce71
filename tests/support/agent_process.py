"""A real agent in a process of its own, at a control plane of the tests'."""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import msgspec
import psutil

from agent.shipping.spool import Spool
from shared.results import CheckResult
from tests.support.fake_control_plane import KEY
from tests.support.farm import Child

NOBODY = "127.0.0.1:9"
"""A resolver for agents whose checks name no names."""


@asynccontextmanager
async def an_agent(
    url: str, directory: Path, *, files: int | None = None, resolvers: str = NOBODY, **settings: str
) -> AsyncIterator[Child]:
    """`directory` holds its state, and beside its parent stands the log; `files`: how many descriptors it may have.

    It is killed when the block ends.
    """
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("FARWATCH_")},
        "FARWATCH_AGENT__URL": url,
        "FARWATCH_AGENT__KEY": KEY,
        "FARWATCH_AGENT__STATE_DIR": str(directory),
        "FARWATCH_AGENT__RESOLVERS": resolvers,
        **{f"FARWATCH_AGENT__{name.upper()}": value for name, value in settings.items()},
    }
    log = directory.parent.with_name(f"{directory.parent.name}.log")
    with log.open("ab") as out:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "agent", "run", env=environment, stdout=out, stderr=out, preexec_fn=_limited(files)
        )
    child = Child(process, log)
    try:
        yield child
    finally:
        await kill(child)


def _limited(files: int | None) -> Callable[[], None]:
    def limit() -> None:
        if files is not None:
            resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))

    return limit


async def kill(child: Child) -> None:
    """kill -9 of the agent; its workers end by themselves."""
    workers = processes(child)[1:]
    await child.kill()
    await asyncio.to_thread(psutil.wait_procs, workers, 20)


def processes(child: Child) -> list[psutil.Process]:
    """The agent's process and its workers'."""
    try:
        main = psutil.Process(child.process.pid)
        return [main, *main.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


async def stall(child: Child, seconds: float) -> None:
    """SIGSTOP, and SIGCONT after so many seconds, of all its processes."""
    stopped = processes(child)
    for process in stopped:
        process.send_signal(signal.SIGSTOP)
    await asyncio.sleep(seconds)
    for process in stopped:
        process.send_signal(signal.SIGCONT)


def spooled(directory: Path) -> set[tuple[UUID, int]]:
    """What a dead agent's spool holds: monitors and slots. Read from a copy: nothing there is touched."""
    copy = directory.parent.with_name(f"{directory.parent.name}.copy")  # not on its disk, which may be full
    shutil.copytree(directory / "spool", copy)
    found: set[tuple[UUID, int]] = set()
    spool = Spool(copy)
    while batch := spool.oldest(before=spool.next_number, limit=10_000):
        results = [msgspec.json.decode(item.data, type=CheckResult) for item in batch]
        found |= {(result.monitor_id, result.slot) for result in results}
        spool.acknowledge(item.number for item in batch)
    spool.close()
    shutil.rmtree(copy)
    return found
