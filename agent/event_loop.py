"""The event loop of the agent's processes: uvloop where there is one; stock asyncio does the same, slower."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_YOUNG_OBJECTS = 20_000
"""More than what the checks under way hold, which goes without the collector's help; it would look at it all, in vain,
after every few checks (by default at every 700 objects more)."""


def run(work: Coroutine[Any, Any, T]) -> T:
    """As asyncio.run, in a process that has nothing else to do."""
    gc.set_threshold(_YOUNG_OBJECTS)
    try:
        import uvloop  # noqa: PLC0415 (not everywhere)
    except ImportError:
        return asyncio.run(work)
    return uvloop.run(work)
