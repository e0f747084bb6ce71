"""Who a digest was found to be, for a while, and how that is forgotten."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

_MAX_REMEMBERED = 20_000
_GOOD_FOR_S = 3600.0

C = TypeVar("C")


class Remembered(Generic[C]):
    """Digest → caller, bounded, each for a few seconds; that a digest was good is known for an hour.

    Times are seconds of the monotonic clock. `hints` counts how often something was to be forgotten: whoever looks up
    notes it before asking the database, for an answer may be overtaken by the hint that it no longer holds.
    """

    def __init__(self) -> None:
        self._callers: OrderedDict[bytes, tuple[C, float]] = OrderedDict()
        self._good: OrderedDict[bytes, float] = OrderedDict()
        self.hints = 0

    def get(self, digest: bytes, now: float) -> C | None:
        known = self._callers.get(digest)
        return known[0] if known is not None and now < known[1] else None

    def put(self, digest: bytes, caller: C, *, now: float, until: float, asked: int) -> None:
        """Believe a look-up, unless a hint came since `asked`, the count of hints when it began."""
        if asked != self.hints:
            return
        self._callers[digest] = (caller, until)
        self._good[digest] = now + _GOOD_FOR_S
        for kept in (self._callers, self._good):
            kept.move_to_end(digest)
            if len(kept) > _MAX_REMEMBERED:
                kept.popitem(last=False)

    def was_good(self, digest: bytes, now: float) -> bool:
        return self._good.get(digest, 0) > now

    def forget(self, digest: bytes) -> None:
        """A look-up found nobody."""
        self._callers.pop(digest, None)
        self._good.pop(digest, None)

    def forget_where(self, is_meant: Callable[[bytes, C], bool]) -> None:
        """Look these up anew; who was good stays known to have been, until a look-up finds nobody."""
        self.hints += 1
        for digest in [digest for digest, (caller, _) in self._callers.items() if is_meant(digest, caller)]:
            del self._callers[digest]

    def forget_all(self) -> None:
        """Look everybody up anew; who was good stays known to have been."""
        self.hints += 1
        self._callers.clear()
