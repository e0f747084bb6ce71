"""Routes as a configuration file says them, and what it says as a body of the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from control_plane.domain.alerting import notice_match
from control_plane.domain.alerting.notice_match import Match
from control_plane.domain.channels.route_rules import Known, RouteConfig
from control_plane.domain.configuration.config_names import Names
from control_plane.domain.field_rules import refuse

ORDER = ("key", "adopt", "name", "enabled", "match", "events", "channels")
"""Fields of an entry, as they are written."""

_DEFAULTS: Mapping[str, Any] = {"enabled": True, "match": {}, "events": None, "channels": []}


def whole_route(config: RouteConfig, names: Names) -> dict[str, Any]:
    """All that is decided about the route: monitors by key, channels by name. Channels that are gone are left out.

    A monitor that is gone keeps its id: without it the route would match more than it does.
    """
    match = {name: list(getattr(config.match, name)) for name in notice_match.FIELDS if name != "monitor_ids"}
    match["monitors"] = sorted(names.key_of.get(one, str(one)) for one in config.match.monitor_ids)
    return {
        "name": config.name,
        "enabled": config.enabled,
        "match": {name: listed for name, listed in match.items() if listed},
        "events": None if config.events is None else list(config.events),
        "channels": sorted(names.channel_name_of[one] for one in config.channel_ids if one in names.channel_name_of),
    }


def short_route(whole: Mapping[str, Any]) -> dict[str, Any]:
    """The same without what is default."""
    short = {name: value for name, value in whole.items() if name not in _DEFAULTS or value != _DEFAULTS[name]}
    return {name: short[name] for name in ORDER if name in short}


def route_body(entry: Mapping[str, Any], names: Names) -> dict[str, Any]:
    """The entry as a body of the API: what it leaves out is default."""
    body: dict[str, Any] = {"enabled": None, "match": None, "events": None, "channels": [], **entry}
    body.pop("adopt", None)
    body["channel_ids"] = _channels(body.pop("channels"), names)
    if isinstance(match := body["match"], dict):
        body["match"] = _match(match, names)
    return body


def known_to(names: Names, stored: Match | None) -> Known:
    """What a route of the file may name: what there is, what will be, and monitors that it names already."""
    monitors = frozenset(names.monitors.values()) | frozenset(stored.monitor_ids if stored else ())
    return Known(monitors=monitors, channels=frozenset(names.channels.values()))


def _match(match: Mapping[str, Any], names: Names) -> dict[str, Any]:
    if "monitor_ids" in match:
        refuse("UNKNOWN_FIELD", "a file names monitors by their keys, under monitors", "/match/monitor_ids")
    given = {**dict.fromkeys(notice_match.FIELDS), **match}
    listed = given.pop("monitors", None)
    if isinstance(listed, list):
        listed = [_monitor(one, names, f"/match/monitors/{place}") for place, one in enumerate(listed)]
    return {**given, "monitor_ids": listed}


def _monitor(one: object, names: Names, pointer: str) -> object:
    if not isinstance(one, str) or _is_id(one):
        return one
    found = names.monitors.get(one)
    if found is None:
        refuse("INVALID_MATCH", f"there is no monitor of the key {one[:100]!r}, here or in the file", pointer)
    return str(found)


def _channels(listed: object, names: Names) -> object:
    if not isinstance(listed, list):
        return listed
    return [_channel(one, names, f"/channels/{place}") for place, one in enumerate(listed)]


def _channel(one: object, names: Names, pointer: str) -> str:
    found = names.channels.get(one) if isinstance(one, str) else None
    if found is None:
        refuse("INVALID_MATCH", "there is no channel of this name, here or in the file", pointer)
    return str(found)


def _is_id(text: str) -> bool:
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False
