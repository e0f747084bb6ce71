"""Waiting for a condition, with a deadline."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable


async def until(condition: Callable[[], object], what: str, *, timeout: float = 10) -> None:
    """Return once the condition holds. Fails, naming `what`, after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, f"waited {timeout} s in vain until {what}"
        await asyncio.sleep(0.005)


async def until_async(condition: Callable[[], Awaitable[object]], what: str, *, timeout: float = 10) -> None:
    """As `until`, for a condition that has to be asked for."""
    deadline = time.monotonic() + timeout
    while not await condition():
        assert time.monotonic() < deadline, f"waited {timeout} s in vain until {what}"
        await asyncio.sleep(0.01)
