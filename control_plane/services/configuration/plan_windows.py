"""Plan the maintenance windows of a configuration file: pure, once everything is read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import structs

from control_plane.domain.configuration.config_diff import Change, FieldChange, PlanWarning, field_changes
from control_plane.domain.configuration.config_file import Refusals
from control_plane.domain.configuration.config_names import Names
from control_plane.domain.configuration.config_windows import short_window, whole_window, window_body
from control_plane.domain.maintenance.maintenance import first_of
from control_plane.domain.maintenance.maintenance_rules import read_window
from control_plane.errors import FarwatchError
from control_plane.services.configuration.match_entries import Matched
from control_plane.services.configuration.plan_steps import WindowStep
from control_plane.services.configuration.read_configuration import Stored
from control_plane.services.maintenance.change_maintenance import planned_change
from control_plane.services.maintenance.maintenance_rows import config_of
from control_plane.store.maintenance import WindowRow


def plan_windows(
    stored: Stored, matches: Sequence[Matched[WindowRow]], *, names: Names, refusals: Refusals
) -> tuple[list[WindowStep], list[PlanWarning]]:
    """A step for each entry. Refusals are noted at the entry's place; a window that is over is no change."""
    steps: list[WindowStep] = []
    warnings: list[PlanWarning] = []
    for match in matches:
        try:
            step = _created(stored, match, names) if match.row is None else _changed(stored, match, match.row, names)
        except FarwatchError as error:
            refusals.add(error, match.entry.pointer)
            continue
        steps.append(step)
        if match.row is None and step.following is None:
            message = "this window is over, or never holds again: it changes nothing, and may be taken out of the file"
            key = match.entry.key
            warnings.append(
                PlanWarning(code="WINDOW_OVER", message=message, kind="maintenance", key=key, field=match.entry.pointer)
            )
    return steps, warnings


def _created(stored: Stored, match: Matched[WindowRow], names: Names) -> WindowStep:
    config = read_window(window_body(match.entry.value, names, stored=None), stored=None, now=stored.now)
    following = first_of(config.schedule, now=stored.now)
    if following is None:
        return WindowStep(change=_change(match, config.title, "unchanged", ()))
    short = short_window(whole_window(config, names), written_at=None)
    fields = field_changes(None, {"key": match.entry.key, **short})
    return WindowStep(change=_change(match, config.title, "create", fields), after=config, following=following)


def _changed(stored: Stored, match: Matched[WindowRow], row: WindowRow, names: Names) -> WindowStep:
    before = config_of(row)
    after = read_window(
        window_body(match.entry.value, names, stored=before), stored=structs.replace(before, key=None), now=stored.now
    )
    old, new = whole_window(before, names), whole_window(after, names)
    fields = field_changes({"key": row.key, **old}, {"key": match.entry.key, **new})
    if not fields:
        return WindowStep(change=_change(match, after.title, "unchanged", ()), row=row)
    following, current_end = planned_change(row, old=before, new=after, now=stored.now)
    return WindowStep(
        change=_change(match, after.title, "update", fields),
        row=row,
        after=after,
        following=following,
        current_end=current_end,
    )


def _change(match: Matched[WindowRow], title: str, action: Any, fields: Sequence[FieldChange]) -> Change:
    row = match.row
    return Change(
        action=action,
        kind="maintenance",
        key=match.entry.key,
        name=title,
        id=match.id,
        pointer=match.entry.pointer,
        fields=fields,
        revision=None if row is None else row.revision,
        write_source=None if row is None else row.write_source,
    )
