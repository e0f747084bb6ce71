"""What changed between two readings of a page."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec

from control_plane.domain.pages.public_page import (
    ComponentState,
    PublicBranding,
    PublicComponent,
    PublicGroup,
    PublicIncident,
    PublicPage,
)
from control_plane.services.pages.page_changes import changes, reading_id

NOON = datetime(2026, 5, 20, 12, tzinfo=UTC)


def component(number: int, state: ComponentState = "operational") -> PublicComponent:
    return PublicComponent(
        id=UUID(int=number), name=f"c{number}", description="", state=state, since=NOON, uptime=None, days=(),
        latency_ms=None,
    )  # fmt: skip


def incident(number: int, *, resolved: bool = False, minutes: int = 0) -> PublicIncident:
    changed = NOON + timedelta(minutes=minutes)
    return PublicIncident(
        id=UUID(int=number), kind="down", title=f"i{number}", description="",
        phase="resolved" if resolved else "investigating", impact="major", started_at=NOON,
        resolved_at=changed if resolved else None, updated_at=changed, components=("c1",), component_ids=(),
        updates=(),
    )  # fmt: skip


def page(components: Sequence[PublicComponent], incidents: Sequence[PublicIncident] = ()) -> PublicPage:
    group = PublicGroup(name=None, state="operational", components=components)
    return PublicPage(
        slug="acme", title="Acme", description="", language="en", header_text="", footer_text="", listed=True,
        protected=False, branding=PublicBranding(), logo=None, show_uptime=True, show_latency=True, history_days=90,
        state="operational", groups=(group,), incidents=incidents, maintenance=(), notice=None, as_of=NOON,
    )  # fmt: skip


def told(before: PublicPage, after: PublicPage) -> list[tuple[str, int]]:
    return [(change.event, change.told.id.int) for change in changes(before, after)]


def test_nothing_changed_is_nothing_told() -> None:
    same = page([component(1)], [incident(9)])
    later = msgspec.structs.replace(same, as_of=NOON + timedelta(hours=1))
    assert told(same, later) == []
    assert reading_id(same) == reading_id(later)


def test_a_component_in_another_state_and_a_new_one_are_told() -> None:
    before, after = page([component(1), component(2)]), page([component(1, "degraded"), component(2), component(3)])
    assert told(before, after) == [("component.changed", 1), ("component.changed", 3)]
    assert reading_id(before) != reading_id(after)


def test_an_incident_is_opened_updated_resolved_and_opened_again() -> None:
    steps = [[], [incident(9)], [incident(9, minutes=1)], [incident(9, resolved=True, minutes=2)], [incident(9)]]
    pages = [page([component(1)], step) for step in steps]
    events = [told(before, after) for before, after in itertools.pairwise(pages)]
    assert events == [
        [("incident.opened", 9)],
        [("incident.updated", 9)],
        [("incident.resolved", 9)],
        [("incident.opened", 9)],
    ]


def test_what_came_and_went_between_two_readings_is_told_as_resolved() -> None:
    assert told(page([]), page([], [incident(9, resolved=True)])) == [("incident.resolved", 9)]
