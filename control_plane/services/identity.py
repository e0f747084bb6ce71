"""New identifiers: UUIDv7 (RFC 9562), so that ids of one table grow with time."""

from __future__ import annotations

from uuid import UUID

from uuid6 import uuid7


def new_id() -> UUID:
    """A fresh UUIDv7 as the standard library's UUID."""
    return UUID(int=uuid7().int)
