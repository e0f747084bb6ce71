"""Which header names carry credentials: one rule, by which the control plane seals and the agent masks. Pure."""

from __future__ import annotations

import re

_SECRET_HEADER = re.compile(
    r"auth|cookie|token|secret|api[-_]?key|access[-_]?key|passw|credential|session|private[-_]?key|signature",
    re.IGNORECASE,
)


def is_secret_header(name: str) -> bool:
    """Whether a header of this name carries a credential: Authorization, Cookie, X-API-Key …"""
    return _SECRET_HEADER.search(name) is not None
