"""Hold a configuration file against what is stored: what would be created, updated, deleted, and what stays.

Pure once everything is read, and without awaiting: whoever serves others meanwhile runs it in a thread.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from uuid import UUID

from msgspec import structs

from control_plane.domain.configuration.config_diff import Change, digest
from control_plane.domain.configuration.config_file import ConfigFile, Refusals, read_file
from control_plane.domain.configuration.config_names import Names
from control_plane.services.configuration.match_entries import Matched, match_entries
from control_plane.services.configuration.plan_channels import plan_channels
from control_plane.services.configuration.plan_monitors import plan_monitors, refuse_circles
from control_plane.services.configuration.plan_pages import plan_pages
from control_plane.services.configuration.plan_routes import plan_routes
from control_plane.services.configuration.plan_steps import (
    ChannelStep,
    Means,
    MonitorStep,
    PageStep,
    Planned,
    RouteStep,
    WindowStep,
)
from control_plane.services.configuration.plan_windows import plan_windows
from control_plane.services.configuration.read_configuration import (
    Stored,
    names_of,
    page_keys,
    route_keys,
    window_keys,
)
from control_plane.store.channels import ChannelRow
from control_plane.store.maintenance import WindowRow
from control_plane.store.monitors import MonitorRow
from control_plane.store.routes import RouteRow
from control_plane.store.status_pages import PageRow


def plan_configuration(stored: Stored, document: object, means: Means) -> Planned:
    """The plan of a decoded document.

    Raises BadRequest, Conflict or Refused at a JSON Pointer into the document; where there are several refusals, its
    details name up to 100 more.
    """
    file, refusals = read_file(document), Refusals()
    matches = match_entries(file.entries("monitors"), stored.monitors, new_id=means.new_id, refusals=refusals)
    windows = match_entries(file.entries("maintenance"), stored.windows, new_id=means.new_id, refusals=refusals)
    routes = match_entries(file.entries("routes"), stored.routes, new_id=means.new_id, refusals=refusals)
    pages = match_entries(file.entries("status_pages"), stored.pages, new_id=means.new_id, refusals=refusals)
    channel_ids = {row.name: row.id for row in stored.channels}
    channel_ids |= {e.key: means.new_id() for e in file.entries("channels") if e.key not in channel_ids}
    names = _names(stored, file, matches, channel_ids, prune=means.prune)
    channels, warned = plan_channels(
        stored.channels, file.entries("channels"), ids=channel_ids, means=means, refusals=refusals
    )
    monitors, warned_of_monitors = plan_monitors(stored, matches, names=names, means=means, refusals=refusals)
    planned_windows, warned_of_windows = plan_windows(stored, windows, names=names, refusals=refusals)
    planned_routes = plan_routes(routes, names=names, refusals=refusals)
    planned_pages, warned_of_pages = plan_pages(
        stored, pages, names=names, monitor_names=_monitor_names(stored, monitors), means=means, refusals=refusals
    )
    refuse_circles(stored, monitors, names=names, refusals=refusals)
    refusals.raise_any()
    others = _Others(stored, file, prune=means.prune)
    kept = {match.id for match in matches} | {match.id for match in windows} | {match.id for match in routes}
    kept |= {match.id for match in pages}
    kept |= {channel_ids[entry.key] for entry in file.entries("channels")}
    planned = Planned(
        monitors=[*monitors, *others.monitors(kept, names)],
        channels=[*channels, *others.channels(kept)],
        windows=[*planned_windows, *others.windows(kept)],
        routes=[*planned_routes, *others.routes(kept)],
        pages=[*planned_pages, *others.pages(kept)],
        warnings=[*warned, *warned_of_monitors, *warned_of_windows, *warned_of_pages],
        digest="",
    )
    return structs.replace(planned, digest=digest([step.change for step in planned.steps]))


def _names(
    stored: Stored,
    file: ConfigFile,
    matches: Sequence[Matched[MonitorRow]],
    channel_ids: Mapping[str, UUID],
    *,
    prune: bool,
) -> Names:
    """What is deleted is not there for others to refer to."""
    names = names_of(stored, wanted={match.id: match.entry.key for match in matches})
    monitors, channels = dict(names.monitors), dict(channel_ids)
    if prune and "monitors" in file.sections:
        kept = {match.id for match in matches}
        monitors = {word: one for word, one in monitors.items() if one in kept}
    if prune and "channels" in file.sections:
        channels = {entry.key: channels[entry.key] for entry in file.entries("channels")}
    named = {one: name for name, one in channel_ids.items()}
    return structs.replace(names, monitors=monitors, channels=channels, channel_name_of=named)


def _monitor_names(stored: Stored, steps: Sequence[MonitorStep]) -> dict[UUID, str]:
    """What monitors are called once the plan is taken."""
    planned = {step.change.id: step.change.name for step in steps if step.change.id is not None}
    return {row.id: row.name for row in stored.monitors} | planned


class _Others:
    """What is stored and not in the file, of the sections that the file has."""

    def __init__(self, stored: Stored, file: ConfigFile, *, prune: bool) -> None:
        self._stored = stored
        self._file = file
        self._prune = prune

    def monitors(self, kept: set[UUID], names: Names) -> Iterator[MonitorStep]:
        for row in self._stored.monitors if "monitors" in self._file.sections else ():
            if row.id not in kept:
                yield MonitorStep(change=self._change(row, "monitor", names.key_of[row.id], row.name), row=row)

    def channels(self, kept: set[UUID]) -> Iterator[ChannelStep]:
        for row in self._stored.channels if "channels" in self._file.sections else ():
            if row.id not in kept:
                yield ChannelStep(change=self._change(row, "channel", row.name, row.name), row=row)

    def windows(self, kept: set[UUID]) -> Iterator[WindowStep]:
        keys = window_keys(self._stored)
        for row in self._stored.windows if "maintenance" in self._file.sections else ():
            if row.id not in kept:
                yield WindowStep(change=self._change(row, "maintenance", keys[row.id], row.title), row=row)

    def routes(self, kept: set[UUID]) -> Iterator[RouteStep]:
        keys = route_keys(self._stored)
        for row in self._stored.routes if "routes" in self._file.sections else ():
            if row.id not in kept:
                yield RouteStep(change=self._change(row, "route", keys[row.id], row.name), row=row)

    def pages(self, kept: set[UUID]) -> Iterator[PageStep]:
        keys = page_keys(self._stored)
        for row in self._stored.pages if "status_pages" in self._file.sections else ():
            if row.id not in kept:
                yield PageStep(change=self._change(row, "status_page", keys[row.id], row.title), row=row)

    def _change(
        self, row: MonitorRow | ChannelRow | WindowRow | RouteRow | PageRow, kind: str, key: str, name: str
    ) -> Change:
        return Change(
            action="delete" if self._prune else "unmanaged",
            kind=kind,
            key=key,
            name=name,
            id=row.id,
            pointer=None,
            revision=row.revision,
            write_source=row.write_source,
        )
