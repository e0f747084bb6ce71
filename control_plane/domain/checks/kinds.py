"""The kinds of monitor: those that regions check, and those without regions, which only the control plane knows."""

from __future__ import annotations

from typing import cast

from control_plane.domain.checks.composite_check import CompositeCheck
from control_plane.domain.checks.heartbeat_check import HeartbeatCheck
from shared.checks import CHECKS, Check

MonitorCheck = Check | HeartbeatCheck | CompositeCheck
"""What a monitor may be, told apart by `type`."""

SPECS: dict[str, type[MonitorCheck]] = {**CHECKS, "heartbeat": HeartbeatCheck, "composite": CompositeCheck}

_NAMES = {spec: name for name, spec in SPECS.items()}


def kind_of(check: MonitorCheck) -> str:
    """The `type` of a check."""
    return _NAMES[type(check)]


def for_regions(check: MonitorCheck) -> Check:
    """A check of a kind that regions run. Raises TypeError for one that they do not: callers know the kind."""
    if kind_of(check) not in CHECKS:
        raise TypeError(f"no region runs a {kind_of(check)}")
    return cast("Check", check)
