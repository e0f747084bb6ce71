"""The server's clock on every answer: agents keep their schedule by it."""

from __future__ import annotations

from collections.abc import Mapping

from control_plane.web.call import Call
from shared.clock import to_unix_ms

HEADER = "X-Farwatch-Time-Ms"


def time_header(call: Call) -> Mapping[str, str]:
    """Unix milliseconds, as late before the answer as can be."""
    return {HEADER: str(to_unix_ms(call.deps.now()))}
