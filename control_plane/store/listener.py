"""LISTEN on one dedicated connection that comes back by itself.

What is notified while the connection is away is lost: a notification is a hint, and whoever waits for one also polls.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import timedelta
from random import SystemRandom
from typing import Any

import asyncpg
import structlog

from control_plane.metrics import LISTENER_UP
from shared.backoff import exponential

_log = structlog.get_logger(__name__)
_PULSE_S = 15.0  # a connection that died without a word is noticed within this and one timeout
_FIRST_WAIT_S = 5.0
_LOST = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)


class Listener:
    """Channels and their callbacks, and the task that keeps them listening."""

    def __init__(self, connect: Callable[[], Awaitable[Any]]) -> None:
        self._connect = connect
        self._callbacks: dict[str, list[Callable[[str], None]]] = {}
        self._connection: Any = None
        self._changed = asyncio.Event()
        self._caught_up = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def add(self, channel: str, callback: Callable[[str], None]) -> None:
        """Call `callback` with the payload of each notification. Returns once listening, or after 5 s of trying."""
        self._callbacks.setdefault(channel, []).append(callback)
        self._caught_up.clear()
        self._changed.set()
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="listen")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._caught_up.wait(), _FIRST_WAIT_S)

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def _run(self) -> None:
        attempt = 0
        while True:
            try:
                connection = await self._connect()
                attempt = 0
                await self._serve(connection)
            except _LOST as error:
                attempt += 1
                _log.warning("listen_lost", error=str(error), attempt=attempt)
            await asyncio.sleep(_wait_s(attempt))

    async def _serve(self, connection: Any) -> None:
        """Listen until the connection ends. Raises what ended it."""
        listening: set[str] = set()
        connection.add_termination_listener(lambda _: self._changed.set())
        try:
            while not connection.is_closed():
                self._changed.clear()
                for channel in self._callbacks.keys() - listening:
                    await connection.add_listener(channel, self._notified)
                    listening.add(channel)
                self._caught_up.set()
                LISTENER_UP.set(1)
                await self._pulse(connection)
        finally:
            LISTENER_UP.set(0)
            connection.terminate()

    async def _pulse(self, connection: Any) -> None:
        try:
            await asyncio.wait_for(self._changed.wait(), _PULSE_S)
        except TimeoutError:
            await connection.fetchval("SELECT 1", timeout=_FIRST_WAIT_S)

    def _notified(self, _connection: Any, _pid: int, channel: str, payload: object) -> None:
        for callback in self._callbacks[channel]:
            callback(str(payload))


def _wait_s(attempt: int) -> float:
    wait = exponential(
        attempt=max(1, attempt),
        base=timedelta(milliseconds=100),
        cap=timedelta(seconds=5),
        jitter=SystemRandom().random(),
    )
    return wait.total_seconds()
