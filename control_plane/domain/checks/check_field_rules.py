"""Fields that several kinds of check have: hosts, ports, times, days of warning."""

from __future__ import annotations

from control_plane.domain.field_rules import integer, refuse, text
from shared.netpolicy import Policy, UrlRefused, judge_host_text, judge_port, parse_host_text

MIN_TIMEOUT_MS = 1_000
MAX_TIMEOUT_MS = 60_000
MAX_WARN_DAYS = 365
_HOST_LIMIT = 1024
"""Characters of a host as written; the grammar has tighter limits for its labels and its encoded form."""


def timeout(value: object, pointer: str) -> int:
    """Milliseconds."""
    return integer(value, pointer, low=MIN_TIMEOUT_MS, high=MAX_TIMEOUT_MS, code="INVALID_TIMEOUT")


def degraded_above(value: object, pointer: str) -> int:
    """Milliseconds."""
    return integer(value, pointer, low=1, high=MAX_TIMEOUT_MS, code="INVALID_DEGRADED_ABOVE")


def host(value: object, pointer: str, *, code: str) -> str:
    """A name or an IP literal that stands alone, kept as written. Whether it may be reached is for `refuse_blocked`."""
    written = text(value, pointer, code=code, low=1, high=_HOST_LIMIT)
    try:
        parse_host_text(written)
    except UrlRefused as refused:
        if ":" in written or "/" in written:
            refuse(code, "this is a name or an IP address alone: without scheme, port and path", pointer)
        refuse(code, refused.message, pointer)
    return written


def dns_name(value: object, pointer: str, *, code: str) -> str:
    """A host that is a name and no IP literal, kept as written."""
    written = host(value, pointer, code=code)
    if parse_host_text(written).is_literal:
        refuse(code, "this must be a DNS name, not an IP address", pointer)
    return written


def port(value: object, pointer: str, *, code: str) -> int:
    return integer(value, pointer, low=1, high=65_535, code=code)


def refuse_blocked_host(written: str, policy: Policy, pointer: str) -> None:
    """Raise BadRequest SSRF_BLOCKED for a literal or a special name that the policy does not let through."""
    try:
        judge_host_text(parse_host_text(written), policy)
    except UrlRefused as refused:
        refuse(refused.code, refused.message, pointer, refused.details or None)


def refuse_blocked_port(number: int, policy: Policy, pointer: str) -> None:
    """Raise BadRequest PORT_BLOCKED for a port outside the profile of TCP ports."""
    try:
        judge_port(number, policy)
    except UrlRefused as refused:
        refuse(refused.code, refused.message, pointer, refused.details or None)


def warn_days(value: object, pointer: str, *, code: str) -> int:
    return integer(value, pointer, low=1, high=MAX_WARN_DAYS, code=code)


def critical_days(value: object, pointer: str, *, code: str) -> int:
    """0: down only once it has expired."""
    return integer(value, pointer, low=0, high=MAX_WARN_DAYS - 1, code=code)


def refuse_late_warning(*, warn: int, critical: int, pointer: str, code: str) -> None:
    """Raise BadRequest unless the warning comes before the alarm."""
    if warn <= critical:
        refuse(
            code,
            f"warn_days is {warn} and must be more than critical_days, {critical}: raise it, or lower critical_days",
            f"{pointer}/warn_days",
        )
