"""When the pings of a heartbeat are expected, and which of its deadlines have passed. Pure; instants are Unix ms."""

from __future__ import annotations

from control_plane.domain.checks.cron import next_after
from control_plane.domain.checks.heartbeat_check import HeartbeatCheck
from shared.clock import from_unix_ms, to_unix_ms

_FIRST_LOOK_BACK_MS = 60_000
"""As far back as the newest deadline of a cron expression is looked for at first: cron has no two within a minute."""

_CLOCKS_DIFFER_MS = 60_000
"""As much may the caller's clock be ahead of ours."""


def expected_after(check: HeartbeatCheck, at_ms: int) -> int:
    """When the ping after one at `at_ms` is expected, without grace."""
    if check.cron is None:
        assert check.period is not None  # one of the two, by the rules
        return at_ms + check.period * 1000
    return to_unix_ms(next_after(check.cron, check.timezone, from_unix_ms(at_ms)))


def plausible_from(check: HeartbeatCheck, *, due_ms: int) -> int:
    """The earliest that a ping with this deadline is plausibly sent: not only when it is expected.

    What follows a period may come as much too early as grace lets it come too late; cron goes by clocks, which differ.
    """
    grace_ms = check.grace * 1000
    return due_ms - grace_ms - (grace_ms if check.cron is None else _CLOCKS_DIFFER_MS)


def around(check: HeartbeatCheck, *, missed_ms: int, now_ms: int) -> tuple[int, int]:
    """The newest deadline that has passed and the next one, of a heartbeat that has been silent since `missed_ms`.

    `missed_ms` is the first deadline that passed; from there on the schedule goes on, as if each ping were missed.
    """
    if check.cron is None:
        period_ms = expected_after(check, 0)
        newest = missed_ms + (now_ms - missed_ms) // period_ms * period_ms
        return newest, newest + period_ms
    grace_ms = check.grace * 1000
    until = now_ms - grace_ms
    newest = _newest(check, missed_ms - grace_ms, until) + grace_ms
    return max(missed_ms, newest), expected_after(check, until) + grace_ms


def _newest(check: HeartbeatCheck, since_ms: int, until_ms: int) -> int:
    """The last instant of the schedule in (since, until], or `since` if there is none: looked for ever further back."""
    back = _FIRST_LOOK_BACK_MS
    while True:
        start = max(since_ms, until_ms - back)
        at = expected_after(check, start)
        if at <= until_ms:
            break
        if start <= since_ms:
            return since_ms
        back *= 2
    while (following := expected_after(check, at)) <= until_ms:
        at = following
    return at
