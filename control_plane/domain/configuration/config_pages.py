"""Status pages as a configuration file says them, and what a plan tells of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from msgspec import Struct, structs

from control_plane.domain.configuration.config_diff import FieldChange, field_changes
from control_plane.domain.configuration.config_names import Names
from control_plane.domain.configuration.config_yaml import pointer_step
from control_plane.domain.pages.page_rules import ComponentConfig, PageConfig

_TOLD = tuple(field.name for field in structs.fields(PageConfig) if field.name not in ("slug", "title", "key"))
ORDER = (
    *("key", "adopt", "slug", "title", "description", "state", "listed", "password", "language", "branding"),
    *("header_text", "footer_text", "custom_domain", "show_uptime", "show_latency", "history_days"),
    *("components", "secrets"),
)
"""Fields of an entry, as they are written."""
COMPONENT_ORDER = ("monitor", "name", "description", "group", "show_uptime", "show_latency")
PASSWORD = "/password"  # noqa: S105 - a JSON Pointer

_DEFAULTS: Mapping[str, Any] = {
    field.name: {} if field.name == "branding" else field.default
    for field in structs.fields(PageConfig)
    if field.name in _TOLD
}
_COMPONENT_DEFAULTS: Mapping[str, Any] = {
    field.name: field.default for field in structs.fields(ComponentConfig) if not field.required
}


class Placed(Struct, frozen=True):
    """A component of a page: its monitor, and how that is shown. The page's list says where."""

    monitor_id: UUID
    config: ComponentConfig


def whole_page(config: PageConfig, components: Sequence[Placed], names: Names) -> dict[str, Any]:
    """All that is decided about the page, without its password and its logo. Monitors by key, in the page's order."""
    told = {name: getattr(config, name) for name in ("slug", "title", *_TOLD)}
    return {
        **told,
        "branding": dict(sorted(config.branding.items())),
        "components": [_whole_component(one, names) for one in components],
    }


def short_page(whole: Mapping[str, Any]) -> dict[str, Any]:
    """The same without what is default."""
    short = {name: value for name, value in whole.items() if name not in _DEFAULTS or value != _DEFAULTS[name]}
    short["components"] = [_short_component(one) for one in whole["components"]]
    return {name: short[name] for name in ORDER if name in short and short[name] != []}


def page_body(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The entry as a body of the API, less what is read apart: what it leaves out is default."""
    return {name: value for name, value in entry.items() if name not in ("adopt", "components", "secrets")}


def page_changes(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> list[FieldChange]:
    """What a plan tells: members of the page, then its components by their monitors' keys, then their order.

    New components are expected at the end; only another order is a change of its own.
    """
    old = None if before is None else _without_components(before)
    fields = field_changes(old, _without_components(after))
    was = {one["monitor"]: one for one in (before or {}).get("components", ())}
    will = {one["monitor"]: one for one in after.get("components", ())}
    for monitor in [*will, *(gone for gone in was if gone not in will)]:
        fields += _component_changes(monitor, was.get(monitor), will.get(monitor))
    expected = [one for one in was if one in will] + [one for one in will if one not in was]
    return fields if expected == [*will] else [*fields, FieldChange("/components", [*was], [*will])]


def _component_changes(
    monitor: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> list[FieldChange]:
    at = f"/components/{pointer_step(monitor)}"
    if before is None or after is None:
        return [FieldChange(at, before and _short_component(before), after and _short_component(after))]
    return [
        FieldChange(f"{at}/{name}", before.get(name), after.get(name))
        for name in COMPONENT_ORDER
        if before.get(name) != after.get(name)
    ]


def _whole_component(placed: Placed, names: Names) -> dict[str, Any]:
    monitor = names.key_of.get(placed.monitor_id, str(placed.monitor_id))
    return {"monitor": monitor, **structs.asdict(placed.config)}


def _short_component(whole: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: whole[name]
        for name in COMPONENT_ORDER
        if name in whole and (name not in _COMPONENT_DEFAULTS or whole[name] != _COMPONENT_DEFAULTS[name])
    }


def _without_components(page: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in page.items() if name != "components"}
