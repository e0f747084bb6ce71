"""The JSON of status pages: the public types, with the names that the rest of the API uses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from uuid import UUID

from msgspec import Struct

from control_plane.domain.judging.incident_rules import Phase, Severity
from control_plane.domain.pages.public_page import (
    ComponentState,
    IncidentKind,
    Language,
    PublicComponent,
    PublicIncident,
    PublicMaintenance,
    PublicNotice,
)
from control_plane.public_site.language import language
from control_plane.public_site.status_page_views import Wanted
from control_plane.services.pages.keep_public_pages import Copy


class ComponentReply(Struct, frozen=True, kw_only=True):
    """`uptime_pct` over the days that the page shows; null where it is not known or not shown."""

    id: UUID
    name: str
    description: str
    group: str | None
    status: ComponentState
    since: datetime
    uptime_pct: float | None
    latency_p95_ms: float | None


class DayReply(Struct, frozen=True, kw_only=True):
    """A calendar day in UTC."""

    date: date
    status: ComponentState
    uptime_pct: float | None
    down_secs: int
    degraded_secs: int
    maintenance_secs: int


class HistoryReply(Struct, frozen=True, kw_only=True):
    """The days of a component, oldest first. Empty where the page does not show uptime.

    `uptime_pct` is over all the days that the page shows, however many are asked for.
    """

    id: UUID
    name: str
    uptime_pct: float | None
    days: Sequence[DayReply]
    stale_since: datetime | None


class UpdateReply(Struct, frozen=True, kw_only=True):
    """What people told of an incident."""

    phase: Phase
    text: str
    at: datetime


class IncidentReply(Struct, frozen=True, kw_only=True):
    """An incident that touches the page. Updates oldest first."""

    id: UUID
    type: IncidentKind
    title: str
    description: str
    phase: Phase
    severity: Severity
    started_at: datetime
    resolved_at: datetime | None
    updated_at: datetime
    component_ids: Sequence[UUID]
    updates: Sequence[UpdateReply]


class MaintenanceReply(Struct, frozen=True, kw_only=True):
    """One time that a public window holds. `id` is the window's, shared by all its times."""

    id: UUID
    title: str
    description: str
    starts_at: datetime
    ends_at: datetime
    active: bool
    component_ids: Sequence[UUID]


class StatusReply(Struct, frozen=True, kw_only=True):
    """The page as of `as_of`. `stale_since` is that instant where it is not the present one: newer figures cannot be
    read at the moment. `verdict` is in the page's language.
    """

    slug: str
    title: str
    description: str
    language: Language
    status: ComponentState
    verdict: str
    as_of: datetime
    stale_since: datetime | None
    notice: PublicNotice | None
    components: Sequence[ComponentReply]
    incidents: Sequence[IncidentReply]
    """Open ones."""
    maintenance: Sequence[MaintenanceReply]


class ListReply(Struct, frozen=True, kw_only=True):
    """What every list of a page has around its items."""

    total: int
    limit: int
    offset: int
    stale_since: datetime | None


class PublicComponents(ListReply, frozen=True, kw_only=True):
    items: Sequence[ComponentReply]


class Incidents(ListReply, frozen=True, kw_only=True):
    """Open ones first, then the newest first: what ended within the days that the page shows, at most 100."""

    items: Sequence[IncidentReply]


class Maintenances(ListReply, frozen=True, kw_only=True):
    """Earliest first: what holds now, and what begins within 30 days."""

    items: Sequence[MaintenanceReply]


def status_reply(copy: Copy, wanted: Wanted) -> StatusReply:
    page = copy.page
    return StatusReply(
        slug=page.slug,
        title=page.title,
        description=page.description,
        language=page.language,
        status=page.state,
        verdict=language(page.language).say(f"verdict_{page.state}"),
        as_of=page.as_of,
        stale_since=copy.stale_since,
        notice=page.notice,
        components=list(component_replies(copy, wanted)),
        incidents=[incident_reply(each) for each in page.open_incidents],
        maintenance=[maintenance_reply(each) for each in page.maintenance],
    )


def component_replies(copy: Copy, wanted: Wanted) -> Iterator[ComponentReply]:
    for group in copy.page.groups:
        for each in group.components:
            if wanted.admits(group.name, each):
                yield component_reply(each, group.name)


def component_reply(each: PublicComponent, group: str | None) -> ComponentReply:
    return ComponentReply(
        id=each.id,
        name=each.name,
        description=each.description,
        group=group,
        status=each.state,
        since=each.since,
        uptime_pct=each.uptime,
        latency_p95_ms=each.latency_ms,
    )


def history_reply(copy: Copy, each: PublicComponent, *, days: int) -> HistoryReply:
    """The newest `days` of it."""
    told = [
        DayReply(
            date=day.day,
            status=day.state,
            uptime_pct=day.uptime,
            down_secs=day.down_s,
            degraded_secs=day.degraded_s,
            maintenance_secs=day.maintenance_s,
        )
        for day in each.days[-days:]
    ]
    return HistoryReply(id=each.id, name=each.name, uptime_pct=each.uptime, days=told, stale_since=copy.stale_since)


def incident_reply(each: PublicIncident) -> IncidentReply:
    return IncidentReply(
        id=each.id,
        type=each.kind,
        title=each.title,
        description=each.description,
        phase=each.phase,
        severity=each.impact,
        started_at=each.started_at,
        resolved_at=each.resolved_at,
        updated_at=each.updated_at,
        component_ids=each.component_ids,
        updates=[UpdateReply(phase=update.phase, text=update.text, at=update.at) for update in each.updates],
    )


def maintenance_reply(each: PublicMaintenance) -> MaintenanceReply:
    return MaintenanceReply(
        id=each.id,
        title=each.title,
        description=each.description,
        starts_at=each.starts_at,
        ends_at=each.ends_at,
        active=each.active,
        component_ids=each.component_ids,
    )
