"""What a tenant's stream calls the troubles of its private regions."""

from __future__ import annotations

import pytest

from control_plane.domain.alerting.operator_notice import AGENT_EVENTS, event_of
from control_plane.domain.fleet.fleet import AGENT_KINDS
from control_plane.domain.fleet.fleet_regions import COVERAGE_LOST, REGION_SILENT


@pytest.mark.parametrize(
    ("kind", "opened", "resolved"),
    [
        ("agent_offline", "agent.offline", "agent.recovered"),
        ("agent_saturated", "agent.saturated", "agent.recovered"),
        ("region_silent", "region.silent", "region.recovered"),
        ("coverage_lost", "region.coverage_lost", "region.recovered"),
    ],
)
def test_an_incident_of_the_fleet_is_an_event(kind: str, opened: str, resolved: str) -> None:
    assert event_of(kind, resolved=False) == opened
    assert event_of(kind, resolved=True) == resolved


def test_every_event_that_is_told_is_one_that_streams_offer() -> None:
    kinds = (*AGENT_KINDS, REGION_SILENT, COVERAGE_LOST)
    assert {event_of(kind, resolved=end) for kind in kinds for end in (False, True)} == set(AGENT_EVENTS)
