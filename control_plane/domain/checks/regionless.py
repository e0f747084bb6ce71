"""Monitors of kinds that no region checks: which fields they have none of, and whom a composite may list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from control_plane.domain.checks.check_rules import RULES, rules_of
from control_plane.domain.checks.kinds import MonitorCheck
from control_plane.domain.field_rules import Findings
from control_plane.errors import BadRequest

CONFIRMATIONS = 1
"""Its one vote is derived: there is nothing to look at twice."""
_OF_REGIONS: Mapping[str, object] = {
    "interval": None,
    "regions": [],
    "region_policy": "majority",
    "confirmations": CONFIRMATIONS,
    "backoff_when_down": False,
}
"""Fields that say how regions check, and what may be sent for them besides null: what reads show."""


def is_regionless(body: Mapping[str, Any], stored: MonitorCheck | None) -> bool:
    """Whether the monitor that this body makes or changes is of a kind without regions."""
    if stored is not None:
        return rules_of(stored).regionless
    check = body.get("check")
    kind = check.get("type") if isinstance(check, dict) else None
    return isinstance(kind, str) and kind in RULES and RULES[kind].regionless


def kind_is_regionless(kind: str) -> bool:
    """Whether no region checks monitors of this kind."""
    return kind in RULES and RULES[kind].regionless


def without_regions(body: Mapping[str, Any], findings: Findings) -> dict[str, Any]:
    """The body without the fields that only regions need. Notes NOT_FOR_THIS_KIND for each that says something."""
    for field, nothing in _OF_REGIONS.items():
        if body.get(field) is not None and body[field] != nothing:
            message = f"{field} is for monitors that regions check; this kind has none: leave it out"
            findings.add(BadRequest(message, code="NOT_FOR_THIS_KIND", field=f"/{field}"))
    return {field: value for field, value in body.items() if field not in _OF_REGIONS}


def weigh_members(body: Mapping[str, Any], findings: Findings, monitors: Mapping[str, UUID]) -> None:
    """Note INVALID_COMPOSITE_PARAMS for each monitor that a composite lists and that is not there."""
    check = body.get("check")
    of = check.get("of") if isinstance(check, dict) else None
    listed = of.get("monitors") if isinstance(of, dict) else None
    for index, name in enumerate(listed if isinstance(listed, list) else []):
        if isinstance(name, str) and str(monitors.get(name.lower())) != name.lower():
            message, where = f"there is no monitor {name[:40]!r}", f"/check/of/monitors/{index}"
            findings.add(BadRequest(message, code="INVALID_COMPOSITE_PARAMS", field=where))


def timeout_ms(check: MonitorCheck) -> int:
    """How long the check may take; 0 for a kind that nobody runs."""
    return int(getattr(check, "timeout", 0))
