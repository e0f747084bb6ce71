"""The fields of a `ping` check."""

from __future__ import annotations

from functools import partial

from control_plane.domain.checks.check_field_rules import degraded_above, host, refuse_blocked_host, timeout
from control_plane.domain.checks.kind_rules import KindRules, Place
from control_plane.domain.field_rules import integer
from shared.checks.ping import PingCheck
from shared.netpolicy import Policy

MAX_COUNT = 10


def count(value: object, pointer: str) -> int:
    return integer(value, pointer, low=1, high=MAX_COUNT, code="INVALID_PING_PARAMS")


def max_loss(value: object, pointer: str) -> int:
    """Percent. Not 100: then nothing could ever be down."""
    return integer(value, pointer, low=0, high=99, code="INVALID_PING_PARAMS")


def refuse_blocked(check: PingCheck, policy: Policy, at: Place) -> None:
    """Raise BadRequest SSRF_BLOCKED."""
    refuse_blocked_host(check.host, policy, at("host"))


RULES = KindRules(
    fields={
        "host": partial(host, code="INVALID_URL_FORMAT"),
        "count": count,
        "max_loss_pct": max_loss,
        "timeout": timeout,
        "degraded_above_ms": degraded_above,
    },
    required=("host",),
    target=("host",),
    refuse_blocked=refuse_blocked,
)
