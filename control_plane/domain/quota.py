"""How many of each thing a plan allows. None is no limit."""

from __future__ import annotations

from collections.abc import Mapping

from control_plane.errors import Refused

LIMITS: Mapping[str, Mapping[str, int | None]] = {
    "unlimited": {"max_monitors": None, "max_channels": None, "keys": None, "maintenance": None},
    "free": {"max_monitors": 50, "max_channels": 10, "keys": 10, "maintenance": 10},
}


def limit_of(plan: str, quota: str) -> int | None:
    """The limit of a quota under a plan."""
    return LIMITS[plan][quota]


def require_room(plan: str, quota: str, *, current: int, more: int = 1) -> None:
    """Raise Refused QUOTA_EXCEEDED when `more` on top of `current` goes over the plan's limit."""
    limit = limit_of(plan, quota)
    if limit is None or current + more <= limit:
        return
    raise Refused(
        f"The plan {plan} allows {limit} of {quota} and {current} are there: remove some, or ask for another plan",
        code="QUOTA_EXCEEDED",
        details={"quota": quota, "current": current, "limit": limit, "plan": plan},
    )
