"""From what the public may see to what the templates of status pages show: words, instants and shapes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from msgspec import Struct

from control_plane.domain.pages.public_page import (
    PublicComponent,
    PublicGroup,
    PublicIncident,
    PublicMaintenance,
    PublicPage,
)
from control_plane.public_site.language import Language, language
from control_plane.public_site.status_page_bars import Bars, bars

RECENT_DAYS = 14
"""Resolved incidents that stand on the page itself; what is older is in the history."""

SEARCH_LIMIT = 100


class Moment(NamedTuple):
    """An instant for <time>: what programs read, and what people do."""

    iso: str
    text: str


class Wanted(Struct, frozen=True, kw_only=True):
    """What a reader asked to see of a page; empty: everything."""

    search: str = ""
    status: str = ""
    group: str = ""

    @property
    def all(self) -> bool:
        return not (self.search or self.status or self.group)

    def admits(self, group: str | None, component: PublicComponent) -> bool:
        text = f"{component.name} {component.description} {group or ''}".casefold()
        return (
            self.search.casefold() in text
            and self.status in ("", component.state)
            and self.group.casefold() in ("", (group or "").casefold())
        )


class ComponentView(Struct, frozen=True):
    id: UUID
    name: str
    description: str
    status: str
    uptime: str
    latency: str
    bars: Bars | None


class GroupView(Struct, frozen=True):
    """`name` is empty for what stands under no heading. `open`: something in it is not as it should be."""

    name: str
    status: str
    open: bool
    components: tuple[ComponentView, ...]


class UpdateView(Struct, frozen=True):
    phase: str
    at: Moment
    text: str


class IncidentView(Struct, frozen=True):
    id: UUID
    title: str
    named: bool
    description: str
    severity: str
    phase: str
    is_open: bool
    started: Moment
    ended: Moment | None
    lasted: str
    components: tuple[str, ...]
    updates: tuple[UpdateView, ...]
    """Newest first."""


class WindowView(Struct, frozen=True):
    id: UUID
    title: str
    description: str
    active: bool
    begins: Moment
    ends: Moment
    lasted: str
    components: tuple[str, ...]


class MonthView(Struct, frozen=True):
    """A calendar month in UTC with the incidents that began in it, and the maintenance that is over."""

    name: str
    incidents: tuple[IncidentView, ...]
    windows: tuple[WindowView, ...]


class PageView(Struct, frozen=True, kw_only=True):
    """Everything that the living part of a page shows."""

    words: Language
    status: str
    verdict: str
    groups: tuple[GroupView, ...]
    group_names: tuple[str, ...]
    has_components: bool
    current: tuple[IncidentView, ...]
    running: tuple[WindowView, ...]
    planned: tuple[WindowView, ...]
    recent: tuple[IncidentView, ...]
    recent_none: str
    days: int
    as_of: Moment


def page_view(page: PublicPage, wanted: Wanted) -> PageView:
    """The page as its reader wants it. Filters leave out components only: what is wrong is always told."""
    words = language(page.language)
    since = page.as_of - timedelta(days=RECENT_DAYS)
    over = [each for each in page.incidents if each.resolved_at is not None and each.resolved_at >= since]
    windows = [window_view(each, words) for each in page.maintenance]
    return PageView(
        words=words,
        status=page.state,
        verdict=words.say(f"verdict_{page.state}"),
        groups=tuple(_groups(page, wanted, words)),
        group_names=tuple(group.name for group in page.groups if group.name),
        has_components=bool(page.components),
        current=tuple(incident_view(each, words, now=page.as_of) for each in page.open_incidents),
        running=tuple(each for each in windows if each.active),
        planned=tuple(each for each in windows if not each.active),
        recent=tuple(incident_view(each, words, now=page.as_of) for each in over),
        recent_none=words.count("recent_none", RECENT_DAYS),
        days=page.history_days,
        as_of=moment(page.as_of, words),
    )


def _groups(page: PublicPage, wanted: Wanted, words: Language) -> list[GroupView]:
    shown = []
    for group in page.groups:
        components = [each for each in group.components if wanted.admits(group.name, each)]
        if components:
            shown.append(_group(group, components, words, opened=not wanted.all))
    return shown


def _group(group: PublicGroup, components: Sequence[PublicComponent], words: Language, *, opened: bool) -> GroupView:
    return GroupView(
        name=group.name or "",
        status=group.state,
        open=opened or group.state not in ("operational", "no_data") or len(components) <= 5,
        components=tuple(_component(each, words) for each in components),
    )


def _component(component: PublicComponent, words: Language) -> ComponentView:
    shown = bool(component.days)
    return ComponentView(
        id=component.id,
        name=component.name,
        description=component.description,
        status=component.state,
        uptime=_uptime(component, words) if shown else "",
        latency=""
        if component.latency_ms is None
        else words.say("latency", time=words.say("milliseconds", n=f"{component.latency_ms:.0f}")),
        bars=bars(component.days, words) if shown else None,
    )


def _uptime(component: PublicComponent, words: Language) -> str:
    if component.uptime is None:
        return words.say("uptime_unknown")
    return words.say("uptime", uptime=words.per_cent(component.uptime))


def incident_view(incident: PublicIncident, words: Language, *, now: datetime) -> IncidentView:
    ended = incident.resolved_at
    return IncidentView(
        id=incident.id,
        title=incident.title,
        named=incident.named,
        description=incident.description,
        severity=incident.impact,
        phase=incident.phase,
        is_open=ended is None,
        started=moment(incident.started_at, words),
        ended=None if ended is None else moment(ended, words),
        lasted=words.lasting((ended or now) - incident.started_at),
        components=tuple(incident.components),
        updates=tuple(UpdateView(each.phase, moment(each.at, words), each.text) for each in reversed(incident.updates)),
    )


def window_view(window: PublicMaintenance, words: Language) -> WindowView:
    return WindowView(
        id=window.id,
        title=window.title,
        description=window.description,
        active=window.active,
        begins=moment(window.starts_at, words),
        ends=moment(window.ends_at, words),
        lasted=words.lasting(window.ends_at - window.starts_at),
        components=tuple(window.components),
    )


def months(
    incidents: Sequence[PublicIncident],
    held: Sequence[PublicMaintenance],
    *,
    newest: date,
    count: int,
    page: PublicPage,
) -> list[MonthView]:
    """The `count` months up to that of `newest`, the newest first, each with what began in it."""
    words = language(page.language)
    found = []
    for first in _months_down(newest, count):
        began = [each for each in incidents if _month_of(each.started_at) == first]
        views = tuple(incident_view(each, words, now=page.as_of) for each in began)
        windows = tuple(window_view(each, words) for each in held if _month_of(each.starts_at) == first)
        found.append(MonthView(words.month(first), views, windows))
    return found


def _months_down(newest: date, count: int) -> list[date]:
    found = [newest.replace(day=1)]
    while len(found) < count:
        found.append((found[-1] - timedelta(days=1)).replace(day=1))
    return found


def _month_of(at: datetime) -> date:
    return at.astimezone(UTC).date().replace(day=1)


def moment(at: datetime, words: Language) -> Moment:
    return Moment(f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}", words.at(at))
