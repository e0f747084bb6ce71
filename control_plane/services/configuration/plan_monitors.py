"""Plan the monitors of a configuration file: pure, once everything is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any
from uuid import UUID

from control_plane.domain.checks.composite_check import CompositeCheck
from control_plane.domain.checks.secrets_of_check import CheckSecrets, split
from control_plane.domain.configuration.config_diff import (
    Change,
    FieldChange,
    PlanWarning,
    field_changes,
    secret_changes,
)
from control_plane.domain.configuration.config_file import Entry, Refusals
from control_plane.domain.configuration.config_monitors import monitor_body, secrets_of, short_monitor, whole_monitor
from control_plane.domain.configuration.config_names import Names
from control_plane.domain.configuration.config_secrets import missing_secrets
from control_plane.domain.monitors.monitor_rules import MonitorConfig, Surroundings, read_monitor
from control_plane.domain.tenants.plan_rules import refuse_beyond_plan
from control_plane.errors import FarwatchError, Refused
from control_plane.services.configuration.match_entries import Matched
from control_plane.services.configuration.plan_steps import Means, MonitorStep, missing
from control_plane.services.configuration.read_configuration import Stored
from control_plane.services.monitors.monitor_rows import opened_check
from control_plane.store.monitors import MonitorRow

_NOT_DECIDED = ("adopt", "secrets")


def plan_monitors(
    stored: Stored, matches: Sequence[Matched[MonitorRow]], *, names: Names, means: Means, refusals: Refusals
) -> tuple[list[MonitorStep], list[PlanWarning]]:
    """A step for each entry. Refusals are noted at the entry's place."""
    channels = frozenset(names.channels.values())
    surroundings = Surroundings(stored.regions, channels, means.ports, names.monitors, stored.terms, stored.gate)
    steps, warnings = [], []
    for match in matches:
        try:
            step = _step(stored, match, names=names, means=means, surroundings=surroundings)
        except FarwatchError as error:
            error.field = _in_file(error.field)
            refusals.add(error, match.entry.pointer)
            continue
        steps.append(step)
        check = (step.after or step.before or stored.config(_row(match))).check
        gone = missing_secrets(match.entry.value.get("secrets") or [], secrets_of(check))
        warnings += missing(gone, kind="monitor", entry=match.entry, is_new=match.row is None)
    return steps, warnings


def refuse_circles(stored: Stored, steps: Sequence[MonitorStep], *, names: Names, refusals: Refusals) -> None:
    """Note DEPENDENCY_CYCLE where monitors would depend on each other, or composites count each other, in a circle."""
    after = {step.change.id: step.after for step in steps if step.after is not None}
    configs = {row.id: after.get(row.id) or stored.config(row) for row in stored.monitors}
    configs |= {one: config for one, config in after.items() if one is not None}
    pointers = {step.change.id: step.change.pointer for step in steps}
    graphs: Mapping[str, Mapping[UUID, Sequence[UUID]]] = {
        "/depends_on": {one: config.depends_on for one, config in configs.items() if config.depends_on},
        "/check/of/monitors": {one: _listed(config) for one, config in configs.items() if _listed(config)},
    }
    for field, graph in graphs.items():
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as error:
            circle: list[UUID] = error.args[1]
            words = " → ".join(names.key_of.get(one, str(one)) for one in reversed(circle[:10]))
            at = next((pointers[one] for one in circle if pointers.get(one) is not None), None) or "/monitors"
            message = f"These would depend on each other in a circle: {words}. Leave one of the steps out"
            refusals.add(Refused(message, code="DEPENDENCY_CYCLE", field=field), at)


def _step(
    stored: Stored, match: Matched[MonitorRow], *, names: Names, means: Means, surroundings: Surroundings
) -> MonitorStep:
    entry, row = match.entry, match.row
    if row is None:
        return _created(match, names=names, surroundings=surroundings)
    masked = stored.config(row)
    whole = whole_monitor(masked, names)
    if row.key == entry.key and _says(entry) == {"key": entry.key, **short_monitor(whole, names)}:
        return MonitorStep(change=_change(match, masked.name, "unchanged", ()), row=row, before=masked)
    before = stored.config(row, opened_check(means.sealer, row))
    body = monitor_body(entry.value, names, stored=before)
    after = read_monitor(body, stored=before, surroundings=surroundings)
    fields = field_changes({"key": row.key, **whole}, {"key": entry.key, **whole_monitor(after, names)})
    if means.compare_secrets:
        fields += secret_changes(_other_secrets(split(before.check)[1], split(after.check)[1]))
    action = "update" if fields else "unchanged"
    return MonitorStep(change=_change(match, after.name, action, fields), row=row, before=before, after=after)


def _created(match: Matched[MonitorRow], *, names: Names, surroundings: Surroundings) -> MonitorStep:
    config = read_monitor(monitor_body(match.entry.value, names, stored=None), stored=None, surroundings=surroundings)
    terms = surroundings.terms
    refuse_beyond_plan(terms, config.check, interval_s=config.interval_s, regions=len(config.regions))
    short = short_monitor(whole_monitor(config, names), names)
    fields = field_changes(None, {"key": match.entry.key, **short}) + secret_changes(secrets_of(config.check))
    return MonitorStep(change=_change(match, config.name, "create", fields), after=config)


def _change(match: Matched[MonitorRow], name: str, action: Any, fields: Sequence[FieldChange]) -> Change:
    row = match.row
    return Change(
        action=action,
        kind="monitor",
        key=match.entry.key,
        name=name,
        id=match.id,
        pointer=match.entry.pointer,
        fields=fields,
        revision=None if row is None else row.revision,
        write_source=None if row is None else row.write_source,
    )


def _says(entry: Entry) -> dict[str, Any]:
    return {name: value for name, value in entry.value.items() if name not in _NOT_DECIDED}


def _row(match: Matched[MonitorRow]) -> MonitorRow:
    assert match.row is not None
    return match.row


def _listed(config: MonitorConfig) -> tuple[UUID, ...]:
    check = config.check
    return (check.of.monitors or ()) if isinstance(check, CompositeCheck) else ()


def _other_secrets(old: CheckSecrets, new: CheckSecrets) -> list[str]:
    found = [
        f"/check/headers/{name}" for name in old.headers | new.headers if old.headers.get(name) != new.headers.get(name)
    ]
    found += ["/check/basic_auth"] if old.password != new.password else []
    return found + (["/check/bearer_token"] if old.bearer_token != new.bearer_token else [])


def _in_file(field: str | None) -> str | None:
    """Where the API has a channel's id, a file has its name."""
    return field and field.replace("/channel_id", "/channel")
