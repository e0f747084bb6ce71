"""The `ping` check: ICMP echo requests."""

from __future__ import annotations

from msgspec import Struct


class PingCheck(Struct, frozen=True, kw_only=True, tag_field="type", tag="ping", forbid_unknown_fields=True):
    """Parameters of a `ping` check. `timeout` and `degraded_above_ms` (of the mean round trip) in ms.

    `count` echo requests are sent; when more than `max_loss_pct` percent of them stay unanswered the target is down.
    """

    host: str
    count: int = 3
    max_loss_pct: int = 50
    timeout: int = 10_000
    degraded_above_ms: int | None = None
