"""Cron expressions of five fields, in the local time of a zone.

cronsim says which wall times an expression names; this module says at which instants they are. Time changes are met as
Debian's cron meets them (cron(8), "Notes"): an expression that fixes both minute and hour goes off once a day, at the
first of two equal wall times, and at the end of the gap when its wall time is skipped. One whose minute or hour
starts with `*` goes off at every instant whose wall time matches, and so twice in a repeated hour, never in a skipped
one. cronsim's own arithmetic with zones is not used: around changes of half an hour or at midnight it misses some.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError

from control_plane.domain.field_rules import refuse, text

CRON_LIMIT = 100
"""Characters of an expression."""
ZONE_LIMIT = 64
"""Characters of a zone's name; the longest known has 32."""

_FIELDS = ("minute", "hour", "day of month", "month", "day of week")
_PROBE_FROM = datetime(2000, 1, 1)  # noqa: DTZ001  # a wall time
_STRIDE = timedelta(days=7)
"""No zone leaves an offset and returns to it within so short a time."""
_SECOND = timedelta(seconds=1)
_NOT_ZONES = frozenset({"localtime", "Factory"})


def read_cron(value: object, pointer: str) -> str:
    """A cron expression of five fields that some instant meets, its blanks single. Raises BadRequest INVALID_CRON."""
    expression = " ".join(text(value, pointer, code="INVALID_CRON", low=1, high=CRON_LIMIT).split())
    fields = expression.split(" ")
    if len(fields) != len(_FIELDS) or not expression.isascii():
        message = (
            f"a cron expression has five fields, {', '.join(_FIELDS)}, with blanks between; this has {len(fields)}"
        )
        refuse("INVALID_CRON", message if expression.isascii() else "a cron expression is plain ASCII", pointer)
    try:
        next(CronSim(expression, _PROBE_FROM))
    except CronSimError as error:
        wrong = str(error).removeprefix("Bad ").replace("-", " ")
        refuse("INVALID_CRON", f"the field {wrong} of the cron expression is not one that cron knows", pointer)
    except StopIteration:
        refuse("INVALID_CRON", "no date within 50 years meets this cron expression", pointer)
    return expression


def read_zone(value: object, pointer: str) -> str:
    """The name of an IANA time zone, as the database of zones writes it. Raises BadRequest INVALID_TIMEZONE."""
    name = text(value, pointer, code="INVALID_TIMEZONE", low=1, high=ZONE_LIMIT)
    if name not in _known_zones():
        refuse(
            "INVALID_TIMEZONE",
            "there is no such time zone; use a name of the IANA database as it is written there, like Europe/Berlin",
            pointer,
        )
    return name


@lru_cache(maxsize=1)
def _known_zones() -> frozenset[str]:
    return frozenset(available_timezones()) - _NOT_ZONES


def next_after(expression: str, zone: str, after: datetime) -> datetime:
    """The first instant after `after`, in UTC, that a stored expression names in the zone.

    Raises ValueError when there is none within 50 years, which `read_cron` has excluded.
    """
    tz, start = ZoneInfo(zone), after.astimezone(UTC).replace(microsecond=0)
    minute, hour, *_ = expression.split()
    try:
        if minute.startswith("*") or hour.startswith("*"):
            return _next_matching(expression, tz, start)
        return _next_named(expression, tz, start)
    except StopIteration:
        raise ValueError(f"no instant within 50 years meets {expression}") from None


def _next_named(expression: str, tz: ZoneInfo, after: datetime) -> datetime:
    for wall in CronSim(expression, _wall(after, tz)):
        instant = first_instant(wall, tz)
        if instant > after:
            return instant
    raise StopIteration


def _next_matching(expression: str, tz: ZoneInfo, after: datetime) -> datetime:
    """Walk the stretches of constant offset: inside one, wall times and instants run alike."""
    stretch, before = after, after
    while True:
        offset = _offset(stretch, tz)
        wall = next(CronSim(expression, (before + offset).replace(tzinfo=None)))
        instant = wall.replace(tzinfo=UTC) - offset
        change = next_change(tz, stretch, instant)
        if change is None:
            return instant
        stretch, before = change, change - _SECOND


def first_instant(wall: datetime, tz: ZoneInfo) -> datetime:
    """The UTC instant at which clocks of the zone first show this wall time, or jump over it."""
    guess = wall.replace(tzinfo=tz, fold=0).astimezone(UTC)
    if _wall(guess, tz) == wall:
        return guess
    # Skipped: read with the offset after the jump it lies before it, with the one before, behind it.
    early = wall.replace(tzinfo=tz, fold=1).astimezone(UTC)
    change = next_change(tz, early, guess)
    assert change is not None  # nothing else makes a wall time be skipped
    return change


def next_change(tz: ZoneInfo, after: datetime, until: datetime) -> datetime | None:
    """The first instant in (after, until] from which the zone has another offset, to the second."""
    low, offset = after, _offset(after, tz)
    while low < until:
        high = min(low + _STRIDE, until)
        if _offset(high, tz) != offset:
            return _bisect(tz, low, high)
        low = high
    return None


def _bisect(tz: ZoneInfo, low: datetime, high: datetime) -> datetime:
    offset = _offset(low, tz)
    while high - low > _SECOND:
        middle = (low + (high - low) / 2).replace(microsecond=0)
        if _offset(middle, tz) == offset:
            low = middle
        else:
            high = middle
    return high


def _offset(instant: datetime, tz: ZoneInfo) -> timedelta:
    offset = instant.astimezone(tz).utcoffset()
    assert offset is not None  # a ZoneInfo always knows
    return offset


def _wall(instant: datetime, tz: ZoneInfo) -> datetime:
    return instant.astimezone(tz).replace(tzinfo=None, fold=0)
