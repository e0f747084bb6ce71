"""The components of a status page in a configuration file, read: monitors by key, every bad field at its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from msgspec import structs

from control_plane.domain.configuration.config_file import Refusals
from control_plane.domain.configuration.config_names import Names
from control_plane.domain.configuration.config_pages import COMPONENT_ORDER, Placed
from control_plane.domain.field_rules import Findings, refuse, refuse_unknown
from control_plane.domain.pages.page_rules import MOST_COMPONENTS, read_component
from control_plane.errors import FarwatchError, Refused


def read_components(
    listed: object, *, names: Names, monitor_names: Mapping[UUID, str], stored: Sequence[Placed]
) -> list[Placed]:
    """The components of an entry, in their order.

    One without a name keeps the name that it has on the page, or has its monitor's when it is new: a monitor that is
    renamed inside does not tell the public so. Raises BadRequest, Refused PAGE_FULL at pointers below the entry.
    """
    if listed is None:
        return []
    if not isinstance(listed, list):
        refuse("INVALID_TYPE", "components is a list, in the order of the page", "/components")
    if len(listed) > MOST_COMPONENTS:
        message = f"A page has at most {MOST_COMPONENTS} components: make another page"
        raise Refused(message, code="PAGE_FULL", field="/components")
    kept = {one.monitor_id: one.config.name for one in stored}
    refusals, found = Refusals(), dict[UUID, Placed]()
    for index, item in enumerate(listed):
        try:
            placed = _component(item, names=names, shown_as={**monitor_names, **kept})
            if placed.monitor_id in found:
                refuse("DUPLICATE_KEY", "this monitor is on the page already: a page shows it once", "/monitor")
            found[placed.monitor_id] = placed
        except FarwatchError as error:
            refusals.add(error, f"/components/{index}")
    refusals.raise_any()
    return list(found.values())


def _component(item: object, *, names: Names, shown_as: Mapping[UUID, str]) -> Placed:
    if not isinstance(item, dict):
        refuse("INVALID_TYPE", "a component is a mapping that names a monitor by its key", "")
    findings = Findings()
    refuse_unknown(item, known=COMPONENT_ORDER, pointer="", findings=findings)
    findings.raise_any()
    monitor_id = _monitor(item.get("monitor"), names)
    config = read_component(_body(item), stored=None)
    return Placed(monitor_id, structs.replace(config, name=config.name or shown_as.get(monitor_id, "")))


def _body(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name != "monitor"}


def _monitor(given: object, names: Names) -> UUID:
    if given is None:
        refuse("MISSING_FIELD", "monitor is missing: the key of the monitor that feeds the component", "/monitor")
    found = names.monitors.get(given) if isinstance(given, str) else None
    if found is None:
        refuse("INVALID_MONITOR", "there is no monitor of this key, here or in the file", "/monitor")
    return found
