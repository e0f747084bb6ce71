"""The fields of a monitor that are judged alone: their readers, by the name that a body gives them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from msgspec import Struct

from control_plane.domain import field_rules
from control_plane.domain.alerting.quiet_hours import read_quiet_hours
from control_plane.domain.field_rules import Findings

MAX_UPSTREAMS = 50
_LOOKED_UP = 1000
"""Of a list of names; a longer one is refused anyway."""
DEFAULT_SLA_DAYS = 30
LEAST_SLA_TARGET = 50.0
MAX_SLA_DAYS = 366

_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,99}")


class Sla(Struct, frozen=True):
    """How much of the known time the monitor is meant to be up: per cent, over a rolling period of days."""

    target: float
    period_days: int = DEFAULT_SLA_DAYS


def read_sla(value: object, pointer: str) -> Sla:
    """An SLA: {target, period_days?}. Raises INVALID_SLA."""
    if not isinstance(value, dict):
        field_rules.refuse("INVALID_TYPE", "sla is an object like {target: 99.9, period_days: 30}, or null", pointer)
    findings = Findings()
    field_rules.refuse_unknown(value, known=("target", "period_days"), pointer=pointer, findings=findings)
    target = findings.take(_sla_target, value.get("target"), f"{pointer}/target")
    days = value.get("period_days", DEFAULT_SLA_DAYS)
    period = findings.take(_sla_period, days, f"{pointer}/period_days")
    findings.raise_any()
    assert target is not None
    assert period is not None
    return Sla(target, period)


def _sla_target(value: object, pointer: str) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        field_rules.refuse("INVALID_TYPE", "target must be a number: per cent of the time, like 99.9", pointer)
    if not math.isfinite(value) or not LEAST_SLA_TARGET <= value <= 100:
        field_rules.refuse("INVALID_SLA", f"target must be from {LEAST_SLA_TARGET:g} to 100 per cent", pointer)
    return float(value)


def _sla_period(value: object, pointer: str) -> int:
    return field_rules.integer(value, pointer, low=1, high=MAX_SLA_DAYS, code="INVALID_SLA")


def named_monitors(body: Mapping[str, Any]) -> list[str]:
    """The ids and keys of monitors that a body names: what to look up before reading it."""
    check = body.get("check")
    of = check.get("of") if isinstance(check, dict) else None
    members = of.get("monitors") if isinstance(of, dict) else None
    lists = (body.get("depends_on"), members)
    return [
        name for names in lists if isinstance(names, list) for name in names[: 4 * MAX_UPSTREAMS] if _storable(name)
    ]


def _storable(name: object) -> bool:
    return isinstance(name, str) and name.isprintable() and len(name) <= 100


def read_depends_on(value: object, pointer: str, *, monitors: Mapping[str, UUID]) -> tuple[UUID, ...]:
    """The upstreams in ascending id, each once. Raises INVALID_DEPENDENCY for one that is not in `monitors`."""
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        field_rules.refuse("INVALID_TYPE", "depends_on is a list of ids or keys of monitors", pointer)
    if len(value) > MAX_UPSTREAMS:
        field_rules.refuse("INVALID_DEPENDENCY", f"a monitor depends on at most {MAX_UPSTREAMS} others", pointer)
    return tuple(sorted({named_monitor(name, f"{pointer}/{i}", monitors=monitors) for i, name in enumerate(value)}))


def named_monitor(name: str, pointer: str, *, monitors: Mapping[str, UUID]) -> UUID:
    """The monitor that this id or key names. Raises INVALID_DEPENDENCY when the tenant has none such."""
    found = monitors.get(name) or monitors.get(name.lower())
    if found is None:
        field_rules.refuse("INVALID_DEPENDENCY", f"there is no monitor of the id or key {name[:100]!r}", pointer)
    return found


def _text_or_none(code: str, high: int) -> Callable[[object, str], str | None]:
    def read(value: object, pointer: str) -> str | None:
        return field_rules.text(value, pointer, code=code, low=1, high=high)

    return read


def _group(value: object, pointer: str) -> str:
    return field_rules.name(value, pointer, code="INVALID_GROUP")


def read_key(value: object, pointer: str) -> str:
    """What a configuration file calls an object. Raises INVALID_KEY."""
    text = field_rules.text(value, pointer, code="INVALID_KEY", low=1, high=100)
    if not _KEY.fullmatch(text):
        field_rules.refuse(
            "INVALID_KEY", "key is 1 to 100 of letters, digits and . _ / -, beginning with a letter or digit", pointer
        )
    return text


PLAIN: dict[str, Callable[[object, str], Any]] = {
    "name": field_rules.name,
    "interval": field_rules.interval,
    "confirmations": field_rules.confirmations,
    "tags": field_rules.tags,
    "group": _group,
    "notify_recovery": field_rules.boolean,
    "renotify_interval_secs": field_rules.renotify_interval,
    "max_repeats": field_rules.max_repeats,
    "severity": field_rules.severity,
    "alert_on": field_rules.alert_on,
    "backoff_when_down": field_rules.boolean,
    "sla": read_sla,
    "quiet_hours": read_quiet_hours,
    "owner": _text_or_none("INVALID_OWNER", 200),
    "notes": field_rules.notes,
    "enabled": field_rules.boolean,
    "key": read_key,
}
"""JSON name → reader."""
