"""What the public may see of a status page.

These types cannot hold what is not public: no address of a check, no header, no credential, no error text, no evidence
and no id of a monitor has a field here (tests/unit/domain/pages/test_public_page.py walks them). All texts are people's
own words for the public, plain text, to be escaped by whoever shows them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from control_plane.domain.judging.incident_rules import Phase, Severity

ComponentState = Literal["operational", "degraded", "partial_outage", "major_outage", "maintenance", "no_data"]
Language = Literal["en", "de", "ar"]
IncidentKind = Literal["down", "degraded", "flapping"]


class PublicDay(Struct, frozen=True, kw_only=True):
    """A calendar day in UTC. Seconds of it that counted as down, degraded and maintenance; `uptime` in per cent.

    `uptime` is None when nothing is known of the day.
    """

    day: date
    state: ComponentState
    uptime: float | None
    down_s: int
    degraded_s: int
    maintenance_s: int


class PublicComponent(Struct, frozen=True, kw_only=True):
    """One line of the page. `uptime` in per cent over `days`; `days` oldest first, empty where uptime is not shown.

    `latency_ms`: what 95 of 100 checks of the last 24 whole hours did not exceed; None where it is not shown or known.
    `since`: when its verdict became what it is.
    """

    id: UUID
    name: str
    description: str
    state: ComponentState
    since: datetime
    uptime: float | None
    days: Sequence[PublicDay]
    latency_ms: float | None


class PublicGroup(Struct, frozen=True, kw_only=True):
    """Components under one heading, in the page's order; None is what stands under no heading."""

    name: str | None
    state: ComponentState
    components: Sequence[PublicComponent]


class PublicUpdate(Struct, frozen=True, kw_only=True):
    """What people told of an incident."""

    phase: Phase
    text: str
    at: datetime


class PublicIncident(Struct, frozen=True, kw_only=True):
    """An incident that touches the page. `components` are the names of those of this page, in its order.

    `updates` oldest first. `resolved_at` None: it goes on. `named`: people gave it its title; else that is a
    sentence in the page's language about a component.
    """

    id: UUID
    kind: IncidentKind
    title: str
    description: str
    phase: Phase
    impact: Severity
    started_at: datetime
    resolved_at: datetime | None
    updated_at: datetime
    components: Sequence[str]
    component_ids: Sequence[UUID]
    updates: Sequence[PublicUpdate]
    named: bool = True


class PublicMaintenance(Struct, frozen=True, kw_only=True):
    """One time that a public window holds: [starts_at, ends_at). `id` is the window's, shared by all its times.

    `changed_at`, `changes`: when people last changed the window, and how often.
    """

    id: UUID
    title: str
    description: str
    starts_at: datetime
    ends_at: datetime
    active: bool
    components: Sequence[str]
    component_ids: Sequence[UUID]
    changed_at: datetime
    changes: int = 0


class PublicBranding(Struct, frozen=True, kw_only=True):
    """Colours as #rrggbb, checked against both grounds (domain/pages/page_colours.py); None is Farwatch's own."""

    accent: str | None = None
    accent_dark: str | None = None
    background: str | None = None
    background_dark: str | None = None


class PublicNotice(Struct, frozen=True, kw_only=True):
    """What everybody who looks at this installation should know now."""

    message: str
    since: datetime


class PublicPage(Struct, frozen=True, kw_only=True):
    """A published page as of `as_of`. `state` is the header's verdict.

    `logo`: a token that changes with the picture, None without one. `listed` False: no search engine should find it.
    `protected`: only who knows the password may read it. `incidents`: open ones first, then newest first.
    `maintenance`: earliest first, active ones among them. `held`: what is over of it in the days shown, newest first.
    """

    slug: str
    title: str
    description: str
    language: Language
    header_text: str
    footer_text: str
    listed: bool
    protected: bool
    branding: PublicBranding
    logo: str | None
    show_uptime: bool
    show_latency: bool
    history_days: int
    state: ComponentState
    groups: Sequence[PublicGroup]
    incidents: Sequence[PublicIncident]
    maintenance: Sequence[PublicMaintenance]
    notice: PublicNotice | None
    as_of: datetime
    held: Sequence[PublicMaintenance] = ()

    @property
    def components(self) -> list[PublicComponent]:
        """All of them, in the page's order."""
        return [component for group in self.groups for component in group.components]

    @property
    def open_incidents(self) -> list[PublicIncident]:
        return [incident for incident in self.incidents if incident.resolved_at is None]
