"""What a component, a day and a page are called, as a table."""

from __future__ import annotations

import pytest

from control_plane.domain.pages.public_page import ComponentState
from control_plane.domain.pages.public_state import component_state, day_state, page_state, worst
from control_plane.domain.pages.public_words import incident_title
from control_plane.domain.uptime.availability import Durations


@pytest.mark.parametrize(
    ("shown", "regions_up", "state"),
    [
        ("up", 3, "operational"),
        ("degraded", 3, "degraded"),
        ("down", 1, "partial_outage"),
        ("down", 0, "major_outage"),
        ("maintenance", 0, "maintenance"),
        ("unknown", 1, "no_data"),
        ("paused", 3, "no_data"),
    ],
)
def test_a_component_is_what_its_monitor_proves(shown: str, regions_up: int, state: ComponentState) -> None:
    assert component_state(shown=shown, regions_up=regions_up) == state


@pytest.mark.parametrize(
    ("of", "state"),
    [
        (Durations(), "no_data"),
        (Durations(unknown=10, paused=5), "no_data"),
        (Durations(maintenance=10), "maintenance"),
        (Durations(up=10, maintenance=10), "operational"),
        (Durations(up=10, degraded=1), "degraded"),
        (Durations(up=10, degraded=1, down=1), "partial_outage"),
        (Durations(up=10, down=10), "major_outage"),
        (Durations(down=1, unknown=100), "major_outage"),
    ],
)
def test_a_day_is_called_by_the_worst_of_it(of: Durations, state: ComponentState) -> None:
    assert day_state(of) == state


def test_many_are_told_as_the_worst_and_what_is_unknown_is_not_operational() -> None:
    assert worst([]) == "no_data"
    assert worst(["operational", "no_data"]) == "no_data"
    assert worst(["no_data", "maintenance", "operational"]) == "maintenance"
    assert worst(["degraded", "partial_outage", "maintenance"]) == "partial_outage"
    assert worst(["major_outage", "partial_outage"]) == "major_outage"


def test_what_people_declare_is_told_even_where_all_checks_are_well() -> None:
    assert page_state(["operational"], declared=["minor"]) == "degraded"
    assert page_state(["operational"], declared=["minor", "critical"]) == "major_outage"
    assert page_state(["major_outage"], declared=["minor"]) == "major_outage"


def test_an_incident_without_a_public_title_is_called_after_its_components() -> None:
    assert incident_title("Slow", kind="down", names=["Shop"], language="en") == "Slow"
    assert incident_title(None, kind="down", names=["Shop {0}"], language="en") == "Shop {0} is down"
    assert incident_title(None, kind="flapping", names=["Shop"], language="de") == "Shop ist instabil"
    assert incident_title(None, kind="degraded", names=["A", "B", "C"], language="en") == "A and 2 more are degraded"
    assert incident_title(None, kind="down", names=["A", "{B}"], language="ar") == "\u2068A\u2069 (+1): انقطاع الخدمة"
