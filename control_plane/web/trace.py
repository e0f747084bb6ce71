"""Trace ids: the caller's, when it sends a `traceparent` (W3C Trace Context), or a new one."""

from __future__ import annotations

import re
import secrets
from random import getrandbits

from aiohttp import web

_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?")
TRACE_ID = web.RequestKey("trace_id", str)
OPERATION = web.RequestKey("operation", str)
"""The operation of the route that took the request: what metrics and logs call it."""


def trace_id_of(header: str | None) -> str:
    """The trace id in a `traceparent` header, or a fresh one when there is none or it is malformed."""
    match = _TRACEPARENT.fullmatch(header) if header else None
    if match and int(match[1], 16) and int(match[2], 16):
        return match[1]
    return f"{getrandbits(128):032x}"  # an id to find a log line by, not a secret


def response_traceparent(trace_id: str) -> str:
    """The `traceparent` that answers: the same trace, a span of ours."""
    return f"00-{trace_id}-{secrets.token_hex(8)}-00"
