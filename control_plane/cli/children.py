"""The processes of a local installation: started in order, started again when they end unasked, ended with us."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence

from msgspec import Struct

from control_plane.cli.talk import say
from control_plane.death_signal import die_with

_STOP_WITHIN_S = 15.0
_STABLE_AFTER_S = 30.0


class Program(Struct, frozen=True):
    """One child: what people call it, its command line after the interpreter, and what its environment adds."""

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str]


class Children:
    """A set of children. Use as `async with`: leaving it ends them, last started first."""

    def __init__(self) -> None:
        self._tasks: list[asyncio.Task[None]] = []
        self.pids: dict[str, int] = {}

    async def __aenter__(self) -> Children:
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in reversed(self._tasks):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def keep(self, program: Program) -> None:
        """Run the program until this set is left."""
        self._tasks.append(asyncio.create_task(self._keep(program), name=program.name))

    async def _keep(self, program: Program) -> None:
        failures = 0
        while True:
            began = time.monotonic()
            process = await _start(program)
            self.pids[program.name] = process.pid
            try:
                status = await process.wait()
            except asyncio.CancelledError:
                await _stop(process)
                raise
            failures = 1 if time.monotonic() - began > _STABLE_AFTER_S else failures + 1
            wait = min(10.0, 0.2 * 2 ** (failures - 1))
            say(f"{program.name} ended (status {status}); starting it again in {wait:.1f} s", style="yellow")
            await asyncio.sleep(wait)


async def _start(program: Program) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *program.arguments,
        env={**os.environ, **program.environment},
        stdin=asyncio.subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C in a terminal is ours to handle: children end in order
        preexec_fn=die_with(os.getpid(), signal.SIGTERM),
    )


async def _stop(process: asyncio.subprocess.Process) -> None:
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(sign)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), _STOP_WITHIN_S)
            return
