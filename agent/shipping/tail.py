"""The newest results, in memory on their way out: as many as fit; what does not is left to the disk."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

from agent.shipping.spool import Item

KEPT_ITEMS = 20_000
KEPT_BYTES = 12_000_000


class Tail:
    """Items in the order in which they came. One with a negative number is on no disk: it exists here alone."""

    def __init__(self, *, max_items: int = KEPT_ITEMS, max_bytes: int = KEPT_BYTES) -> None:
        self.unsafe = 0
        """Items that are on no disk."""
        self._items: deque[Item] = deque()
        self._size = 0
        self._max_items = max_items
        self._max_bytes = max_bytes

    def __len__(self) -> int:
        return len(self._items)

    @property
    def first_number(self) -> int | None:
        """The number of the oldest item here that is on disk too."""
        return next((item.number for item in self._items if item.number >= 0), None)

    def add(self, items: Iterable[Item]) -> list[Item]:
        """Take items; gives back the oldest for which there is no room."""
        for item in items:
            self._items.append(item)
            self._account(item, 1)
        parked: list[Item] = []
        while len(self._items) > self._max_items or (self._size > self._max_bytes and len(self._items) > 1):
            item = self._items.popleft()
            self._account(item, -1)
            parked.append(item)
        return parked

    def newest(self, *, limit: int, size: int) -> list[Item]:
        """The newest items, at least one, at most `limit`, of `size` bytes together; in the order they came."""
        batch = up_to(size, reversed(self._items), limit=limit)
        batch.reverse()
        return batch

    def remove(self, batch: Sequence[Item]) -> None:
        """Forget neighbours that `newest` gave, as far as they are still here; newer ones may have come since."""
        gone = {id(item) for item in batch}
        newer: list[Item] = []
        while self._items and id(self._items[-1]) not in gone:
            newer.append(self._items.pop())
        while self._items and id(self._items[-1]) in gone:
            self._account(self._items.pop(), -1)
        self._items.extend(reversed(newer))

    def _account(self, item: Item, sign: int) -> None:
        self._size += sign * len(item.data)
        self.unsafe += sign * (item.number < 0)


def up_to(size: int, items: Iterable[Item], *, limit: int) -> list[Item]:
    """The first items, at least one and at most `limit`, that together have no more than `size` bytes."""
    taken: list[Item] = []
    left = size
    for item in items:
        left -= len(item.data) + 1  # and a comma
        if taken and (left < 0 or len(taken) >= limit):
            break
        taken.append(item)
    return taken
