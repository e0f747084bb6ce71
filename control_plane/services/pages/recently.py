"""What was worked out a moment ago, for everybody who asks the same: one asks the database, the others wait for it."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, TypeVar

V = TypeVar("V")

LIMIT = 5000
"""Answers kept at a time; the oldest goes first."""


class Recently:
    """Answers by key, each for as long as who asked for it says. A failure is told to those who wait, and not kept."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._kept: OrderedDict[Hashable, tuple[asyncio.Task[Any], float]] = OrderedDict()

    async def get(self, key: Hashable, make: Callable[[], Awaitable[V]], *, keep_s: float) -> V:
        """The answer to `key`, made anew where there is none that is younger than `keep_s` seconds."""
        now = time.monotonic()
        known = self._kept.get(key)
        if known is None or now >= known[1] or _failed(known[0]):
            known = (asyncio.create_task(_made(make)), now + keep_s)
            self._kept[key] = known
            self._kept.move_to_end(key)
            if len(self._kept) > self._limit:
                self._kept.popitem(last=False)
        answer: V = await asyncio.shield(known[0])
        return answer


async def _made(make: Callable[[], Awaitable[V]]) -> V:
    return await make()


def _failed(task: asyncio.Task[Any]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)
