"""When an attempt at a delivery is followed by another, and when it is given up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from msgspec import Struct

WAITS: tuple[timedelta, ...] = (
    timedelta(0),
    timedelta(seconds=15),
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=6),
)
"""The wait before each attempt; after the last one fails the delivery is dead."""

RETRY_AFTER_CAP = timedelta(hours=24)
"""No receiver may put us off for longer."""

JITTER_SHARE = 0.1
"""How much of a wait jitter may add, so that what failed together does not come back together."""

UNWELL_AFTER = 3
"""Failed attempts in a row after which a channel counts as not delivering."""


class Accepted(Struct, frozen=True):
    """The receiver took it."""


class Failed(Struct, frozen=True):
    """It did not. `permanent`: trying again cannot help. `retry_after`: the wait that the receiver asked for."""

    reason: str
    permanent: bool = False
    retry_after: timedelta | None = None


Outcome = Accepted | Failed


class Delivered(Struct, frozen=True):
    """The end: it arrived."""


class RetryAt(Struct, frozen=True):
    """Another attempt is due then."""

    at: datetime


class Dead(Struct, frozen=True):
    """The end: given up, visible as a dead letter, and why."""

    reason: str


Next = Delivered | RetryAt | Dead


def next_attempt(failures: int, outcome: Outcome, *, now: datetime, jitter: float) -> Next:
    """What follows an attempt, given how many attempts failed before it.

    An attempt whose end is unknown (its worker died) is not among `failures`: our own trouble uses up nobody's
    schedule. `jitter` is a number in [0, 1) drawn by the caller; it only adds.

    | failures before | outcome | next |
    |---|---|---|
    | any | accepted | delivered |
    | any | failed for good | dead |
    | n < 6 | failed | after the schedule's wait, or the receiver's Retry-After if that is longer |
    | 6 | failed | dead |
    """
    match outcome:
        case Accepted():
            return Delivered()
        case Failed(reason=reason, permanent=permanent, retry_after=retry_after):
            tried = failures + 1
            if permanent:
                return Dead(reason)
            if tried >= len(WAITS):
                return Dead(f"Given up after {tried} attempts. The last: {reason}")
            return RetryAt(now + _wait(WAITS[tried], retry_after=retry_after, jitter=jitter))


def _wait(scheduled: timedelta, *, retry_after: timedelta | None, jitter: float) -> timedelta:
    wait = max(scheduled, min(retry_after or timedelta(0), RETRY_AFTER_CAP))
    return wait + wait * (JITTER_SHARE * jitter)


def retry_after(text: str | None, *, now: datetime) -> timedelta | None:
    """The wait of a Retry-After header (RFC 9110 section 10.2.3): whole seconds, or an HTTP date. None if neither."""
    value = (text or "").strip()
    if value.isascii() and value.isdigit():
        # Nine digits are thirty years; more would not fit a timedelta.
        return timedelta(seconds=int(value)) if len(value) <= 9 else RETRY_AFTER_CAP
    try:
        at = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return max(at - now, timedelta(0))
