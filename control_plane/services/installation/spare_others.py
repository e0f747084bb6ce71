"""Keep big pieces of work that live for seconds from standing in everybody's way.

Python's full garbage collections stop every thread while they walk all objects that there are. A plan of 10,000
monitors makes more than a million, which would be walked several times over, half a second each, and die by reference
count anyway. Young objects are collected as always.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")
S = TypeVar("S")

_NEVER = 1_000_000_000
_LONGEST_S = 60.0
"""How long full collections are held back while one holder follows another."""
SLICE_S = 0.003
"""Time that work on the event loop takes before others have their turn."""


class _Holders:
    """Those that hold full collections back now."""

    def __init__(self) -> None:
        self._count = 0
        self._since = 0.0
        self._usual = gc.get_threshold()

    def enter(self) -> None:
        self._count += 1
        if self._count == 1:
            self._since = time.monotonic()
            self._usual = gc.get_threshold()
            gc.set_threshold(*self._usual[:2], _NEVER)

    def leave(self) -> None:
        self._count -= 1
        if self._count == 0:
            gc.set_threshold(*self._usual)
        elif time.monotonic() - self._since > _LONGEST_S:
            gc.collect()
            self._since = time.monotonic()


_holders = _Holders()


@contextmanager
def no_full_collection() -> Iterator[None]:
    """No full garbage collection inside, in the whole process."""
    _holders.enter()
    try:
        yield
    finally:
        _holders.leave()


async def each(items: Iterable[S], make: Callable[[S], T]) -> Sequence[T]:
    """`make` of every item, in slices between which others have their turn on the event loop."""
    made: list[T] = []
    until = time.perf_counter() + SLICE_S
    for item in items:
        made.append(make(item))
        if time.perf_counter() > until:
            await asyncio.sleep(0)
            until = time.perf_counter() + SLICE_S
    return made
