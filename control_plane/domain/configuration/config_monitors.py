"""Monitors as a configuration file says them, and what it says as the body that the API would take."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any
from uuid import UUID

import msgspec
from msgspec import structs

from control_plane.domain.alerting import quiet_hours
from control_plane.domain.checks.check_rules import RULES, rules_of
from control_plane.domain.checks.kinds import SPECS, MonitorCheck, kind_of
from control_plane.domain.checks.regionless import CONFIRMATIONS
from control_plane.domain.checks.secrets_of_check import split
from control_plane.domain.configuration.config_names import Names
from control_plane.domain.configuration.config_secrets import without_secrets
from control_plane.domain.monitors.monitor_fields import DEFAULT_SLA_DAYS
from control_plane.domain.monitors.monitor_rules import FIELDS, MonitorConfig
from shared.checks import CheckTextRefused, expand
from shared.checks.secret_headers import is_secret_header

ORDER = (
    *("key", "adopt", "name", "check", "interval", "regions", "region_policy", "confirmations", "tags", "group"),
    *("alerts", "notify_recovery", "renotify_interval_secs", "max_repeats", "escalations"),
    *("severity", "alert_on"),
    *("backoff_when_down", "sla", "quiet_hours", "depends_on", "owner", "notes", "enabled", "secrets"),
)
"""Fields of an entry, as they are written."""

_OF_REGIONS = frozenset({"interval", "regions", "region_policy", "confirmations", "backoff_when_down"})
_DEFAULTS: Mapping[str, Any] = {
    "region_policy": "majority",
    "tags": [],
    "group": None,
    "alerts": [],
    "escalations": [],
    "backoff_when_down": False,
    "sla": None,
    "quiet_hours": None,
    "depends_on": [],
    "owner": None,
    "notes": None,
    **{
        name: next(field.default for field in structs.fields(MonitorConfig) if field.name == name)
        for name in ("confirmations", "notify_recovery", "max_repeats", "severity", "enabled")
    },
    "renotify_interval_secs": 3600,
}


def whole_monitor(config: MonitorConfig, names: Names) -> dict[str, Any]:
    """All that is decided about the monitor, in the words of a file, without secrets."""
    check, _ = _written_check(config.check, names)
    policy: Any = config.region_policy.name if config.region_policy.k is None else {"count": config.region_policy.k}
    written: dict[str, Any] = {
        "name": config.name,
        "check": check,
        "interval": config.interval_s,
        "regions": [region.slug for region in config.regions],
        "region_policy": policy,
        "confirmations": config.confirmations,
        "tags": list(config.tags),
        "group": config.group,
        "alerts": _written_alerts(config, names),
        "notify_recovery": config.notify_recovery,
        "renotify_interval_secs": config.renotify_interval_s,
        "max_repeats": config.max_repeats,
        "escalations": _written_steps(config, names),
        "severity": config.severity,
        "alert_on": config.alert_on,
        "backoff_when_down": config.backoff_when_down,
        "sla": None if config.sla is None else {"target": config.sla.target, "period_days": config.sla.period_days},
        "quiet_hours": quiet_hours.written(config.quiet_hours),
        "depends_on": sorted(names.key_of.get(one, str(one)) for one in config.depends_on),
        "owner": config.owner,
        "notes": config.notes,
        "enabled": config.enabled,
    }
    if rules_of(config.check).regionless:
        return {name: value for name, value in written.items() if name not in _OF_REGIONS}
    return written


def short_monitor(whole: Mapping[str, Any], names: Names) -> dict[str, Any]:
    """The same without what is default."""
    rules = RULES[whole["check"]["type"]]
    defaults = {
        **_DEFAULTS,
        "interval": rules.default_interval_s,
        "alert_on": rules.default_alert_on,
        "regions": names.default_regions,
        "confirmations": CONFIRMATIONS if rules.regionless else _DEFAULTS["confirmations"],
    }
    short = {name: value for name, value in whole.items() if name not in defaults or value != defaults[name]}
    of_check = default_members(whole["check"]["type"])
    short["check"] = {n: v for n, v in whole["check"].items() if n not in of_check or v != of_check[n]}
    if sla := short.get("sla"):
        short["sla"] = {n: v for n, v in sla.items() if (n, v) != ("period_days", DEFAULT_SLA_DAYS)}
    return short


def secrets_of(check: MonitorCheck) -> list[str]:
    """The JSON Pointers of a check's secrets, below the monitor."""
    return [] if split(check)[1].empty else _written_check(check, None)[1]


@cache
def default_members(kind: str) -> Mapping[str, Any]:
    """The members of a check of this kind that have a default, with it, as JSON."""
    spec = SPECS[kind]
    defaults = {}
    for field in structs.fields(spec):
        if not field.required:
            value = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
            defaults[field.encode_name] = _plain(value)
    return defaults


def _written_check(check: MonitorCheck, names: Names | None) -> tuple[dict[str, Any], list[str]]:
    masked, secrets = split(check)
    document, secret = _plain(masked), list[str]()
    if not secrets.empty:
        document, secret = without_secrets(document, "/check", only=rules_of(check).secret_fields)
    listed = document.get("of", {}).get("monitors") if names is not None and kind_of(check) == "composite" else None
    if listed is not None and names is not None:
        keys = sorted(names.key_of.get(UUID(one), one) for one in listed)
        document["of"] = {**document["of"], "monitors": keys}
    return {"type": kind_of(check), **document}, secret


