"""What a page has to tell is the difference between what it shows and what it has told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import structs

from control_plane.domain.pages.page_news import Key, LastTold, News, Told, news_of
from control_plane.domain.pages.public_page import PublicIncident, PublicMaintenance, PublicUpdate

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
INCIDENT, WINDOW, COMPONENT = UUID(int=1), UUID(int=2), UUID(int=3)


def incident(**over: Any) -> PublicIncident:
    given: dict[str, Any] = {
        "id": INCIDENT, "kind": "down", "title": "API is down", "description": "", "phase": "investigating",
        "impact": "major", "started_at": NOW - MINUTE, "resolved_at": None, "updated_at": NOW - MINUTE,
        "components": ["API"], "component_ids": [COMPONENT], "updates": [], **over,
    }  # fmt: skip
    return PublicIncident(**given)


def window(starts: datetime, *, lasts: timedelta = HOUR, at: datetime = NOW) -> PublicMaintenance:
    return PublicMaintenance(
        id=WINDOW, title="Disks", description="", starts_at=starts, ends_at=starts + lasts, active=starts <= at,
        components=["API"], component_ids=[COMPONENT], changed_at=NOW,
    )  # fmt: skip


class Story:
    """Looks at a page one after another, and remembers what was told."""

    def __init__(self) -> None:
        self.last: dict[Key, LastTold] = {}

    def look(
        self, *incidents: PublicIncident, maintenance: tuple[PublicMaintenance, ...] = (), now: datetime = NOW
    ) -> list[News]:
        found = news_of(incidents=incidents, maintenance=maintenance, last=self.last, now=now)
        for one in found:
            self.last[one.key] = LastTold(
                subject=one.subject, begins_at=one.begins_at, event=one.event,
                component_ids=one.component_ids, told=one.told, upto=one.upto,
            )  # fmt: skip
        return found

    def events(self, *incidents: PublicIncident, **more: Any) -> list[str]:
        return [one.event for one in self.look(*incidents, **more)]


def said(text: str, at: datetime) -> PublicUpdate:
    return PublicUpdate(phase="identified", text=text, at=at)


def test_an_incident_is_told_when_it_opens_is_updated_ends_and_comes_back_and_never_twice() -> None:
    story, opened = Story(), incident()
    assert story.events(opened) == ["incident.opened"]
    assert story.events(opened) == []
    two = [said("One", NOW), said("Two", NOW + MINUTE)]
    updated = structs.replace(opened, updates=two, updated_at=NOW + MINUTE)
    [news] = story.look(updated)
    assert (news.event, news.told.texts) == ("incident.updated", ["One", "Two"])
    assert story.events(updated) == []
    over = structs.replace(updated, resolved_at=NOW + HOUR, updated_at=NOW + HOUR)
    assert story.events(over) == ["incident.resolved"]
    assert story.events(over) == []
    [again] = story.look(structs.replace(updated, updated_at=NOW + 2 * HOUR))
    assert (again.event, again.told.reopened) == ("incident.opened", True)
    assert story.events(structs.replace(over, resolved_at=NOW + 3 * HOUR)) == ["incident.resolved"]
    told_later = [*two, said("What it was", NOW + 4 * HOUR)]
    assert story.events(structs.replace(over, updates=told_later, updated_at=NOW + 4 * HOUR)) == ["incident.updated"]


def test_what_was_over_or_old_before_anybody_looked_is_no_news() -> None:
    story = Story()
    assert story.events(incident(resolved_at=NOW)) == []
    long_ago = incident(started_at=NOW - 48 * HOUR, updated_at=NOW - 48 * HOUR)
    assert story.events(long_ago) == []
    spoken = structs.replace(long_ago, updates=[said("Still", NOW)], updated_at=NOW)
    assert story.events(spoken) == ["incident.updated"], "whoever heard nothing of it yet hears of it now"


def test_maintenance_is_told_when_it_is_planned_begins_and_ends() -> None:
    story, planned = Story(), window(NOW + HOUR)
    assert story.events(maintenance=(planned,)) == ["maintenance.scheduled"]
    assert story.events(maintenance=(planned,)) == []
    under_way = structs.replace(planned, active=True)
    assert story.events(maintenance=(under_way,), now=NOW + HOUR) == ["maintenance.started"]
    assert story.events(maintenance=(under_way,), now=NOW + HOUR) == []
    assert story.events(now=NOW + 2 * HOUR) == ["maintenance.ended"]
    assert story.events(now=NOW + 2 * HOUR) == []


def test_maintenance_that_is_called_off_or_moved_is_told() -> None:
    story = Story()
    story.look(maintenance=(window(NOW + HOUR),))
    moved = window(NOW + 5 * HOUR)
    assert story.events(maintenance=(moved,)) == ["maintenance.cancelled"]
    assert story.events() == []


def test_of_a_window_that_comes_every_night_the_first_time_is_announced_and_each_is_told() -> None:
    story, day = Story(), 24 * HOUR
    nights = tuple(window(NOW + HOUR + n * day) for n in range(3))
    assert story.events(maintenance=nights) == ["maintenance.scheduled"]
    first = structs.replace(nights[0], active=True)
    assert story.events(maintenance=(first, *nights[1:]), now=NOW + HOUR) == ["maintenance.started"]
    assert story.events(maintenance=nights[1:], now=NOW + 2 * HOUR) == ["maintenance.ended"]
    second = structs.replace(nights[1], active=True)
    assert story.events(maintenance=(second, nights[2]), now=NOW + HOUR + day) == ["maintenance.started"]


def test_what_is_told_has_no_field_that_the_page_has_not() -> None:
    shown = {*PublicIncident.__struct_fields__, *PublicMaintenance.__struct_fields__}
    assert {*Told.__struct_fields__} - shown == {"texts", "reopened"}
