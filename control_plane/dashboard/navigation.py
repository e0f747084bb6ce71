"""The sections of the dashboard, as they stand in every page's head: one line for each, in their order. Pure."""

from __future__ import annotations

from collections.abc import Collection

from msgspec import Struct


class Section(Struct, frozen=True):
    """A section: where it begins, what it is called, and the scope without which it is not shown."""

    path: str
    name: str
    scope: str
    also: tuple[str, ...] = ()
    """Other paths that begin a part of it."""


SECTIONS: tuple[Section, ...] = (
    Section("/app", "Monitors", "monitors:read"),
    Section("/app/channels", "Alerting", "channels:read", also=("/app/routes", "/app/silences")),
    Section("/app/members", "Members", "members:read"),
)


class Tab(Struct, frozen=True):
    """A section as one page shows it."""

    path: str
    name: str
    here: bool


def tabs(path: str, scopes: Collection[str]) -> list[Tab]:
    """What somebody with these scopes may open, and which of it they are in: the longest that the path begins with."""
    open_ = [section for section in SECTIONS if section.scope in scopes]
    begun = [(start, each.path) for each in open_ for start in (each.path, *each.also)]
    within = [(start, own) for start, own in begun if path == start or path.startswith(f"{start}/")]
    _, here = max(within, key=lambda one: len(one[0]), default=("", ""))
    return [Tab(each.path, each.name, each.path == here) for each in open_]
