"""What a run decided, as a digest and its latest lines. Ids are left out: names stand for them."""

from __future__ import annotations

import hashlib
from collections import deque


class Trace:
    """Lines in the order in which things happened: the same seed gives the same lines."""

    def __init__(self, *, kept: int = 60, whole: bool = False) -> None:
        self.tail: deque[str] = deque(maxlen=None if whole else kept)
        self._digest = hashlib.sha256()

    def add(self, now_ms: int, line: str) -> None:
        line = f"{now_ms} {line}"
        self.tail.append(line)
        self._digest.update(line.encode())

    @property
    def digest(self) -> str:
        """SHA-256 over all lines so far."""
        return self._digest.hexdigest()
