"""Instants that others told us of, and that need not be ones that we can write."""

from __future__ import annotations

from datetime import datetime

from shared.clock import from_unix_ms


def from_unix_s(seconds: int | None) -> datetime | None:
    """The aware UTC datetime of a Unix time in seconds; None for none, and for one outside the years 1 to 9999."""
    if seconds is None:
        return None
    try:
        return from_unix_ms(seconds * 1000)
    except OverflowError:
        return None
