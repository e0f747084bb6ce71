"""Events in plain words, from their own data; of whatever shape that is."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_plane.domain.alerting.event_words import SOMETHING, event_facts
from control_plane.domain.monitors.binding_rules import OTHER_EVENTS

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
MONITOR = {"id": str(UUID(int=1)), "number": 1, "name": "Shop", "kind": "http", "tags": [], "group": None}
INCIDENT = {
    "id": str(UUID(int=2)), "number": 4, "type": "down", "severity": "major", "state": "acknowledged",
    "started_at": "2026-05-01T11:00:00Z", "resolved_at": None, "cause": "timeout", "regions_down": ["eu"],
    "regions_up": [],
}  # fmt: skip
PLACE = {"id": "a", "name": "Berlin 1"}
SAID: dict[str, tuple[str, dict[str, Any], str]] = {
    "a change of verdict": (
        "verdict.changed",
        {"monitor": MONITOR, "previous": "up", "verdict": "down", "reason": "2 of 3 regions"},
        "Shop is down, it was up: 2 of 3 regions",
    ),
    "degraded": ("monitor.degraded", {"monitor": MONITOR, "reason": "slow"}, "Shop is degraded: slow"),
    "recovered": ("monitor.recovered", {"monitor": MONITOR, "reason": ""}, "Shop is up again"),
    "missed": ("heartbeat.missed", {"monitor": MONITOR}, "Shop has not been pinged in time"),
    "acknowledged": ("incident.acknowledged", {"incident": INCIDENT, "reason": "By Ada"}, "By Ada"),
    "a new certificate": (
        "certificate.alert",
        {"monitor": MONITOR, "kind": "changed", "subject": "shop.example", "issuer": "CA"}
        | {"not_after": "2026-07-31T00:00:00Z"},
        "Shop shows another TLS certificate: shop.example, issued by CA, expires in 90 days",
    ),
    "a certificate near its end": (
        "certificate.alert",
        {"monitor": MONITOR, "kind": "expiring", "not_after": "2026-05-08T12:00:00Z"},
        "TLS certificate of Shop expires in 7 days",
    ),
    "a window begins": (
        "maintenance.started",
        {"window": {"title": "Upkeep"}, "starts_at": "2026-05-01T12:00:00Z", "ends_at": "2026-05-01T14:05:00Z"},
        "Maintenance “Upkeep” has begun, until 14:05 UTC",
    ),
    "a window ends": ("maintenance.ended", {"window": {"title": "Upkeep"}}, "Maintenance “Upkeep” is over"),
    "an agent": ("agent.offline", {"agent": PLACE, "incident": INCIDENT, "reason": "It is silent"}, "It is silent"),
}  # fmt: skip


@pytest.mark.parametrize("case", SAID)
def test_it_is_said_in_plain_words(case: str) -> None:
    event, data, words = SAID[case]
    assert event_facts(event, json.dumps(data), at=AT).reason == words


def test_the_monitor_and_the_incident_are_told_and_the_fleets_incident_is_none_of_the_tenants() -> None:
    told = event_facts("incident.acknowledged", json.dumps({"monitor": MONITOR, "incident": INCIDENT}), at=AT)
    assert told.monitor is not None
    assert told.incident is not None
    assert (told.monitor.name, told.incident.number) == ("Shop", 4)
    assert event_facts("region.silent", json.dumps({"incident": INCIDENT}), at=AT).incident is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda c: st.lists(c) | st.dictionaries(st.text(), c)
)
FIELDS = st.sampled_from(["monitor", "incident", "reason", "window", "ends_at", "not_after", "kind", "verdict"])


@given(st.sampled_from(OTHER_EVENTS), st.dictionaries(FIELDS, JSON) | JSON)
def test_data_of_any_shape_are_told_somehow(event: str, data: object) -> None:
    assert event_facts(event, json.dumps(data), at=AT).reason != ""


def test_what_has_no_words_says_so() -> None:
    assert event_facts("agent.new", "{}", at=AT).reason == SOMETHING
