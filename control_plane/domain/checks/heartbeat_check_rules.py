"""The fields of a `heartbeat` check.

The limits are those that the field has settled on: periods up to a year, a grace that a slow network cannot use up.
"""

from __future__ import annotations

from functools import partial

from control_plane.domain.checks.cron import read_cron, read_zone
from control_plane.domain.checks.heartbeat_check import HeartbeatCheck
from control_plane.domain.checks.kind_rules import KindRules, Place
from control_plane.domain.field_rules import integer, refuse
from shared.netpolicy import Policy

MIN_PERIOD_S = 30
MIN_GRACE_S = 10
MAX_S = 365 * 86_400

_seconds = partial(integer, high=MAX_S, code="INVALID_HEARTBEAT_PARAMS")


def period(value: object, pointer: str) -> int:
    return _seconds(value, pointer, low=MIN_PERIOD_S)


def grace(value: object, pointer: str) -> int:
    return _seconds(value, pointer, low=MIN_GRACE_S)


def refuse_conflicts(check: HeartbeatCheck, pointer: str) -> None:
    """Exactly one of period and cron. Raise BadRequest MISSING_FIELD or INVALID_HEARTBEAT_PARAMS."""
    if check.period is None and check.cron is None:
        message = "a heartbeat needs period, in seconds, or cron, such as */5 * * * *"
        refuse("MISSING_FIELD", message, f"{pointer}/period")
    if check.period is not None and check.cron is not None:
        message = "a heartbeat has either period or cron: send null for the one that is to go"
        refuse("INVALID_HEARTBEAT_PARAMS", message, f"{pointer}/cron")


def refuse_blocked(check: HeartbeatCheck, policy: Policy, at: Place) -> None:
    """Nothing is blocked: nobody is asked."""


RULES = KindRules(
    fields={"period": period, "cron": read_cron, "timezone": read_zone, "grace": grace, "max_run_s": grace},
    required=(),
    target=("period", "cron", "timezone"),
    refuse_blocked=refuse_blocked,
    refuse_conflicts=refuse_conflicts,
    fast_confirmation=False,
    regionless=True,
)
