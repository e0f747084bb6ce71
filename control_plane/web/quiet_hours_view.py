"""Quiet hours on the wire."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Severity = Literal["minor", "major", "critical"]
WallTime = Annotated[str, Meta(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$")]


class QuietHoursJson(Struct, frozen=True, kw_only=True):
    """From `start` to `end` by the clocks of `time_zone`, past midnight where the end is the earlier one.

    `days` are those on which a period begins, empty for every day. Incidents of `except_severities` never wait.
    """

    start: WallTime
    end: WallTime
    time_zone: str
    days: tuple[Day, ...] = ()
    except_severities: tuple[Severity, ...] = ()


QUIET_ERRORS = ("INVALID_QUIET_HOURS", "INVALID_TIMEZONE")
"""What may be wrong with them, beside types and unknown fields."""


def quiet_hours_json(stored: dict[str, Any] | None) -> QuietHoursJson | None:
    """What a row keeps, as it is read."""
    return None if stored is None else msgspec.convert(stored, QuietHoursJson)
