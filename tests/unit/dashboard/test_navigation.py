"""The sections in every page's head."""

from __future__ import annotations

from control_plane.dashboard.navigation import MONITORS, SECTIONS, SETTINGS, tabs
from control_plane.domain.tenants.credentials import SCOPES


def test_only_what_may_be_opened_is_shown() -> None:
    assert [tab.name for tab in tabs("/app", {"monitors:read"})] == ["Monitors", "Reports", "Settings"]
    assert [tab.name for tab in tabs("/app", ())] == ["Settings"]


def test_a_page_is_in_the_section_that_its_path_begins_with_the_longest() -> None:
    def here(path: str) -> list[str]:
        return [tab.name for tab in tabs(path, SCOPES) if tab.here]

    assert here("/app") == here("/app/monitors/x") == ["Monitors"]
    assert here("/app/members") == here("/app/members/1") == here("/app/settings/keys") == ["Settings"]
    assert here("/app/channels/x") == here("/app/routes") == here("/app/silences/new") == ["Alerting"]
    assert here("/app/incidents/x") == ["Incidents"]
    assert here("/app/reports/2026-05") == ["Reports"]
    assert here("/app/heartbeats") == ["Monitors"]
    assert here("/docs") == []


def test_of_the_ways_of_looking_at_monitors_one_is_here() -> None:
    ways = tabs("/app/heartbeats", SCOPES, MONITORS)
    assert [way.name for way in ways] == ["Overview", "Heartbeats", "Dependencies"]
    assert [way.name for way in ways if way.here] == ["Heartbeats"]


def test_every_section_asks_for_a_scope_that_there_is_and_has_a_place_of_its_own() -> None:
    assert all(not section.scope or section.scope in SCOPES for section in (*SECTIONS, *SETTINGS, *MONITORS))
    assert len({section.path for section in SECTIONS}) == len(SECTIONS)
