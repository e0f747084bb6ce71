"""Maintenance windows as a configuration file says them, and what it says as a body of the API."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from control_plane.domain.configuration.config_names import Names
from control_plane.domain.field_rules import refuse
from control_plane.domain.maintenance.maintenance_rules import FIELDS, WindowConfig, written

ORDER = (
    *("key", "adopt", "title", "description", "public", "all", "monitors", "tags"),
    *("starts_at", "ends_at", "cron", "rrule", "duration", "timezone", "until"),
)
"""Fields of an entry, as they are written."""

_DEFAULTS: Mapping[str, Any] = {
    "description": "",
    "public": False,
    "all": False,
    "monitors": [],
    "tags": [],
    "timezone": "UTC",
    **dict.fromkeys(("starts_at", "ends_at", "cron", "rrule", "duration", "until")),
}


def whole_window(config: WindowConfig, names: Names) -> dict[str, Any]:
    """All that is decided about the window. Monitors that are gone are left out."""
    body = {name: value for name, value in written(config).items() if name != "key"}
    body["monitors"] = sorted(names.key_of[one] for one in config.targets.monitors if one in names.key_of)
    return {name: _instant(value) if isinstance(value, datetime) else value for name, value in body.items()}


def short_window(whole: Mapping[str, Any], *, written_at: datetime | None) -> dict[str, Any]:
    """The same without what is default: of a window by cron, a beginning that was already past when it was written."""
    short = {name: value for name, value in whole.items() if name not in _DEFAULTS or value != _DEFAULTS[name]}
    if whole["cron"] is not None and (written_at is None or datetime.fromisoformat(whole["starts_at"]) <= written_at):
        short.pop("starts_at", None)
    return {name: short[name] for name in ORDER if name in short}


def window_body(entry: Mapping[str, Any], names: Names, *, stored: WindowConfig | None) -> dict[str, Any]:
    """The entry as a body of the API: what it leaves out is default, but for where a window by cron began."""
    body = {name: value for name, value in entry.items() if name != "adopt"}
    if isinstance(listed := body.get("monitors"), list):
        body["monitors"] = [_by_id(one, names, f"/monitors/{index}") for index, one in enumerate(listed)]
    if stored is None:
        return body
    kept = {"title", "key"} | ({"starts_at"} if body.get("cron") is not None and stored.schedule.cron else set())
    return {**dict.fromkeys(name for name in FIELDS if name not in kept), **body}


def _by_id(one: object, names: Names, pointer: str) -> object:
    if not isinstance(one, str):
        return one
    found = names.monitors.get(one)
    if found is None:
        refuse("INVALID_TARGETS", f"there is no monitor of the key {one[:100]!r}, here or in the file", pointer)
    return str(found)


def _instant(value: datetime) -> str:
    return value.isoformat().replace("+00:00", "Z")
