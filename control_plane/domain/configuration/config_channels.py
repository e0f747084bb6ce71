"""Channels as a configuration file says them, and the patch that makes a stored one equal to what it says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from control_plane.domain.configuration.config_secrets import is_masked, without_secrets

ORDER = ("name", "config", "enabled", "quiet_hours", "secrets")
"""Fields of an entry, as they are written."""


_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "ntfy": {"server_url": "https://ntfy.sh/"},
    "pagerduty": {"region": "us"},
}
"""Members of a configuration, by its type, that mean the same when they are left out."""


def whole_channel(
    *, name: str, shown: Mapping[str, Any], enabled: bool, quiet_hours: Mapping[str, Any] | None = None
) -> tuple[dict[str, Any], list[str]]:
    """All that is decided about the channel, without secrets, and where those are. `shown` has masks for them."""
    config, secret = without_secrets(shown, "/config")
    kept = {member: value for member, value in config.items() if value not in ({}, None)}
    return {"name": name, "config": kept, "enabled": enabled, "quiet_hours": quiet_hours}, secret


def short_channel(whole: Mapping[str, Any]) -> dict[str, Any]:
    """The same without what is default."""
    config = whole["config"]
    defaults = _DEFAULTS.get(config.get("type"), {})
    written = {name: value for name, value in config.items() if name not in defaults or value != defaults[name]}
    short = {"name": whole["name"], "config": written} | ({} if whole["enabled"] else {"enabled": False})
    return short if whole["quiet_hours"] is None else {**short, "quiet_hours": whole["quiet_hours"]}


def config_patch(given: Mapping[str, Any], *, shown: Mapping[str, Any]) -> dict[str, Any]:
    """A merge patch of the configuration: what the file leaves out goes, but for what is secret, which stays."""
    gone = [name for name, value in shown.items() if name not in given and name != "type" and not _holds_secret(value)]
    return {**dict.fromkeys(gone), **given}


def gives_secrets(given: Mapping[str, Any], *, shown: Mapping[str, Any]) -> bool:
    """Whether the file says anything of a member that is secret in the stored channel."""
    return any(name in given and _holds_secret(value) for name, value in shown.items())


def _holds_secret(value: object) -> bool:
    return is_masked(value) or (isinstance(value, dict) and any(_holds_secret(member) for member in value.values()))
