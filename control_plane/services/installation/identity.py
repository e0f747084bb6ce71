"""New identifiers: UUIDv7 (RFC 9562), so that ids of one table grow with time."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from uuid6 import uuid7

source: Callable[[], UUID] = uuid7
"""Where new ids come from: time and chance. The simulator, whose runs repeat themselves, puts its own in its place."""


def new_id() -> UUID:
    """A fresh UUIDv7 as the standard library's UUID."""
    return UUID(int=source().int)
