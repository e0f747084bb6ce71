"""What a plan says of one monitor."""

from __future__ import annotations

from control_plane.domain import field_rules
from control_plane.domain.checks.check_rules import rules_of
from control_plane.domain.checks.kinds import MonitorCheck, kind_of
from control_plane.domain.tenants.plan import PlanTerms, interval_floor_s, require_check_kind, require_regions


def floor_of(terms: PlanTerms, check: MonitorCheck) -> int:
    """The least interval of such a check in seconds. Kinds without regions send nothing: the plan bounds them not."""
    rules = rules_of(check)
    if rules.regionless:
        return rules.interval_floor_s
    return interval_floor_s(terms, kind_floor_s=rules.interval_floor_s)


def refuse_beyond_plan(terms: PlanTerms, check: MonitorCheck, *, interval_s: int, regions: int) -> None:
    """Raise Forbidden PLAN_FEATURE or Refused MIN_CHECK_INTERVAL when a new monitor may not be like this."""
    require_check_kind(terms, kind_of(check))
    require_regions(terms, regions)
    field_rules.interval_floor(interval_s, floor_s=floor_of(terms, check))
