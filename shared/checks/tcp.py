"""The `tcp` check: a connection, and optionally what is said over it."""

from __future__ import annotations

from msgspec import Struct


class TcpCheck(Struct, frozen=True, kw_only=True, tag_field="type", tag="tcp", forbid_unknown_fields=True):
    """Parameters of a `tcp` check. `timeout` and `degraded_above_ms` in ms.

    `send` is sent as UTF-8 once connected; `expect` is text that has to come within the timeout.
    """

    host: str
    port: int
    timeout: int = 10_000
    send: str | None = None
    expect: str | None = None
    degraded_above_ms: int | None = None
