"""The range of time that a read is about: half-open, with a default that ends now."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from msgspec import UnsetType

from control_plane.errors import BadRequest

_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC) - timedelta(days=1)
_LATEST = datetime(9000, 1, 1, tzinfo=UTC)
"""What PostgreSQL and the arithmetic of zones can both hold; nothing is stored beyond it."""


def time_range(
    start: datetime | UnsetType, end: datetime | UnsetType, *, now: datetime, default: timedelta
) -> tuple[datetime, datetime]:
    """[from, to): until now, and `default` long, where a bound is absent. Raises BadRequest BAD_TIME_RANGE."""
    until = now if isinstance(end, UnsetType) else bounded(end)
    begin = max(_EARLIEST, until - default) if isinstance(start, UnsetType) else bounded(start)
    if begin >= until:
        raise BadRequest("from must be before to", code="BAD_TIME_RANGE", field="/from")
    return begin, until


def bounded(at: datetime) -> datetime:
    """The instant, brought within what can be stored."""
    return max(_EARLIEST, min(at, _LATEST))
