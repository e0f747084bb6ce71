"""What changed between two readings of a status page. What is not on the page cannot come out of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec
from msgspec import Struct

from control_plane.domain.judging.incident_rules import Phase, Severity
from control_plane.domain.pages.public_page import ComponentState, PublicIncident, PublicPage

PageEvent = Literal["component.changed", "incident.opened", "incident.updated", "incident.resolved"]


class ComponentChange(Struct, frozen=True, kw_only=True):
    """A component that is in another state, or new on the page."""

    id: UUID
    name: str
    status: ComponentState
    since: datetime


class IncidentChange(Struct, frozen=True, kw_only=True):
    """An incident as it is now; its updates are read from the page."""

    id: UUID
    title: str
    phase: Phase
    severity: Severity
    started_at: datetime
    resolved_at: datetime | None


class Change(Struct, frozen=True):
    """An event with what it tells."""

    event: PageEvent
    told: ComponentChange | IncidentChange


def reading_id(page: PublicPage) -> str:
    """The same for two readings between which nothing changed that events tell."""
    told = (
        [(str(each.id), each.state) for each in page.components],
        [(str(each.id), each.phase, each.updated_at) for each in page.incidents],
    )
    return hashlib.sha256(msgspec.json.encode(told)).hexdigest()[:16]


def changes(before: PublicPage, after: PublicPage) -> Iterator[Change]:
    """Components first, then incidents, each in the order of the page."""
    states = {each.id: each.state for each in before.components}
    for each in after.components:
        if states.get(each.id) != each.state:
            told = ComponentChange(id=each.id, name=each.name, status=each.state, since=each.since)
            yield Change("component.changed", told)
    known = {each.id: each for each in before.incidents}
    for incident in after.incidents:
        event = _event(known.get(incident.id), incident)
        if event is not None:
            yield Change(event, _told(incident))


def _event(before: PublicIncident | None, now: PublicIncident) -> PageEvent | None:
    if before is None:
        return "incident.opened" if now.resolved_at is None else "incident.resolved"
    if before.resolved_at is None and now.resolved_at is not None:
        return "incident.resolved"
    if before.resolved_at is not None and now.resolved_at is None:
        return "incident.opened"
    return "incident.updated" if before.updated_at != now.updated_at or before.phase != now.phase else None


def _told(incident: PublicIncident) -> IncidentChange:
    return IncidentChange(
        id=incident.id,
        title=incident.title,
        phase=incident.phase,
        severity=incident.impact,
        started_at=incident.started_at,
        resolved_at=incident.resolved_at,
    )