def _written_alerts(config: MonitorConfig, names: Names) -> list[dict[str, Any]]:
    written = [
        {"channel": names.channel_name_of.get(one.channel_id, str(one.channel_id))}
        | ({} if one.events is None else {"events": list(one.events)})
        for one in config.alerts
    ]
    return sorted(written, key=lambda alert: str(alert["channel"]))


def _written_steps(config: MonitorConfig, names: Names) -> list[dict[str, Any]]:
    return [
        {"after_s": step.after_s, "channels": sorted(names.channel_name_of.get(o, str(o)) for o in step.channel_ids)}
        for step in config.escalations
    ]


def monitor_body(entry: Mapping[str, Any], names: Names, *, stored: MonitorConfig | None) -> dict[str, Any]:
    """The entry as a body of the API: of a new monitor, or the merge patch that makes a stored one equal to it.

    What the entry leaves out is default, but for secrets, which stay as they are stored.
    """
    body = {name: value for name, value in entry.items() if name not in ("secrets", "adopt")}
    if "alerts" in body:
        body["alerts"] = _alerts_by_id(body["alerts"], names)
    if "escalations" in body:
        body["escalations"] = _steps_by_id(body["escalations"], names)
    if isinstance(check := expanded(body.get("check")), dict):
        body["check"] = _check_by_id(check if stored is None else _check_patch(check, stored.check), names)
    if stored is None:
        return body
    return {**dict.fromkeys(field for field in FIELDS if field not in ("name", "check", "key")), **body}


def expanded(check: object) -> object:
    """A check written as one string as the object that it stands for; anything else as it is."""
    if not isinstance(check, str):
        return check
    try:
        written = expand(check)
    except CheckTextRefused:
        return check  # whoever reads the body says why
    defaults = default_members(kind_of(written))
    members = {name: value for name, value in _plain(written).items() if defaults.get(name, written) != value}
    return {"type": kind_of(written), **members}


def gives_secrets(entry: Mapping[str, Any]) -> bool:
    """Whether the file says anything of a secret of this monitor's check."""
    check = entry.get("check")
    if not isinstance(check, dict):
        return False
    headers = check.get("headers")
    named = isinstance(headers, dict) and any(is_secret_header(str(name)) for name in headers)
    return "basic_auth" in check or "bearer_token" in check or named


def _alerts_by_id(alerts: Any, names: Names) -> Any:
    """Unknown names stay as they are: reading the body refuses them."""
    if not isinstance(alerts, list):
        return alerts
    return [_alert_by_id(alert, names) if isinstance(alert, dict) else alert for alert in alerts]


def _alert_by_id(alert: Mapping[str, Any], names: Names) -> dict[str, Any]:
    others = {name: value for name, value in alert.items() if name != "channel"}
    name = alert.get("channel")
    found = names.channels.get(name) if isinstance(name, str) else None
    return {"channel_id": name if found is None else str(found), **others}


def _steps_by_id(steps: Any, names: Names) -> Any:
    if not isinstance(steps, list):
        return steps
    return [_step_by_id(step, names) if isinstance(step, dict) else step for step in steps]


def _step_by_id(step: Mapping[str, Any], names: Names) -> dict[str, Any]:
    others = {name: value for name, value in step.items() if name != "channels"}
    listed = step.get("channels")
    if not isinstance(listed, list):
        return {**others, "channel_ids": listed}
    return {**others, "channel_ids": [str(names.channels.get(o, o)) if isinstance(o, str) else o for o in listed]}


def _check_by_id(check: dict[str, Any], names: Names) -> dict[str, Any]:
    of = check.get("of")
    listed = of.get("monitors") if isinstance(of, dict) else None
    if not isinstance(listed, list):
        return check
    ids = [str(names.monitors.get(one, one)) if isinstance(one, str) else one for one in listed]
    return {**check, "of": {**(of or {}), "monitors": ids}}


def _check_patch(check: Mapping[str, Any], stored: MonitorCheck) -> dict[str, Any]:
    kind = kind_of(stored)
    if check.get("type", kind) != kind:
        return dict(check)  # refused: a monitor stays of its kind
    rules = RULES[kind]
    given = {name: value for name, value in check.items() if name != "type"}
    reset = {
        name: default
        for name, default in default_members(kind).items()
        if name not in given and name not in rules.secret_fields
    }
    patch: dict[str, Any] = {"type": kind, **reset, **given}
    for name in rules.merged_by_name:
        patch[name] = _named_patch(given.get(name, {}), getattr(stored, name), secret=name in rules.secret_fields)
    return patch


def _named_patch(given: Any, stored: Mapping[str, str], *, secret: bool) -> Any:
    """Headers that are not named any more go; secret ones stay unless the file says null."""
    if not isinstance(given, dict):
        return given
    named = {str(name).lower() for name in given}
    gone = [name for name in stored if name.lower() not in named and not (secret and is_secret_header(name))]
    return {**dict.fromkeys(gone), **given}


def _plain(value: Any) -> Any:
    return msgspec.json.decode(msgspec.json.encode(value))
