"""Other people's programs: found if present, started by us, ended by their process id."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import shutil
import socket
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

_STOP_WITHIN_S = 10.0


def find(name: str) -> str | None:
    """Where a program is, or None. Servers live in sbin, which is on few people's PATH."""
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def program(
    *command: str | Path, log: Path, environment: Mapping[str, str] | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Runs as long as the block. What it says goes to `log`."""
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, **(environment or {})},
        )
    try:
        yield process
    finally:
        await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    for send in (process.terminate, process.kill):
        if process.returncode is not None:
            return
        send()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), _STOP_WITHIN_S)


async def listening(port: int, *, within_s: float = 20.0) -> None:
    """Return once something accepts connections there. Raises TimeoutError."""
    patience = time.monotonic() + within_s
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            if time.monotonic() > patience:
                raise TimeoutError(f"Nothing listens on port {port} after {within_s:.0f} s") from None
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return


async def output_of(*command: str | Path) -> Sequence[str]:
    """The words that a program prints before it ends well. Raises RuntimeError when it does not."""
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    told, _ = await process.communicate()
    if process.returncode != 0:
        raise RuntimeError(f"{command[0]} ended with status {process.returncode}")
    return told.decode().split()


@dataclass(frozen=True, slots=True)
class Finished:
    """`text`: what it said on both outputs. `cpu_s`: user and system seconds."""

    text: str
    cpu_s: float


async def finished(*command: str | Path) -> Finished:
    """Run a program to its end, whatever its status. No other child may end meanwhile: the kernel adds them up."""
    before = _reaped_s()
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    told, _ = await process.communicate()
    return Finished(told.decode(errors="replace"), _reaped_s() - before)


def _reaped_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
