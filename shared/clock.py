"""Instants. Inside, an instant is an aware UTC datetime; a slot travels and is stored as Unix milliseconds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NewType

UnixMs = NewType("UnixMs", int)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def to_unix_ms(at: datetime) -> UnixMs:
    """Whole milliseconds since the epoch, rounded down. `at` must be aware."""
    return UnixMs((at - _EPOCH) // _MILLISECOND)


def from_unix_ms(instant: int) -> datetime:
    """The aware UTC datetime of a Unix time in milliseconds. Raises OverflowError outside years 1 to 9999."""
    return _EPOCH + instant * _MILLISECOND
