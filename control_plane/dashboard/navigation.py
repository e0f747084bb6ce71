"""The sections of the dashboard, as they stand in every page's head: one line for each, in their order. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from msgspec import Struct


class Section(Struct, frozen=True):
    """A section: where it begins, what it is called, the scope without which it is not shown (none: shown to all), and
    the paths elsewhere that are of it.
    """

    path: str
    name: str
    scope: str = ""
    also: tuple[str, ...] = ()


SECTIONS: tuple[Section, ...] = (
    Section("/app", "Monitors", "monitors:read"),
    Section("/app/incidents", "Incidents", "incidents:read"),
    Section("/app/maintenance", "Maintenance", "maintenance:read"),
    Section("/app/channels", "Alerting", "channels:read", also=("/app/routes", "/app/silences")),
    Section("/app/status-pages", "Status pages", "status-pages:read"),
    Section("/app/reports", "Reports", "monitors:read"),
    Section("/app/regions", "Regions", "regions:read"),
    Section("/app/settings", "Settings", also=("/app/members", "/app/sessions")),
)

MONITORS: tuple[Section, ...] = (
    Section("/app", "Overview", "monitors:read"),
    Section("/app/heartbeats", "Heartbeats", "heartbeats:read"),
    Section("/app/dependencies", "Dependencies", "monitors:read"),
)
"""The ways of looking at monitors, which stand above each of these pages."""

SETTINGS: tuple[Section, ...] = (
    Section("/app/settings/tenant", "Team and plan", "tenant:read"),
    Section("/app/members", "Members", "members:read"),
    Section("/app/settings/keys", "API keys", "keys:read"),
    Section("/app/settings/domains", "Domains", "domains:read"),
    Section("/app/settings/words", "Tags and groups", "monitors:read"),
    Section("/app/settings/feeds", "Feeds", "feeds:read"),
    Section("/app/settings/push", "Push", "push-subscriptions:read"),
    Section("/app/sessions", "Sessions"),
    Section("/app/settings/audit", "Audit log", "audit:read"),
)
"""What is below Settings, in its order: the first that somebody may open is where Settings leads."""


class Tab(Struct, frozen=True):
    """A section as one page shows it."""

    path: str
    name: str
    here: bool


def tabs(path: str, scopes: Collection[str], sections: Sequence[Section] = SECTIONS) -> list[Tab]:
    """What somebody with these scopes may open, and which of it they are in: the longest that the path begins with."""
    open_ = [section for section in sections if not section.scope or section.scope in scopes]
    here = max(open_, key=lambda section: _within(path, section), default=None)
    return [Tab(each.path, each.name, each is here and _within(path, each) > 0) for each in open_]


def _within(path: str, section: Section) -> int:
    """How much of the path the section's own makes up; nought outside of it."""
    heads = (section.path, *section.also)
    return max((len(head) for head in heads if path == head or path.startswith(f"{head}/")), default=0)
