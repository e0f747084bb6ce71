"""What the public is told of a component, of a day and of a whole page.

maintenance > major_outage (down, and up from nowhere) > partial_outage > degraded > operational; no_data where nothing
is known, which is never called operational.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from control_plane.domain.pages.public_page import ComponentState
from control_plane.domain.uptime.availability import Durations

BADNESS: Mapping[ComponentState, int] = {
    "operational": 0,
    "no_data": 1,
    "maintenance": 2,
    "degraded": 3,
    "partial_outage": 4,
    "major_outage": 5,
}
"""How states rank when many are told as one."""

DECLARED: Mapping[str, ComponentState] = {
    "minor": "degraded",
    "major": "partial_outage",
    "critical": "major_outage",
}
"""The least that a page says while an incident of this severity is open that a person declared."""


def component_state(*, shown: str, regions_up: int) -> ComponentState:
    """Of a monitor: `shown` is its verdict, `maintenance` or `paused`; `regions_up` those whose vote is up now."""
    match shown:
        case "maintenance":
            return "maintenance"
        case "down":
            return "partial_outage" if regions_up else "major_outage"
        case "degraded":
            return "degraded"
        case "up":
            return "operational"
        case _:
            return "no_data"


def worst(states: Iterable[ComponentState]) -> ComponentState:
    """The worst of them; of none there is no data."""
    return max(states, key=BADNESS.__getitem__, default="no_data")


def day_state(of: Durations) -> ComponentState:
    """A day in one word: an outage is major when half of what is known of the day was down."""
    if not of.known:
        return "maintenance" if of.maintenance else "no_data"
    if of.down:
        return "major_outage" if of.down * 2 >= of.known else "partial_outage"
    return "degraded" if of.degraded else "operational"


def page_state(components: Iterable[ComponentState], *, declared: Iterable[str] = ()) -> ComponentState:
    """The header's verdict: the worst component, or what the severities of open declared incidents call for."""
    return worst([*components, *(DECLARED[severity] for severity in declared)])
