"""What the operator may set while Farwatch runs, with types and defaults. Pure.

A setting is a field here; only what differs from its default has a row in operator_settings. The rule of domains:
unverified ones are capped at one monitor and one check an hour for each tenant.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

Many = Annotated[int, Meta(ge=0, le=1_000_000)]


class SafetySettings(Struct, frozen=True, forbid_unknown_fields=True):
    """`scan_*`: distinct values within an hour that make a port scan of one tenant; 0 turns that rule off."""

    require_domain_verification: bool = False
    scan_ports_per_host: Many = 30
    scan_hosts_per_port: Many = 1000


UNVERIFIED_MONITORS = 1
UNVERIFIED_INTERVAL_S = 3600

NAMES = tuple(field.name for field in msgspec.structs.fields(SafetySettings))


def settings_of(rows: Mapping[str, Any]) -> SafetySettings:
    """From what is stored. A row of another release, or with a value that is none, is passed over."""
    known: dict[str, Any] = {}
    for name, value in rows.items():
        try:
            msgspec.convert({name: value}, SafetySettings)
        except msgspec.ValidationError:
            continue
        known[name] = value
    return msgspec.convert(known, SafetySettings)
