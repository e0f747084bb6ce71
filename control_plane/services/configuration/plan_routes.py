"""Plan the routes of a configuration file: pure, once everything is read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import structs

from control_plane.domain.channels.route_rules import read_route
from control_plane.domain.configuration.config_diff import Change, FieldChange, field_changes
from control_plane.domain.configuration.config_file import Refusals
from control_plane.domain.configuration.config_names import Names
from control_plane.domain.configuration.config_routes import known_to, route_body, short_route, whole_route
from control_plane.errors import FarwatchError
from control_plane.services.alerting.route_rows import config_of
from control_plane.services.configuration.match_entries import Matched
from control_plane.services.configuration.plan_steps import RouteStep
from control_plane.store.routes import RouteRow


def plan_routes(matches: Sequence[Matched[RouteRow]], *, names: Names, refusals: Refusals) -> list[RouteStep]:
    """A step for each entry. Refusals are noted at the entry's place."""
    steps: list[RouteStep] = []
    for match in matches:
        try:
            steps.append(_step(match, names))
        except FarwatchError as error:
            refusals.add(error, match.entry.pointer)
    return steps


def _step(match: Matched[RouteRow], names: Names) -> RouteStep:
    row = match.row
    before = None if row is None else config_of(row)
    known = known_to(names, None if before is None else before.match)
    stored = None if before is None else structs.replace(before, key=None)
    after = read_route(route_body(match.entry.value, names), stored=stored, known=known)
    new = whole_route(after, names)
    if row is None or before is None:
        fields = field_changes(None, {"key": match.entry.key, **short_route(new)})
        return RouteStep(change=_change(match, after.name, "create", fields), after=after)
    fields = field_changes({"key": row.key, **whole_route(before, names)}, {"key": match.entry.key, **new})
    if not fields:
        return RouteStep(change=_change(match, after.name, "unchanged", ()), row=row)
    return RouteStep(change=_change(match, after.name, "update", fields), row=row, after=after)


def _change(match: Matched[RouteRow], name: str, action: Any, fields: Sequence[FieldChange]) -> Change:
    row = match.row
    return Change(
        action=action,
        kind="route",
        key=match.entry.key,
        name=name,
        id=match.id,
        pointer=match.entry.pointer,
        fields=fields,
        revision=None if row is None else row.revision,
        write_source=None if row is None else row.write_source,
    )
