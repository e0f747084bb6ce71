"""Waits between attempts. Randomness is an argument: `jitter` is a number in [0, 1) drawn by the caller."""

from __future__ import annotations

from datetime import timedelta


def exponential(*, attempt: int, base: timedelta, cap: timedelta, jitter: float) -> timedelta:
    """Wait before attempt number `attempt` (1 = the first repeat): base x 2^(attempt-1), at most `cap`, plus jitter.

    Jitter only adds, up to half of the wait, so that many callers that failed together do not come back together.
    """
    wait = min(cap, base * (1 << min(attempt - 1, 30)))
    return wait + wait * (jitter / 2)
