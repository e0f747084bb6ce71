"""The `heartbeat` check: what a monitor waits for instead of asking. Known to the control plane only."""

from __future__ import annotations

from msgspec import Struct


class HeartbeatCheck(Struct, frozen=True, kw_only=True, tag_field="type", tag="heartbeat", forbid_unknown_fields=True):
    """When the next ping is expected. All durations in seconds.

    Either `period`, counted from the last ping, or `cron`, five fields in the local time of `timezone` (an IANA name).
    A ping that is `grace` later than expected is missed. A run has to end within `max_run_s` of its start; where that
    is null, before the next ping after its start would be missed.
    """

    period: int | None = None
    cron: str | None = None
    timezone: str = "UTC"
    grace: int = 3600
    max_run_s: int | None = None
